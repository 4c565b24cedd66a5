"""The most that one publisher may send, whatever REMB and feedback told it."""

from __future__ import annotations

from typing import Literal

CEILING_BPS = 10_000_000.0
"""Three layers, slides and sound are 6 Mbit/s; a camera that ignores REMB has room to be wrong."""
BURST_S = 0.5
"""What may come at once: keyframes of all layers, and what a stalled network held back."""
RECOVERED_S = 5.0
"""Without a cut for so long, it is over."""

CeilingEdge = Literal["cut", "free"]


class Ceiling:
    """Counts the octets of one session against a bucket that fills at `bps`.

    Ask `admit` for every packet, and `edge` once a second. `dropped` counts packets that were not
    admitted.
    """

    __slots__ = ("_at", "_bucket", "_bytes_per_s", "_cut_at", "_dropped_before", "_room", "dropped")

    def __init__(self, now: float, bps: float = CEILING_BPS) -> None:
        self.dropped = 0
        self._bytes_per_s = bps / 8
        self._room = self._bucket = self._bytes_per_s * BURST_S
        self._at = now
        self._cut_at: float | None = None
        self._dropped_before = 0

    def admit(self, now: float, octets: int) -> bool:
        """Whether this packet still fits."""
        if now > self._at:
            self._room = min(self._room + (now - self._at) * self._bytes_per_s, self._bucket)
            self._at = now
        if octets > self._room:
            self.dropped += 1
            return False
        self._room -= octets
        return True

    def edge(self, now: float) -> CeilingEdge | None:
        """``cut`` once when it begins to drop, ``free`` once when it has not for a while."""
        if self.dropped != self._dropped_before:
            self._dropped_before = self.dropped
            began = self._cut_at is None
            self._cut_at = now
            return "cut" if began else None
        if self._cut_at is not None and now >= self._cut_at + RECOVERED_S:
            self._cut_at = None
            return "free"
        return None
