"""One published stream of VP8 (RFC 7741), made uniform before it is fanned out."""

from __future__ import annotations

from collections.abc import Hashable

from bridge import rtp
from bridge.codecs import VP8, Vp8Payload, parse_vp8, vp8_size
from bridge.source import Source

FRAMES = 32
"""Pictures of a publisher without ids by whose timestamps a late packet finds its own."""


class Vp8Source(Source):
    """A `Source` of VP8: it always leaves with a 15-bit picture id (§4.2), counted here if the
    publisher sends none."""

    __slots__ = ("_frames", "_payload", "_picture_bits", "_picture_raw")

    def __init__(self, ssrc: int, payload_type: int, section: Hashable | None = None) -> None:
        super().__init__(VP8, ssrc, payload_type, section=section)
        self._payload: Vp8Payload | None = None  # of the packet in hand
        self._picture_bits = self._picture_raw = 0
        self._frames: dict[int, int] = {}  # timestamp → picture, for publishers without ids

    def _read(self, now: float, data: bytes, header: rtp.Header) -> bool:
        self._payload = parse_vp8(data, header.start, header.end)
        return self._payload is not None

    def _begin(self, now: float, extended: int, timestamp: int) -> int:
        payload = self._payload
        assert payload is not None
        self._frames.clear()
        self._picture_bits = payload.picture_id_bits
        self._picture_raw = self.last_picture = payload.picture_id
        return super()._begin(now, extended, timestamp)

    def _jumped(self, now: float, number: int, timestamp: int) -> bool:
        payload = self._payload
        assert payload is not None
        bits = payload.picture_id_bits
        if bits != self._picture_bits or super()._jumped(now, number, timestamp):
            return True
        if bits == 0:
            return False
        pictures = (payload.picture_id - self._picture_raw) & ((1 << bits) - 1)
        return pictures >= 1 << bits - 1 or (pictures == 0 and timestamp != self.last_timestamp)

    def _fill_payload(self, data: bytes, header: rtp.Header, newer: bool) -> None:
        payload = self._payload
        assert payload is not None
        if payload.picture_id_bits:
            mask = (1 << self._picture_bits) - 1
            self.last_picture += (payload.picture_id - self._picture_raw) & mask
            self._picture_raw = payload.picture_id
        else:
            self._count_frame(header.timestamp, newer)
        if payload.tl0_picture >= 0:
            self.last_tl0_picture = payload.tl0_picture
        self._fill_picture(data, header, payload, self.last_picture)

    def _fill_late_payload(self, data: bytes, header: rtp.Header) -> bool:
        payload = self._payload
        assert payload is not None
        picture = self._late_picture(header.timestamp, payload)
        if picture < 0:
            return False
        self._fill_picture(data, header, payload, picture)
        return True

    def _fill_picture(
        self, data: bytes, header: rtp.Header, payload: Vp8Payload, picture: int
    ) -> None:
        packet = self.packet
        packet.picture = picture
        packet.descriptor = payload.flags | 0x8080
        packet.tl0_picture = payload.tl0_picture
        packet.tail = data[payload.rest : header.end]
        packet.starts_keyframe = payload.starts_keyframe is True
        if packet.starts_keyframe:
            self.keyframes += 1
            self._note_size(vp8_size(data, payload))

    def _late_picture(self, timestamp: int, payload: Vp8Payload) -> int:
        """The extended picture id of a late packet, -1 if it cannot be told."""
        bits = payload.picture_id_bits
        if bits != self._picture_bits:
            return -1
        if bits == 0:
            return self._frames.get(timestamp, -1)
        behind = (self._picture_raw - payload.picture_id) & ((1 << bits) - 1)
        return self.last_picture - behind if behind < 1 << bits - 1 else -1

    def _count_frame(self, timestamp: int, newer: bool) -> None:
        if newer:
            self.last_picture += 1
        self._frames[timestamp] = self.last_picture
        if len(self._frames) > FRAMES:
            del self._frames[next(iter(self._frames))]
