"""One published stream of H.264 (RFC 6184), made uniform before it is fanned out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from bridge import rtp
from bridge.codecs import H264, H264Payload, parse_h264
from bridge.cuts import Cuts
from bridge.source import Source


class H264Source(Source):
    """A `Source` of H.264: a keyframe starts with its parameter sets, since a slot that began
    behind them, at the picture itself, could not be decoded. Where the publisher does not repeat
    them, those that came before, or stood in its offer (`sets`), are put in as a packet of their
    own."""

    __slots__ = ("_cut", "_cuts")

    def __init__(
        self,
        ssrc: int,
        payload_type: int,
        section: Hashable | None = None,
        sets: Iterable[bytes] = (),
    ) -> None:
        super().__init__(H264, ssrc, payload_type, section=section)
        self._cuts = Cuts(sets)
        self._cut: H264Payload | None = None  # of the packet in hand

    @property
    def profile(self) -> str | None:
        """Profile and level, as ``profile-level-id`` has them; None while unknown."""
        return self._cuts.sets.profile_level

    def _read(self, now: float, data: bytes, header: rtp.Header) -> bool:
        self._cut = parse_h264(data, header.start, header.end)
        return self._cut is not None

    def _begin(self, now: float, extended: int, timestamp: int) -> int:
        self._cuts.restart()
        return super()._begin(now, extended, timestamp)

    def _needs(self, timestamp: int, follows: bool) -> bytes | None:
        cuts, cut = self._cuts, self._cut
        assert cut is not None
        if not cuts.lacks(timestamp, cut, follows):
            return None
        self._note_size(cuts.sets.size)
        cuts.keyframe_at = timestamp
        self.keyframes += 1
        return cuts.sets.payload

    def _fill_payload(self, data: bytes, header: rtp.Header, newer: bool) -> None:
        cuts, cut = self._cuts, self._cut
        assert cut is not None
        packet = self.packet
        packet.tail = data[header.start : header.end]
        self._note_size(cuts.read(data, header.start, header.end))
        begins = cuts.begins(header.timestamp, cut)
        self.keyframes += begins
        packet.starts_keyframe = begins and cuts.starts(cut)

    def _fill_late_payload(self, data: bytes, header: rtp.Header) -> bool:
        cuts, cut = self._cuts, self._cut
        assert cut is not None
        packet = self.packet
        packet.tail = data[header.start : header.end]
        packet.starts_keyframe = False
        if header.timestamp == cuts.keyframe_at:
            packet.starts_keyframe = cut.has_parameters
            self._note_size(cuts.read(data, header.start, header.end))
        return True
