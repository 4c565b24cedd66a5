"""What the forwarding needs to know of each codec: its clock, and where it may be cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from signaling.wire.ids import Media


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
