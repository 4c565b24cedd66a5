"""When a source of pictures or sound is opened, given up, and tried again."""

from __future__ import annotations

from dataclasses import dataclass

OPEN_S = 15.0
"""Until the first frame; then an attempt is given up."""
STALL_S = 3.0
"""Without a frame for this long, a source that has flowed counts as lost."""
HANG_S = 10.0
"""How long an attempt that was told to stop may take to end, before it is left to itself."""
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 15.0
MAX_HANGING = 3
"""Attempts that may be left to themselves; with more of them nothing new is begun."""


@dataclass(frozen=True)
class Came:
    """A frame of this attempt."""

    attempt: int


@dataclass(frozen=True)
class Ended:
    """The attempt is over, and why; each one that was begun ends so, or hangs for ever."""

    attempt: int
    why: str


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Begin:
    """Open the source, as this attempt."""

    attempt: int


@dataclass(frozen=True)
class Stop:
    """Tell this attempt to end."""

    attempt: int


@dataclass(frozen=True)
class Changed:
    """An edge: frames flow from now on, or no longer (and why)."""

    flowing: bool
    why: str = ""


Event = Came | Ended | Tick
Output = Begin | Stop | Changed


class Supply:
    """One source over any number of attempts. Feed a `Tick` at once, then at `next_deadline`.

    A failure is told once: when frames stop, or when the very first attempt brings none, and again
    only when the reason changes. A source that ends is retried with growing pauses.
    """

    def __init__(self, now: float) -> None:
        self.flowing = False
        self.why = ""
        self._attempt = 0
        self._begun: set[int] = set()
        self._retry_s = FIRST_RETRY_S
        self._due: float | None = now
        self._stopping = False

    def handle(self, now: float, event: Event) -> list[Output]:
        """Feed an event. What comes from attempts that were given up changes nothing."""
        match event:
            case Came(attempt):
                return self._came(now) if attempt == self._attempt and not self._stopping else []
            case Ended(attempt, why):
                self._begun.discard(attempt)
                if attempt == self._attempt:
                    return self._ended(now, why)
                if self._due is None:
                    self._due = now
                return []
            case Tick():
                return self._tick(now) if self._due is not None and now >= self._due else []

    def next_deadline(self) -> float | None:
        """When a `Tick` is due; None: only after another event."""
        return self._due

    def _came(self, now: float) -> list[Output]:
        self._due = now + STALL_S
        if self.flowing:
            return []
        self.flowing, self.why, self._retry_s = True, "", FIRST_RETRY_S
        return [Changed(flowing=True)]

    def _ended(self, now: float, why: str) -> list[Output]:
        told = [] if self._stopping else self._lost(why)
        self._stopping = False
        self._attempt += 1  # whatever still comes from this one is stale
        self._due = now + self._retry_s
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
        return told

    def _tick(self, now: float) -> list[Output]:
        if self._attempt not in self._begun:
            if len(self._begun) >= MAX_HANGING:
                self._due = None  # until one of them ends
                return []
            self._begun.add(self._attempt)
            self._due = now + OPEN_S
            return [Begin(self._attempt)]
        if self._stopping:
            return self._ended(now, "")
        silent = f"no frame for {STALL_S if self.flowing else OPEN_S:g} s"
        told = self._lost(silent)
        self._stopping, self._due = True, now + HANG_S
        return [*told, Stop(self._attempt)]

    def _lost(self, why: str) -> list[Output]:
        if not self.flowing and why == self.why:
            return []
        self.flowing, self.why = False, why
        return [Changed(flowing=False, why=why)]
