"""What one `make bench` has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.bench.badlines import BadLines
from tests.bench.conference import Held
from tests.bench.drills import DrillRun
from tests.bench.fanout import Phase, Run

NAMES = {
    "bridge": "DiemCau's bridge",
    "bridge-python": "the same, packet path in Python",
    "janus": "Janus as Debian ships it",
    "janus-one-loop": "Janus with `event_loops = 1`",
    "floor": "floor: C, AES-GCM and `sendto`",
}


@dataclass
class Results:
    """All runs, and what could not be measured, in words. Of the `parts`, `disturbed` were measured
    while the machine was doing something else, too."""

    at: datetime
    machine: str
    isolated: bool
    receivers: int
    rates: list[int]
    sites: int
    janus: str | None
    runs: list[Run] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    drills: list[DrillRun] = field(default_factory=list)
    lines: list[BadLines] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    took_s: float = 0.0
    parts: int = 0
    disturbed: int = 0

    def of(self, server: str) -> list[Run]:
        """The runs of one server."""
        return [run for run in self.runs if run.server == server]

    def phases(self, server: str, rate: int) -> list[Phase]:
        """One server's phases at one rate."""
        return [one for run in self.of(server) for one in run.phases if one.rate == rate]

    @property
    def servers(self) -> list[str]:
        """Those of which there is a run, in the order of `NAMES`."""
        return [name for name in NAMES if self.of(name)]
