"""One receive stream of an endpoint, whose source can change."""

from __future__ import annotations

from bridge.codecs import Codec
from bridge.hotpath import Outlet
from bridge.source import Source


class Slot:
    """One receive stream of an endpoint, whose source can change at any keyframe.

    The receiver must see a single, gapless RTP stream (RFC 3550 §5.1): sequence numbers continue
    across a switch, timestamps advance by the wall-clock gap, and the VP8 picture id
    (RFC 7741 §4.2) never jumps backwards. Within the run of one source all numbers differ from
    the source's by constants, so that what was lost stays a hole that a late packet can fill; and
    no sequence number is ever given to two packets, as SRTP's ciphers demand (RFC 3711 §9.1).

    `outlet` sends them, under the SSRC and payload type that the answer states.
    `first_sequence` (0–32,767, so that SRTP's rollover counter cannot be misread, RFC 3711
    §3.3.1), `first_timestamp` and `first_picture_id` are random numbers of the caller.
    `switches` and `keyframe_requests` (of the receiver) are totals.
    """

    __slots__ = (
        "_at",
        "_next_sequence",
        "_picture",
        "_picture_offset",
        "_sequence_offset",
        "_source",
        "_timestamp",
        "_timestamp_offset",
        "_tl0_picture",
        "_tl0_picture_offset",
        "codec",
        "keyframe_requests",
        "outlet",
        "switches",
    )

    def __init__(
        self,
        codec: Codec,
        outlet: Outlet,
        *,
        first_sequence: int,
        first_timestamp: int,
        first_picture_id: int = 0,
    ) -> None:
        self.codec = codec
        self.outlet = outlet
        self.switches = 0
        self.keyframe_requests = 0
        # the run in progress: what the outlet adds to the numbers of its source
        self._source: Source | None = None
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._picture_offset = 0
        self._tl0_picture_offset = 0
        # where the last run ended, in the numbers of this slot; `_at` None before the first
        self._at: float | None = None
        self._next_sequence = first_sequence
        self._timestamp = first_timestamp
        self._picture = first_picture_id - 1
        self._tl0_picture = 0

    @property
    def source(self) -> Source | None:
        """Whose packets it carries now."""
        return self._source

    def begin(self, now: float, source: Source) -> None:
        """Carry `source` from the packet in its hands on, which must not be a late one.

        The caller hands that packet and all after it to the fan-out with this slot, and calls
        `end` before it takes the slot out.
        """
        self.end()
        packet = source.packet
        assert not packet.late
        timestamp = self._timestamp
        if self._at is not None:
            grid = self.codec.grid
            ticks = (now - self._at) * self.codec.clock_rate
            timestamp += max(1, round(ticks / grid)) * grid
        self._source = source
        self._sequence_offset = self._next_sequence - packet.sequence
        self._timestamp_offset = timestamp - packet.timestamp
        self._picture_offset = self._picture + 1 - packet.picture
        self._tl0_picture_offset = self._tl0_picture + 1 - packet.tl0_picture
        self.outlet.begin(
            now,
            packet,
            self._sequence_offset,
            self._timestamp_offset,
            self._picture_offset,
            self._tl0_picture_offset,
        )
        self.switches += 1

    def end(self) -> None:
        """Note where the run stands, so that the next one can follow; nothing if there is none.

        Must be called before the source takes a packet that this slot is not handed.
        """
        source = self._source
        if source is None:
            return
        self._source = None
        self._at = source.last_at
        self._next_sequence = source.last_sequence + self._sequence_offset + 1
        self._timestamp = source.last_timestamp + self._timestamp_offset
        self._picture = source.last_picture + self._picture_offset
        if source.last_tl0_picture >= 0:
            self._tl0_picture = source.last_tl0_picture + self._tl0_picture_offset

    def timestamp(self, now: float) -> int | None:
        """What a sender report states for `now` (RFC 3550 §6.4.1), as the next packet's would be;
        None while nothing was ever sent."""
        source = self._source
        if source is not None:
            at, timestamp = source.last_at, source.last_timestamp + self._timestamp_offset
        elif self._at is not None:
            at, timestamp = self._at, self._timestamp
        else:
            return None
        return (timestamp + round((now - at) * self.codec.clock_rate)) & 0xFFFFFFFF
