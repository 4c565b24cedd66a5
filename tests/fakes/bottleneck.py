"""A path with a rate, a queue, a delay and losses, in simulated time and with a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

OVERTAKEN_S = 0.015
"""What comes out of order comes so much later."""


@dataclass
class Bottleneck:
    """One direction. Change its fields at any time; `cut` lets nothing through.

    `jitter_s`: the most that a packet comes later, in the order in which they were sent, but for
    the share `overtaken` of them. `stall_s`: once a second the receiver reads nothing for so long,
    then all at once.
    """

    rate_bps: float = 1e9
    delay_s: float = 0.02
    queue_s: float = 0.3
    loss: float = 0.0
    jitter_s: float = 0.0
    overtaken: float = 0.0
    stall_s: float = 0.0
    cut: bool = False
    seed: int = 1
    _free_at: float = 0.0
    _last: float = 0.0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def send(self, now: float, octets: int) -> float | None:
        """When the packet arrives; None if it is lost or finds the queue full."""
        if self.cut or self._random.random() < self.loss:
            return None
        start = max(now, self._free_at)
        if start - now > self.queue_s:
            return None
        self._free_at = start + 8 * octets / self.rate_bps
        arrival = self._free_at + self.delay_s + self._random.random() * self.jitter_s
        if arrival % 1 < self.stall_s:
            arrival += self.stall_s - arrival % 1
        if self.overtaken and self._random.random() < self.overtaken:
            return max(arrival, self._last) + OVERTAKEN_S
        self._last = max(arrival, self._last)
        return self._last
