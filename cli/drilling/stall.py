"""Signaling stands still for a while, as on a starved machine: the fault is its own."""

from __future__ import annotations

import asyncio
import os
import signal

from cli.drilling.checks import each
from cli.drilling.faults import technician
from cli.drilling.moves import Drill, Figures

STALL_S = 4.0
"""Longer than the silence after which a site is called lost."""
WATCH_S = 6.0
"""How long what comes afterwards is watched: a wrong verdict would need no longer."""


async def stall(drill: Drill) -> Figures:
    """Signaling is stopped and goes on: no site is blamed for what it did not hear meanwhile."""
    loop = asyncio.get_running_loop()
    async with technician(drill) as desk:
        await desk.all_well([site.code for site in drill.sites], drill.view_s)
        desk.forget()
        pid = drill.service.signaling_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(STALL_S)
        finally:
            os.kill(pid, signal.SIGCONT)
        resumed = loop.time()
        before = desk.page.figures
        await desk.page.until(lambda: desk.page.figures is not before, drill.view_s)
        figures_s = loop.time() - resumed
        await asyncio.sleep(WATCH_S)
        await each([("the sites", desk.nobody_blamed([]))])
        await desk.all_well([site.code for site in drill.sites], drill.view_s)
    return {"stalled_s": STALL_S, "figures_after_s": round(figures_s, 2)}
