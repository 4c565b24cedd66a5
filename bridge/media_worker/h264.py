"""H.264 as it comes in RTP (RFC 6184 §5) and as files want it (ISO/IEC 14496-15 §5.3.3.1)."""

from __future__ import annotations

IDR, SPS, PPS, DELIMITER = 5, 7, 8, 9
"""Kinds of NAL unit (ITU-T H.264 table 7-1)."""
_STAP_A, _FU_A = 24, 28
_MAX_SET = 1024
"""Octets of a parameter set; they have some dozens. Their size must fit 16 bits in a file."""
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128))


class Unpacker:
    """NAL units from payloads in order, and the parameter sets among them."""

    def __init__(self) -> None:
        self._fragment: bytearray | None = None
        self._sps: bytes | None = None
        self._pps: dict[bytes, None] = {}

    @property
    def incomplete(self) -> bool:
        """Whether a fragmented unit has not ended."""
        return self._fragment is not None

    def reset(self) -> None:
        """A new frame begins."""
        self._fragment = None

    def put(self, payload: bytes) -> list[bytes] | None:
        """The units that this payload completes; None if it cannot be read."""
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            return self._put_fragment(payload)
        if self._fragment is not None:
            return None
        if kind == _STAP_A:
            return self._noted(_aggregated(payload))
        return self._noted([payload]) if 1 <= kind <= 23 else None

    def config(self) -> bytes | None:
        """The AVCDecoderConfigurationRecord; None before both parameter sets have come."""
        if self._sps is None or len(self._sps) < 4 or not self._pps:
            return None
        sets = list(self._pps)
        head = bytes((1, *self._sps[1:4], 0xFF, 0xE1)) + _sized(self._sps)
        return head + bytes((len(sets),)) + b"".join(map(_sized, sets))

    def size(self) -> tuple[int, int] | None:
        """Width and height by the latest sequence parameter set; None if they cannot be read."""
        return None if self._sps is None else picture_size(self._sps)

    def _put_fragment(self, payload: bytes) -> list[bytes] | None:
        if len(payload) < 3:
            return None
        starts, ends = payload[1] & 0x80, payload[1] & 0x40
        if starts:
            if self._fragment is not None:
                return None
            self._fragment = bytearray((payload[0] & 0xE0 | payload[1] & 0x1F,))
        if self._fragment is None:
            return None
        self._fragment += payload[2:]
        if not ends:
            return []
        whole, self._fragment = bytes(self._fragment), None
        return self._noted([whole])

    def _noted(self, nals: list[bytes] | None) -> list[bytes] | None:
        for nal in nals or ():
            kind = nal[0] & 0x1F
            if len(nal) > _MAX_SET:
                continue
            if kind == SPS:
                if nal != self._sps:
                    self._pps.clear()
                self._sps = nal
            elif kind == PPS and len(self._pps) < 16:
                self._pps[nal] = None
        return nals


def may_begin(payload: bytes) -> bool:
    """Whether a frame may begin with this payload: no later fragment, no later slice."""
    kind = payload[0] & 0x1F
    at = 1
    if kind == _FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return False
        kind, at = payload[1] & 0x1F, 2
    # a slice header begins with first_mb_in_slice (§7.3.3), whose zero is a single set bit
    return not 1 <= kind <= IDR or (len(payload) > at and payload[at] & 0x80 != 0)


def _aggregated(payload: bytes) -> list[bytes] | None:
    nals, at = [], 1
    while at + 2 <= len(payload):
        size = payload[at] << 8 | payload[at + 1]
        nal = payload[at + 2 : at + 2 + size]
        if not nal or len(nal) < size:
            return None
        nals.append(nal)
        at += 2 + size
    return nals or None


def _sized(nal: bytes) -> bytes:
    return len(nal).to_bytes(2, "big") + nal


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height in a sequence parameter set (ITU-T H.264 §7.3.2.1.1); None if unreadable."""
    try:
        return _picture_size(_Bits(sps))
    except (IndexError, ValueError):
        return None


def _picture_size(bits: _Bits) -> tuple[int, int] | None:
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = bits.unsigned()
        if chroma == 3:
            bits.take(1)
        bits.unsigned()
        bits.unsigned()
        bits.take(1)
        if bits.take(1):
            return None  # scaling matrices: no encoder for conferences sends them
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1)
        bits.unsigned()
        bits.unsigned()
        for _ in range(min(bits.unsigned(), 255)):
            bits.unsigned()
    bits.unsigned()
    bits.take(1)
    width = 16 * (bits.unsigned() + 1)
    rows = bits.unsigned() + 1
    frames_only = bits.take(1)
    height = 16 * rows * (2 - frames_only)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        step_x = 1 if chroma in (0, 3) else 2
        step_y = (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= step_x * (left + right)
        height -= step_y * (top + bottom)
    return (width, height) if 0 < width <= 16384 and 0 < height <= 16384 else None


class _Bits:
    """Reads the bits of a NAL unit behind its header, without emulation prevention (§7.4.1)."""

    def __init__(self, nal: bytes) -> None:
        self._data = nal[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def take(self, count: int) -> int:
        """So many bits as a number."""
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def unsigned(self) -> int:
        """An Exp-Golomb number (§9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("no Exp-Golomb number")
        return (1 << zeros) - 1 + self.take(zeros)
