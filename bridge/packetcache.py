"""What a source sent lately, kept once for all its receivers, to answer their NACKs with.

RFC 4585 §6.2.1 and RFC 4588. A packet is stored as all slots share it; an outlet remembers by which
numbers it rewrote it (`Run`), and rebuilds what it had sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

HISTORY = 1024
"""Packets of one source."""
KEEP_S = 2.0
"""Who asks later than this has long shown another picture."""
RUNS = 8
"""Switches of one slot that an answer may reach back over."""
RESEND_AFTER_S = 0.02
"""The same packet is not sent again sooner: the answer to the last NACK is still on its way."""
RESENDS_PER_S = 500.0
RESENDS_BURST = 250.0
"""Of one session, over all its slots."""


class Kept(Protocol):
    """A packet of a source, in the numbers of `source.Packet`, and when it was taken."""

    @property
    def sequence(self) -> int: ...

    @property
    def at(self) -> float: ...


class History:
    """The last packets of one source, by extended sequence number.

    `keyframe_timestamp` is that of the last keyframe, so that all its packets are known; -1 before.
    """

    __slots__ = ("_highest", "_kept", "_oldest", "keyframe_timestamp")

    def __init__(self) -> None:
        self._kept: list[Kept | None] = [None] * HISTORY
        self._oldest = 0
        self._highest = -1
        self.keyframe_timestamp = -1

    def store(self, kept: Kept) -> None:
        """Remember a packet; what is too old for its `at` is forgotten."""
        number = kept.sequence
        if number > self._highest:
            if number - self._highest > HISTORY:
                self._kept = [None] * HISTORY
                self._oldest = number
            self._highest = number
            self._forget(kept.at - KEEP_S)
        elif number <= self._highest - HISTORY:
            return
        self._kept[number % HISTORY] = kept
        self._oldest = min(self._oldest, number)

    def _forget(self, before: float) -> None:
        """Free what lies outside the window, or is older; holes in between count as old."""
        while self._oldest < self._highest:
            kept = self._kept[self._oldest % HISTORY]
            if kept is not None and kept.at >= before and self._oldest > self._highest - HISTORY:
                return
            self._kept[self._oldest % HISTORY] = None
            self._oldest += 1

    def get(self, number: int) -> Kept | None:
        """The packet of this number, None if it never came or is gone."""
        kept = self._kept[number % HISTORY]
        return kept if kept is not None and kept.sequence == number else None


@dataclass(frozen=True, slots=True)
class Run:
    """One source's packets in a slot: what was added to its numbers. `begins` is the
    first extended number of the run in those of the slot."""

    history: History
    begins: int
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int
    tl0_picture_offset: int


class Budget:
    """Bounds the answers of one session, so that a receiver cannot have the node send without
    end."""

    __slots__ = ("_at", "_left")

    def __init__(self, now: float) -> None:
        self._left = RESENDS_BURST
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more may be sent."""
        self._left = min(self._left + (now - self._at) * RESENDS_PER_S, RESENDS_BURST)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Memory:
    """What one slot's receiver may ask for again: the runs of the slot, newest last."""

    __slots__ = ("_began_at", "_budget", "_resent_at", "_runs")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._runs: list[Run] = []
        self._began_at: list[float] = []
        self._resent_at: dict[int, float] = {}

    def begin(self, now: float, run: Run) -> None:
        """Packets are rewritten by this run from now on."""
        self._runs.append(run)
        self._began_at.append(now)
        del self._runs[:-RUNS], self._began_at[:-RUNS]

    def forget(self, now: float, last_at: float) -> None:
        """Let go of runs that are too old to be asked for, and of the sources that they hold.

        `last_at` is when the slot was last handed a packet.
        """
        while len(self._runs) > 1 and self._began_at[1] < now - KEEP_S:
            del self._runs[0], self._began_at[0]
        if last_at < now - KEEP_S and self._began_at and self._began_at[-1] < now - KEEP_S:
            self._runs.clear()
            self._began_at.clear()

    def find(self, now: float, last: int, lost: int) -> tuple[int, Kept, Run] | None:
        """The packet of this 16-bit sequence number, its extended number and its run.

        `last` is the extended number of the newest one that the slot was handed. None if it was
        never handed, is gone, was asked for just now, or the budget is used up.
        """
        number = last - (last - lost & 0xFFFF)
        run = next((one for one in reversed(self._runs) if one.begins <= number), None)
        if run is None:
            return None
        kept = run.history.get(number - run.sequence_offset)
        if kept is None or now < self._resent_at.get(number, now - 1) + RESEND_AFTER_S:
            return None
        if not self._budget.take(now):
            return None
        self._resent_at[number] = now
        if len(self._resent_at) > HISTORY:
            del self._resent_at[next(iter(self._resent_at))]
        return number, kept, run
