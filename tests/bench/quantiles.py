"""Quantiles of what happened between two readings of a histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Buckets = Mapping[float, int]
"""Cumulative counts by upper edge in seconds, the last one infinite."""


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds, and of how many packets."""

    packets: int
    p50_ms: float
    p99_ms: float


NOTHING = Quantiles(0, math.nan, math.nan)


def quantiles(before: Buckets, after: Buckets) -> Quantiles:
    """Interpolated within their buckets; in the infinite one its lower edge."""
    edges = sorted(after)
    counts = [after[edge] - before.get(edge, 0) for edge in edges]
    if not counts or counts[-1] == 0:
        return NOTHING
    return Quantiles(counts[-1], _at(edges, counts, 0.5), _at(edges, counts, 0.99))


def _at(edges: list[float], counts: list[int], share: float) -> float:
    wanted = share * counts[-1]
    lower_edge = lower = 0.0
    for edge, count in zip(edges, counts, strict=True):
        if count >= wanted:
            if math.isinf(edge) or count == lower:
                break
            lower_edge += (edge - lower_edge) * (wanted - lower) / (count - lower)
            break
        lower_edge, lower = edge, count
    return 1000 * lower_edge
