"""Good, fair or poor, from one quality a second: with hysteresis, so many in a row."""

from __future__ import annotations

from typing import Literal

from monitor.thresholds import Thresholds

Grade = Literal["good", "fair", "poor"]
_ORDER: tuple[Grade, ...] = ("good", "fair", "poor")


class Grader:
    """Moves when all of the last so many qualities were worse, or better, than its grade: then to
    the one of them that is nearest to it."""

    def __init__(self, limits: Thresholds) -> None:
        self.grade: Grade = "good"
        self._limits = limits
        self._in_a_row: list[int] = []

    def take_in(self, quality: float | None) -> Grade:
        """One more quality; None, when nothing is known, speaks for no change."""
        held = _ORDER.index(self.grade)
        seen = held if quality is None else self._rank(quality)
        if seen == held:
            self._in_a_row = []
            return self.grade
        if self._in_a_row and (self._in_a_row[-1] > held) != (seen > held):
            self._in_a_row = []
        self._in_a_row.append(seen)
        worse, limits = seen > held, self._limits
        if len(self._in_a_row) >= (limits.worse_in_a_row if worse else limits.better_in_a_row):
            self.grade = _ORDER[min(self._in_a_row) if worse else max(self._in_a_row)]
            self._in_a_row = []
        return self.grade

    def restart(self) -> None:
        """Nothing is held against a site that was away."""
        self.grade = "good"
        self._in_a_row = []

    def _rank(self, quality: float) -> int:
        return (quality < self._limits.fair_below) + (quality < self._limits.poor_below)
