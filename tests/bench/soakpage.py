"""What a soak found, whether it is flat, and its section of docs/measurements.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.bench.markdown import filled, table

MINUTE_S = 60.0
WARM = 3
"""Of so many parts of the time the first is for warming up: caches fill, heaps find their size."""
GROWTH_KIB = 8 * 1024
"""A process may grow by so much from its first reading when warm to its last …"""
FILES = 6
"""… and hold so many more files: connections that are kept for the next request."""
TITLE = "## Soak: S2 with joins and leaves"
POOL = 20
"""… and, when all have left, so many more than before the first came: the files of the database's
connections, of each of which SQLite holds some, are kept once they are open."""
_BEFORE = "## What this does not show"


@dataclass(frozen=True)
class Reading:
    """Of both processes: resident memory, handles, threads, and how late the event loop ran of
    late."""

    minute: float
    bridge_kib: int
    signaling_kib: int
    bridge_files: int
    signaling_files: int
    bridge_threads: int
    signaling_threads: int
    bridge_lag_ms: float
    signaling_lag_ms: float


@dataclass(frozen=True)
class Soak:
    """Readings before anybody came (`empty`), each minute, and after the last had left (`after`);
    `load` is the machine's over 15 minutes at the end."""

    at: datetime
    machine: str
    load: float
    sites: int
    joins: int
    takes: int
    mutes: int
    failures: int
    received: int
    empty: Reading
    readings: list[Reading]
    after: Reading

    @property
    def warm(self) -> Reading:
        """What the last reading is held against."""
        return self.readings[len(self.readings) // WARM]

    @property
    def faults(self) -> list[str]:
        """Why it is not flat; empty when it is."""
        warm, last = self.warm, self.readings[-1]
        found = []
        for who in ("bridge", "signaling"):
            for end, begin, name in (
                (last, warm, "while it ran"),
                (self.after, warm, "at the end"),
            ):
                more = getattr(end, f"{who}_kib") - getattr(begin, f"{who}_kib")
                if more > GROWTH_KIB:
                    found.append(f"{who} grew by {more / 1024:.1f} MiB {name}")
            for end, begin, name, allowed in (
                (last, warm, "while it ran", FILES),
                (self.after, self.empty, "at the end", FILES + POOL),
            ):
                more = getattr(end, f"{who}_files") - getattr(begin, f"{who}_files")
                if more > allowed:
                    found.append(f"{who} holds {more} handles more {name}")
        if self.failures:
            found.append(f"{self.failures} things that were done failed")
        return found


def section(soak: Soak) -> str:
    """Markdown, with its title."""
    minutes = soak.readings[-1].minute
    verdict = "**Flat**" if not soak.faults else "**Not flat**: " + "; ".join(soak.faults)
    step = max(1, len(soak.readings) // 15)
    shown = [*soak.readings[:-1:step], soak.readings[-1]]
    rows = [
        _row("nobody", soak.empty),
        *(_row(f"{one.minute:.0f}", one) for one in shown),
        _row("all left", soak.after),
    ]
    head = (
        *("minute", "bridge, MiB", "signaling, MiB", "bridge, handles", "signaling, handles"),
        *("bridge, lag ms", "signaling, lag ms"),
    )
    text = f"""{TITLE}

`.venv/bin/python -m tests.bench.soak --minutes {minutes:.0f}`, apart from the rest:
{soak.at:%d %B %Y, %H:%M} UTC, {soak.machine}, with a load of {soak.load:.0f} over its last 15
minutes. {soak.sites + 1} sites and the operator, as in S2, for {minutes:.0f} minutes; in them
{soak.joins:,} times a site left or was killed and came back (two sessions each),
{soak.takes:,} takes, and {soak.mutes:,} microphones opened and shut. {soak.received:,} packets
reached those who were in at the end.

{table(head, rows)}

Lag is the event loop's worst in the last second (bridge), or of its last turn (signaling).
Threads of the bridge: {soak.readings[0].bridge_threads} → {soak.after.bridge_threads};
of signaling: {soak.readings[0].signaling_threads} → {soak.after.signaling_threads}.

{verdict}. From the reading of minute {soak.warm.minute:.0f} to the last, each process may grow by
{GROWTH_KIB // 1024} MiB and {FILES} handles; after all had left, it may hold {FILES + POOL}
handles more than before the first came, since connections to the database stay open. Bridge
{_mib(soak.warm.bridge_kib)} → {_mib(soak.readings[-1].bridge_kib)} MiB, signaling
{_mib(soak.warm.signaling_kib)} → {_mib(soak.readings[-1].signaling_kib)} MiB."""
    return filled(text)


def with_section(page: str, new: str) -> str:
    """The page with this section in the place of its former one."""
    kept = page.replace(section_of(page), "") if section_of(page) else page
    head, mark, rest = kept.partition(_BEFORE)
    return f"{head.rstrip()}\n\n{new.rstrip()}\n\n{mark}{rest}" if mark else f"{kept}\n{new}\n"


def section_of(page: str) -> str:
    """The section as the page has it; empty without."""
    begin = page.find(TITLE)
    if begin < 0:
        return ""
    end = page.find("\n## ", begin + 1)
    return page[begin:] if end < 0 else page[begin : end + 1]


def _row(minute: str, one: Reading) -> tuple[str, ...]:
    return (
        minute,
        *(_mib(one.bridge_kib), _mib(one.signaling_kib)),
        *(str(one.bridge_files), str(one.signaling_files)),
        *(f"{one.bridge_lag_ms:.0f}", f"{one.signaling_lag_ms:.0f}"),
    )


def _mib(kib: int) -> str:
    return f"{kib / 1024:.0f}"
