"""Whose turn it is: the periodic work of all sessions, spread over time. Pure.

Done all at once, ten times a second, the feedback of 126 sessions would hold up packets for
milliseconds; done one by one, each finds the processor's caches cold.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

STEP_S = 0.02
FEEDBACK_STEPS = 5
"""Each member sends feedback once in so many steps …"""
TICK_STEPS = 50
"""… and is ticked once in so many."""


class Rounds(Generic[T]):
    """Members by number: those of one number modulo `TICK_STEPS` have their turn together.
    `step_number` (below `TICK_STEPS`) is the newest step's."""

    def __init__(self) -> None:
        self.step_number = 0
        self._places: list[dict[int, T]] = [{} for _ in range(TICK_STEPS)]

    def add(self, number: int, member: T) -> None:
        """A member; `number` is its own."""
        self._places[number % TICK_STEPS][number] = member

    def remove(self, number: int) -> None:
        """It is over; unknown ones are ignored."""
        self._places[number % TICK_STEPS].pop(number, None)

    def step(self) -> tuple[list[T], list[T]]:
        """The next step: who is ticked now, and who sends feedback."""
        self.step_number = (self.step_number + 1) % TICK_STEPS
        sends = range(self.step_number % FEEDBACK_STEPS, TICK_STEPS, FEEDBACK_STEPS)
        return (
            list(self._places[self.step_number].values()),
            [member for place in sends for member in self._places[place].values()],
        )
