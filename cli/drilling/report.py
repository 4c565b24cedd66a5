"""What the drill found: one result per step, figures, and each fault with its site."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["passed", "failed", "timed out", "not run"]


@dataclass(frozen=True)
class Fault:
    """One thing that was not as it should be. `site` is a site code, or ``operator``."""

    site: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.site}: expected {self.expected}; {self.seen}"


class StepFailedError(Exception):
    """A step whose checks found faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults[:3])))
        self.faults = tuple(faults)


@dataclass
class Result:
    """One step's outcome. `figures` are for reading, named with their unit."""

    step: str
    verdict: Verdict = "not run"
    seconds: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing speaks against the service."""
        return self.verdict == "passed"


def passed(results: Sequence[Result], allowed_not_run: Sequence[str] = ()) -> bool:
    """Whether the drill as a whole has passed: every step did, but those that it may leave out."""
    return bool(results) and all(
        one.good or (one.verdict == "not run" and one.step in allowed_not_run) for one in results
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` is 0–1. NaN for none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(name: str, values_s: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds, as figures of a step."""
    if not values_s:
        return {}
    return {
        f"{name}_p50_ms": round(1000 * percentile(values_s, 0.5), 1),
        f"{name}_p95_ms": round(1000 * percentile(values_s, 0.95), 1),
    }


def as_json(results: Sequence[Result], sites: int, ok: bool) -> dict[str, object]:
    """The report as plain data, for ``--json``."""
    return {
        "sites": sites,
        "passed": ok,
        "steps": [
            {
                "step": one.step,
                "verdict": one.verdict,
                "seconds": round(one.seconds, 2),
                "figures": one.figures,
                "faults": [
                    {"site": fault.site, "expected": fault.expected, "seen": fault.seen}
                    for fault in one.faults
                ],
            }
            for one in results
        ],
    }
