"""What is measured of a stream that the bridge receives: loss, jitter, rate, round trip."""

from __future__ import annotations


class Reception:
    """Receive statistics of one SSRC (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.lost = 0
        self.jitter_s = 0.0
