"""What a soak found, whether it is flat, and its section of docs/measurements.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tests.bench.markdown import filled, table

WARM = 3
"""Of so many parts of the time the first is for warming up: caches fill, heaps find their size."""
GROWTH_KIB = 4 * 1024
"""A process may grow by so much from its first reading when warm to its last …"""
RETURN_KIB = 8 * 1024
"""… and, when all have left, be so much larger than after the first time that all had left."""
FILES, TASKS = 2, 2
"""So many more than then: what is under way in the moment of the reading."""
FILES_RUNNING = 32
"""More handles while it runs: connections that a page has kept for its next request."""
WAKES = 1.25
"""Idle, it may be woken so many times as often as then: a timer that nobody stopped is more."""
TITLE = "## Soak: S2 with joins and leaves"
_ROWS = 15


@dataclass(frozen=True)
class Process:
    """One process at one moment. Since its start: `busy` and `starved`, how often a bridge's event
    loop stood still for 50 ms or more, computing or without a core, and `waited_s`, for how long
    it was ready and had no core."""

    kib: int
    files: int
    threads: int
    tasks: int
    busy: int = 0
    starved: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True)
class Reading:
    """All processes by name, so many minutes after the soak began."""

    minute: float
    of: Mapping[str, Process]


@dataclass(frozen=True)
class Soak:
    """`fresh`: nobody had come yet. `empty`: all had come and left once; `after`: when all had left
    at the end. `readings`: each minute, with all in. `tides`: each time that all had left, when
    they came and left again and again. `wakes`: of each process, how often it was woken in a
    second, when `empty` and `after`. `load` is the machine's over 15 minutes at the end."""

    at: datetime
    machine: str
    load: float
    command: str
    sites: int
    joins: int
    takes: int
    mutes: int
    failures: int
    received: int
    recording: str
    fresh: Reading
    empty: Reading
    readings: list[Reading]
    tides: list[Reading]
    after: Reading
    wakes: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def warm(self) -> Reading:
        """What the last reading is held against."""
        return self.readings[len(self.readings) // WARM]

    @property
    def ebb(self) -> Reading:
        """The same of the tides."""
        return self.tides[len(self.tides) // WARM]

    @property
    def faults(self) -> list[str]:
        """Why it is not flat; empty when it is."""
        return [*self._growth(), *self._left(), *self._stalls(), *self._work()]

    def _growth(self) -> Iterator[str]:
        last = self.readings[-1]
        for who in self.fresh.of:
            for begin, end, allowed, when in (
                (self.warm, last, GROWTH_KIB, "while it ran"),
                (self.empty, self.after, RETURN_KIB, "from the first leaving to the last"),
                (self.ebb, self.tides[-1], GROWTH_KIB, "by coming and going"),
            ):
                more = end.of[who].kib - begin.of[who].kib
                if more > allowed:
                    yield f"{who} grew by {more / 1024:.1f} MiB {when}"
            more = last.of[who].files - self.warm.of[who].files
            if more > FILES_RUNNING:
                yield f"{who} holds {more} handles more while it ran"

    def _left(self) -> Iterator[str]:
        for who, before in self.empty.of.items():
            after = self.after.of[who]
            for more, allowed, name in (
                (after.files - before.files, FILES, "handles"),
                (after.tasks - before.tasks, TASKS, "tasks"),
            ):
                if more > allowed:
                    yield f"{who} has {more} {name} left"
        for who, (before_s, after_s) in self.wakes.items():
            if after_s > WAKES * before_s + 1:
                yield f"{who} is woken {after_s:.0f} times a second, {before_s:.0f} before"

    def _stalls(self) -> Iterator[str]:
        for who in self.fresh.of:
            stalls = self.readings[-1].of[who].busy - self.warm.of[who].busy
            if stalls:
                yield f"{who} stood still {stalls} times by its own doing"

    def _work(self) -> Iterator[str]:
        if self.recording != "recording":
            yield f"the recording was {self.recording}"
        if self.failures:
            yield f"{self.failures} things that were done failed"


def verdict(soak: Soak) -> str:
    """The last line of a run."""
    return "SOAK: " + ("FLAT" if not soak.faults else "NOT FLAT: " + "; ".join(soak.faults))


def as_data(soak: Soak) -> dict[str, Any]:
    """All of it for a JSON file."""
    return {**asdict(soak), "at": soak.at.isoformat(), "faults": soak.faults}


def section(soak: Soak) -> str:
    """Markdown, with its title."""
    minutes = soak.readings[-1].minute
    judged = "**Flat**" if not soak.faults else "**Not flat**: " + "; ".join(soak.faults)
    step = max(1, len(soak.readings) // _ROWS)
    shown = [*soak.readings[:-1:step], soak.readings[-1]]
    rows = [
        _row("nobody yet", soak.fresh),
        _row("came and left", soak.empty),
        *(
            _row(f"{one.minute:.0f}", one, before)
            for before, one in zip([shown[0], *shown], shown, strict=False)
        ),
        *(
            _row(f"left, {number} of {len(soak.tides)}", soak.tides[number - 1])
            for number in (1, len(soak.tides))
        ),
        _row("all left", soak.after),
    ]
    waited = ", ".join(
        f"{who} {soak.readings[-1].of[who].waited_s - soak.readings[0].of[who].waited_s:.0f} s"
        for who in soak.fresh.of
    )
    woken = ", ".join(
        f"{who} {before:.0f} → {after:.0f}" for who, (before, after) in soak.wakes.items()
    )
    text = f"""{TITLE}

`{soak.command}`, apart from the rest: {soak.at:%d %B %Y, %H:%M} UTC, {soak.machine}, with a load of
{soak.load:.0f} over its last 15 minutes. {soak.sites + 1} sites and the operator, as in S2, and the
program recorded, for {minutes:.0f} minutes; in them {soak.joins:,} times a site left or was killed
and came back (two sessions each), {soak.takes:,} takes, and {soak.mutes:,} microphones opened and
shut; then all sites left and came back {len(soak.tides)} times. {soak.received:,} packets reached
those who were in at the end of the minutes.

{table(["minute", *(f"{who}" for who in soak.fresh.of), "stalls"], rows)}

Of each process: MiB resident · handles · tasks. Stalls: how often since the row before a bridge's
event loop stood still for 50 ms or more, computing itself + waiting for a core. In those minutes
each process was ready and had no core for: {waited}. Woken a second when all had left, before and
after: {woken}.

{judged}. From the reading of minute {soak.warm.minute:.0f} to the last, and by all leaving and
coming from the {len(soak.tides) // WARM + 1}. to the {len(soak.tides)}. time, a process may grow by
{GROWTH_KIB // 1024} MiB; when all had left, it may be {RETURN_KIB // 1024} MiB larger than when all
had left once before, hold {FILES} handles and {TASKS} tasks more than then, and be woken {WAKES}
times as often; no stall may be a bridge's own doing. The operator stays."""
    return filled(text)


def _row(name: str, one: Reading, before: Reading | None = None) -> tuple[str, ...]:
    cells = [f"{who.kib / 1024:.0f} · {who.files} · {who.tasks}" for who in one.of.values()]
    stalls = ""
    if before is not None:
        busy, starved = (
            sum(getattr(one.of[who], name) - getattr(before.of[who], name) for who in one.of)
            for name in ("busy", "starved")
        )
        stalls = f"{busy} + {starved}"
    return (name, *cells, stalls)
