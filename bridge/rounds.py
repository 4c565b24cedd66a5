"""Whose turn it is: the periodic work of all sessions, spread over time. Pure.

Done all at once, ten times a second, the feedback of 126 sessions would hold up packets for
milliseconds; and what is done rarely costs several times as much alone as right after its like,
because the processor's caches have forgotten it. So sessions have their turns in groups.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

STEP_S = 0.01
GROUPS = 10
"""Each step one group sends feedback …"""
ROUND_STEPS = 100
"""… and each is ticked once in so many steps."""


class Rounds(Generic[T]):
    """Members by number, in `GROUPS` groups. `step_number` (below `ROUND_STEPS`) is the newest
    step's."""

    def __init__(self) -> None:
        self.step_number = 0
        self._groups: list[dict[int, T]] = [{} for _ in range(GROUPS)]

    def add(self, number: int, member: T) -> None:
        """A member; `number` is its own."""
        self._groups[number % GROUPS][number] = member

    def remove(self, number: int) -> None:
        """It is over; unknown ones are ignored."""
        self._groups[number % GROUPS].pop(number, None)

    def step(self) -> tuple[list[T], list[T]]:
        """The next step: who is ticked now, and who sends feedback."""
        self.step_number = (self.step_number + 1) % ROUND_STEPS
        group, rest = divmod(self.step_number, ROUND_STEPS // GROUPS)
        ticked = [] if rest else list(self._groups[group].values())
        return ticked, list(self._groups[self.step_number % GROUPS].values())
