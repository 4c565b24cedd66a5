"""What the forwarding needs to know of each codec: its clock, and where it may be cut."""

from __future__ import annotations

from dataclasses import dataclass

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
