"""What the forwarding needs to know of each codec: its clock, and where it may be cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from signaling.wire.ids import Media, ProgramCodec


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as the bridge forwards it.

    `clock_rate` is in Hz (RFC 3550 §5.1). After a switch the timestamp advances by a multiple of
    `grid` ticks: Opus decoders conceal when it leaves the raster of their frames.
    """

    name: str
    media: Media
    clock_rate: int
    grid: int


OPUS = Codec("opus", "audio", 48_000, 960)
VP8 = Codec("VP8", "video", 90_000, 1)
H264 = Codec("H264", "video", 90_000, 1)

PROGRAM_CODECS: Mapping[ProgramCodec, Codec] = {"VP8": VP8, "H264": H264}
"""What the pictures of a scope may be; each scope has one."""


class Vp8Payload(NamedTuple):
    """A VP8 payload descriptor (RFC 7741 §4.2) as it lies in a packet.

    `flags` are its first two octets, the second 0 if it is absent. `picture_id` has
    `picture_id_bits` (0: absent, 7 or 15); `tl0_picture` is TL0PICIDX, -1 if absent. `rest` is
    the offset of what follows these in the packet. `starts_keyframe` is None where it cannot be
    told: an empty frame, or a keyframe's first bit without its start code.
    """

    flags: int
    picture_id: int
    picture_id_bits: int
    tl0_picture: int
    rest: int
    starts_keyframe: bool | None


def parse_vp8(packet: bytes, start: int, end: int) -> Vp8Payload | None:
    """Read the descriptor of the payload `packet[start:end]`; None if it is cut off."""
    size = end - start
    if size < 1:
        return None
    first = packet[start]
    at = start + 1
    second = picture_id = bits = 0
    tl0_picture = -1
    if first & 0x80:
        if at >= end:
            return None
        second = packet[at]
        at += 1
        if second & 0x80:
            if at >= end:
                return None
            picture_id = packet[at]
            bits = 7
            at += 1
            if picture_id & 0x80:
                if at >= end:
                    return None
                picture_id = (picture_id & 0x7F) << 8 | packet[at]
                bits = 15
                at += 1
        if second & 0x40:
            if at >= end:
                return None
            tl0_picture = packet[at]
            at += 1
    rest = at
    if second & 0x30:
        at += 1
    starts: bool | None = False
    # S=1 and PID=0: the payload begins with the frame tag (RFC 6386 §9.1)
    if first & 0x17 == 0x10:
        if at >= end:
            starts = None
        elif not packet[at] & 0x01:
            starts = True if packet[at + 3 : min(at + 6, end)] == b"\x9d\x01\x2a" else None
    return Vp8Payload(first << 8 | second, picture_id, bits, tl0_picture, rest, starts)


class H264Payload(NamedTuple):
    """What an H.264 payload (RFC 6184 §5) is to a cut.

    `starts_keyframe`: it holds a sequence parameter set or the first slice of an IDR picture; None
    where a slice is cut off before that can be told. `has_parameters`: it holds the former, so that
    a decoder needs nothing that was sent before.
    """

    starts_keyframe: bool | None
    has_parameters: bool


_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28
_PLAIN = H264Payload(False, False)
_PARAMETERS = H264Payload(True, True)
_FIRST_SLICE = H264Payload(True, False)
_CUT_OFF = H264Payload(None, False)


def parse_h264(packet: bytes, start: int, end: int) -> H264Payload | None:
    """Read the payload `packet[start:end]` of packetization mode 0 or 1.

    None if it is cut off or of the interleaved mode, which no answer of ours agrees to. A picture
    without IDR that is refreshed bit by bit is no keyframe.
    """
    if start >= end:
        return None
    kind = packet[start] & 0x1F
    if kind < _STAP_A:
        return _unit(kind, packet, start + 1, end)
    if kind == _FU_A:
        if end - start < 3:
            return None
        # the start bit: only the first fragment has the beginning of the slice (§5.8)
        header = packet[start + 1]
        return _unit(header & 0x1F, packet, start + 2, end) if header & 0x80 else _PLAIN
    if kind == _STAP_A:
        return _aggregate(packet, start + 1, end)
    return None if kind < 30 else _PLAIN


def _unit(kind: int, packet: bytes, body: int, end: int) -> H264Payload:
    if kind == _SPS:
        return _PARAMETERS
    if kind != _IDR:
        return _PLAIN
    if body >= end:
        return _CUT_OFF
    # first_mb_in_slice is an Exp-Golomb number: a leading 1 is 0 (ITU-T H.264 §7.3.3, §9.1)
    return _FIRST_SLICE if packet[body] & 0x80 else _PLAIN


def _aggregate(packet: bytes, at: int, end: int) -> H264Payload | None:
    """RFC 6184 §5.7.1: units with two octets of size before each, in any order."""
    found = _PLAIN
    while at < end:
        body = at + 2
        if body >= end:
            return None
        at = body + (packet[at] << 8 | packet[at + 1])
        if at == body or at > end:
            return None
        unit = _unit(packet[body] & 0x1F, packet, body + 1, at)
        if unit.has_parameters or (unit is not _PLAIN and not found.starts_keyframe):
            found = unit
    return found


def vp8_size(packet: bytes, payload: Vp8Payload) -> tuple[int, int] | None:
    """Width and height of the picture that a keyframe's first packet begins (RFC 6386 §9.1).

    None where the packet ends before it says so, or the size is none.
    """
    # TID and KEYIDX share an octet; then the frame tag of 3 octets and the start code of 3
    at = payload.rest + (1 if payload.flags & 0x30 else 0) + 6
    if len(packet) < at + 4:
        return None
    width = (packet[at] | packet[at + 1] << 8) & 0x3FFF
    height = (packet[at + 2] | packet[at + 3] << 8) & 0x3FFF
    return (width, height) if width and height else None
