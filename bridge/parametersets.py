"""H.264 parameter sets (ITU-T H.264 §7.3.2): what they say, and how they are handed on. Pure.

A decoder needs a sequence parameter set (SPS) and a picture parameter set (PPS) before its first
picture. Most encoders repeat both with each keyframe. Some send them every few seconds, or only in
their offer (``sprop-parameter-sets``, RFC 6184 §8.1), as GStreamer does by default with what was
encoded before.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable

SPS, PPS = 7, 8
"""Kinds of NAL unit (ITU-T H.264 table 7-1)."""
STAP_A = 24
MAX_SET = 1024
"""Octets of a set; they have some dozens. Their size must fit 16 bits in a file."""
MAX_PPS = 16
MAX_PAYLOAD = 1200
"""Octets of all sets in one payload, so that it fits a packet."""

_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128))
_MAX_SIDE = 16384


class ParameterSets:
    """The newest of one stream: one SPS, and the PPSs that came since it changed, by their ids."""

    __slots__ = ("_payload", "_pps", "_sps")

    def __init__(self, offered: Iterable[bytes] = ()) -> None:
        self._sps: bytes | None = None
        self._pps: dict[int, bytes] = {}
        self._payload: bytes | None = None
        for nal in offered:
            self.put(nal)

    def put(self, nal: bytes) -> bool:
        """Note this unit if it is a set; returns whether it is an SPS unlike the one before."""
        kind = nal[0] & 0x1F if 0 < len(nal) <= MAX_SET else 0
        if kind == SPS and nal != self._sps:
            self._pps.clear()
            self._sps, self._payload = nal, None
            return True
        if kind == PPS:
            self._put_pps(nal)
        return False

    def _put_pps(self, nal: bytes) -> None:
        try:
            identifier = _Bits(nal).unsigned()
        except (IndexError, ValueError):
            return
        if self._pps.get(identifier) == nal:
            return
        self._pps.pop(identifier, None)
        if len(self._pps) >= MAX_PPS:
            del self._pps[next(iter(self._pps))]
        self._pps[identifier] = nal
        self._payload = None

    def read(self, packet: bytes, start: int, end: int) -> bool:
        """Note the sets in the payload `packet[start:end]` (RFC 6184 §5.6, §5.7.1); as `put`."""
        kind = packet[start] & 0x1F
        if kind in (SPS, PPS):
            return self.put(packet[start:end])
        changed, at = False, start + 1
        while kind == STAP_A and at + 2 < end:
            body = at + 2
            at = body + (packet[at] << 8 | packet[at + 1])
            if packet[body] & 0x1F in (SPS, PPS):
                changed |= self.put(packet[body : min(at, end)])
        return changed

    @property
    def payload(self) -> bytes | None:
        """All of them as one payload (STAP-A); None before there is one of each kind, or if they
        do not fit."""
        if self._payload is None and self._sps is not None and self._pps:
            body = b"".join(map(_sized, (self._sps, *self._pps.values())))
            self._payload = bytes((0x60 | STAP_A,)) + body
        found = self._payload
        return found if found is not None and len(found) <= MAX_PAYLOAD else None

    @property
    def config(self) -> bytes | None:
        """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1); None before there is one
        of each kind."""
        if self._sps is None or len(self._sps) < 4 or not self._pps:
            return None
        head = bytes((1, *self._sps[1:4], 0xFF, 0xE1)) + _sized(self._sps)
        return head + bytes((len(self._pps),)) + b"".join(map(_sized, self._pps.values()))

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture, without what is cropped; None while they cannot be
        read."""
        return None if self._sps is None else picture_size(self._sps)

    @property
    def profile_level(self) -> str | None:
        """Profile, constraints and level as ``profile-level-id`` says them; None without an SPS."""
        sps = self._sps
        return sps[1:4].hex() if sps is not None and len(sps) >= 4 else None


def read_offered(parameter: str) -> tuple[bytes, ...]:
    """The units in ``sprop-parameter-sets``, base64 with commas between; empty if unreadable."""
    try:
        found = [binascii.a2b_base64(one, strict_mode=True) for one in parameter.split(",")]
    except ValueError:
        return ()
    return tuple(one for one in found if one and len(one) <= MAX_SET)[: 1 + MAX_PPS]


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height in a sequence parameter set (§7.3.2.1.1); None if unreadable."""
    try:
        width, height = _picture_size(_Bits(sps[:MAX_SET]))
    except (IndexError, ValueError):
        return None
    return (width, height) if 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE else None


def _sized(nal: bytes) -> bytes:
    return len(nal).to_bytes(2, "big") + nal


def _picture_size(bits: _Bits) -> tuple[int, int]:
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
            _pass_scaling(bits, 12 if chroma == 3 else 8)
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
    return width, height


def _pass_scaling(bits: _Bits, lists: int) -> None:
    """Go over scaling lists (§7.3.2.1.1.1): differences, until one says that nothing follows."""
    for index in range(lists):
        if not bits.take(1):
            continue
        scale = 8
        for _ in range(16 if index < 6 else 64):
            number = bits.unsigned()
            # signed (§9.1.1): 1, -1, 2, -2, …
            scale = (scale + (number + 1 >> 1) * (1 if number & 1 else -1)) % 256
            if scale == 0:
                break


class _Bits:
    """Reads the bits of a NAL unit behind its header, without emulation prevention (§7.4.1)."""

    def __init__(self, nal: bytes) -> None:
        self._data = nal[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def take(self, count: int) -> int:
        """So many bits as a number. Raises IndexError behind the end."""
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def unsigned(self) -> int:
        """An Exp-Golomb number (§9.1). Raises ValueError: it is longer than any that is allowed."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("no Exp-Golomb number")
        return (1 << zeros) - 1 + self.take(zeros)
