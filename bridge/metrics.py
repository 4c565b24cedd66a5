"""What a node counts about itself."""

from __future__ import annotations

from collections import Counter


class Counters:
    """Totals since the process started. `dropped` is by reason; the reasons are in `Stats`."""

    __slots__ = ("bytes_in", "bytes_out", "dropped", "packets_in", "packets_out")

    def __init__(self) -> None:
        self.packets_in = 0
        self.packets_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.dropped: Counter[str] = Counter()


class LoopLag:
    """How late the event loop runs: the worst delay of a timer since `take` was last called."""

    def __init__(self) -> None:
        self._worst_s = 0.0

    def late(self, due: float, now: float) -> None:
        """A timer that was due then runs now."""
        self._worst_s = max(self._worst_s, now - due)

    def take(self) -> float:
        """The worst delay in seconds; starts anew."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s
