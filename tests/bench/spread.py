"""A figure measured several times: its median, and how far the others were from it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of some measurements of one thing."""

    median: float
    low: float
    high: float

    def text(self, digits: int = 1) -> str:
        """``9.7 (9.5–10.1)``; only the median where all are the same at this precision."""
        middle, low, high = (f"{one:,.{digits}f}" for one in (self.median, self.low, self.high))
        return middle if low == high else f"{middle} ({low}–{high})"


def spread(values: Iterable[float]) -> Spread | None:
    """Of the values that are there; None for none. NaN counts as not there."""
    there = [value for value in values if not math.isnan(value)]
    if not there:
        return None
    return Spread(statistics.median(there), min(there), max(there))


def show(values: Iterable[float], digits: int = 1) -> str:
    """`Spread.text` of the values, or a dash for none."""
    found = spread(values)
    return "–" if found is None else found.text(digits)


def rotated(items: list[T], turns: int) -> list[T]:
    """The same items, beginning with another one each turn: no subject always goes first."""
    turns %= max(1, len(items))
    return items[turns:] + items[:turns]
