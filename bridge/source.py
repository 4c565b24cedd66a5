"""One published RTP stream, made uniform before it is fanned out."""

from __future__ import annotations

from bridge.codecs import Codec
from bridge.estimator import Reception


class Packet:
    """The packet in hand: what of it all slots share. Reused by its `Source`; never keep one."""

    __slots__ = ()


class Source:
    """What one session publishes as one track, under one SSRC.

    Give it to `Crosspoint.add_source` once its SSRC is known, and every authentic RTP packet of
    that SSRC to `Crosspoint.forward`. A new SSRC (a new session, a restarted encoder) is a new
    `Source` under the same port and track.

    `reception` holds the figures for receiver reports. `packets`, `octets` (RTP payload bytes
    received, padding excluded), `keyframes` and `keyframe_requests` are totals; `dropped` counts
    what was not forwarded by reason: ``malformed``, ``payload_type``, ``duplicate``, ``late``,
    ``padding``. `media_at` is when the last packet came (`now`'s clock), None before the first.
    """

    def __init__(self, codec: Codec, ssrc: int, payload_type: int) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.reception = Reception(codec.clock_rate)
        self.packets = 0
        self.octets = 0
        self.keyframes = 0
        self.keyframe_requests = 0
        self.dropped: dict[str, int] = {}
        self.media_at: float | None = None
