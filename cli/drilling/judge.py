"""The drill as its own judge: could it run freely, or did its process stand still?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from cli.drilling.report import Fault

LOOK_S = 0.05
STALL_S = 0.5
"""A pause of the drill's own process from which on a failed measurement says nothing."""


@dataclass
class Stall:
    """The longest time for which this process could not run, seconds."""

    longest_s: float = 0.0


@contextlib.asynccontextmanager
async def own_stall() -> AsyncIterator[Stall]:
    """Measures how late a timer of the event loop comes, for as long as it is entered."""
    stall = Stall()

    async def look() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            stall.longest_s = max(stall.longest_s, loop.time() - due)

    task = asyncio.create_task(look())
    try:
        yield stall
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def unfit(stall: Stall) -> Fault:
    """What to say where the judge itself is to blame."""
    seen = f"it stood still for {stall.longest_s:.1f} s; measure on a quiet machine"
    return Fault("the drill itself", "to run freely", seen)
