"""Runs the steps of a drill in order, and turns what happens in each into its result."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bridge.endpoint import cellcode, loops
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.checks import each
from cli.drilling.crew import Operator, SyntheticSite
from cli.drilling.judge import STALL_S, own_stall, unfit
from cli.drilling.moves import Drill, Figures
from cli.drilling.report import Fault, Result, StepFailedError
from cli.drilling.screen import Screen
from cli.drilling.service import Service
from cli.drilling.steps import STEPS
from signaling.wire.rest import SiteLink

FOUNDING = "a conference is made and links are given out"
STEP_NAMES = (FOUNDING, *(step.name for step in STEPS))
_FOUND_S, _LEAVE_S = 120.0, 20.0
MAX_THUMBS = 64


async def rehearse(
    service: Service, template: str, sites: int, takes: int, cache: Path, screen: Screen
) -> list[Result]:
    """The whole drill, with `sites` remote sites; a result for each of `STEP_NAMES`."""
    results = [Result(name) for name in STEP_NAMES]
    async with Wheel() as wheel:
        certificate = Certificate()
        operator = Operator(service.url, min(sites + 1, MAX_THUMBS), wheel, certificate)
        crew: list[SyntheticSite] = []
        try:
            drill: list[Drill] = []

            async def found() -> Figures:
                links = await _found(operator, service, template, sites)
                prepared = await _load(links, cache, screen)
                crew.extend(
                    SyntheticSite(link, loop, wheel, certificate)
                    for link, loop in zip(links, prepared, strict=True)
                )
                drill.append(Drill(service, operator, crew[0], crew[1:], takes))
                return {"sites": len(crew)}

            await _run(results[0], found, _FOUND_S, screen)
            if drill:
                await _run_steps(drill[0], results[1:], screen)
                results[-1].figures |= _own_figures(wheel)
        finally:
            async with asyncio.timeout(_LEAVE_S):
                await asyncio.gather(*(one.leave() for one in (operator, *crew)))
    return results


async def _run_steps(drill: Drill, results: Sequence[Result], screen: Screen) -> None:
    for step, result in zip(STEPS, results, strict=True):
        if step.kills and not drill.service.own:
            screen.ends(result)
            continue
        await _run(result, lambda run=step.run: run(drill), step.limit_s, screen)  # type: ignore[misc]
        if step.essential and not result.good:
            return


async def _run(
    result: Result, step: Callable[[], Awaitable[Figures]], limit_s: float, screen: Screen
) -> None:
    screen.begins(result.step)
    begin = time.monotonic()
    async with own_stall() as stall:
        try:
            async with asyncio.timeout(limit_s):
                [result.figures] = await each([("drill", step())], result.step)
            result.verdict = "passed"
        except StepFailedError as error:
            result.verdict, result.faults = "failed", list(error.faults)
        except TimeoutError:
            result.verdict = "timed out"
            result.faults = [Fault("drill", f"an end within {limit_s:g} s", "still waiting")]
    if result.faults and stall.longest_s >= STALL_S:
        result.faults.append(unfit(stall))
    result.seconds = time.monotonic() - begin
    screen.ends(result)


async def _found(operator: Operator, service: Service, template: str, sites: int) -> list[SiteLink]:
    """Make the conference, enter it, and return the links: the centre's, then the remote sites'."""
    await operator.sign_in(service.sign_in)
    made = await operator.create(template, "DRILL")
    await operator.enter(made.conference)
    links = await operator.links(made.conference)
    central = operator.conference.central
    remotes = [link for link in links if link.site != central][:sites]
    centre = [link for link in links if link.site == central]
    if len(centre) != 1 or len(remotes) < sites:
        expected = f"links of the centre and {sites} remote sites"
        raise StepFailedError([Fault("operator", expected, f"there are {len(links)} links")])
    return centre + remotes


async def _load(links: Sequence[SiteLink], cache: Path, screen: Screen) -> list[loops.Loop]:
    keys = [
        loops.LoopKey(_label(link.site, index), link.name, loops.tone_hz(index))
        for index, link in enumerate(links)
    ]
    return await asyncio.to_thread(
        loops.load, keys, cache, lambda done: screen.preparing("pictures", done, len(keys))
    )


def _label(site: str, index: int) -> str:
    """The site's code if it fits into a cell code, else its place in the roster."""
    fits = len(site) <= cellcode.MAX_LABEL and all(one in cellcode.ALPHABET[1:] for one in site)
    return site if fits else f"{index:04d}"


def _own_figures(wheel: Wheel) -> Figures:
    """What the drill itself took: more than a core, or slow turns, would spoil its figures."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "drill_cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "drill_slowest_turn_ms": round(1000 * wheel.slowest_turn_s),
    }
