"""One receive stream of an endpoint, whose source can change."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.codecs import Codec
from bridge.hotpath import Leg


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """What a sender report says of a slot (RFC 3550 §6.4.1), at the `now` it was asked for."""

    ssrc: int
    rtp_timestamp: int
    packets: int
    octets: int


class Slot:
    """One receive stream of an endpoint, whose source can change at any keyframe.

    The receiver must see a single, gapless RTP stream (RFC 3550 §5.1): sequence numbers continue
    across a switch, timestamps advance by the wall-clock gap, and the VP8 picture id
    (RFC 7741 §4.2) never jumps backwards.

    `ssrc` and `payload_type` are those that the answer states. `first_sequence` (0–32,767, so
    that SRTP's rollover counter cannot be misread, RFC 3711 §3.3.1), `first_timestamp` and
    `first_picture_id` are random numbers of the caller. `packets`, `octets` (payload bytes) and
    `failures` (the leg raised) are totals.
    """

    def __init__(
        self,
        codec: Codec,
        ssrc: int,
        payload_type: int,
        leg: Leg,
        *,
        first_sequence: int,
        first_timestamp: int,
        first_picture_id: int = 0,
    ) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.leg = leg
        self.packets = 0
        self.octets = 0
        self.failures = 0

    def sender_info(self, now: float) -> SenderInfo | None:
        """Figures for a sender report, or None while nothing was ever sent."""
        raise NotImplementedError
