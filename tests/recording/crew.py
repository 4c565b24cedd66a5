"""A live conference of synthetic sites, over a whole service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.endpoint import loops
from bridge.endpoint.loops import Loop, LoopKey
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Operator, SyntheticSite
from signaling.wire.commands import Start
from signaling.wire.ids import ConferenceId


@dataclass(frozen=True)
class Crew:
    """The operator, and the centre with the first sites of the roster, each sending a picture and
    a tone of its own; everybody is in, and the conference has begun."""

    operator: Operator
    sites: list[SyntheticSite]
    conference: ConferenceId
    wheel: Wheel
    certificate: Certificate


@asynccontextmanager
async def crew(
    url: str,
    sign_in: str,
    count: int,
    tones_apart: int,
    shaped: Callable[[int, Loop], Loop] = lambda _index, loop: loop,
) -> AsyncIterator[Crew]:
    """So many sites of a service, whose tones lie so many steps apart; `shaped` makes another loop
    of that of each site."""
    certificate = Certificate()
    async with Wheel() as wheel:
        operator = Operator(url, 1, wheel, certificate)
        await operator.sign_in(sign_in)
        made = await operator.create("conference-2020", "Thu và trộn")
        links = await operator.links(made.conference)
        await operator.enter(made.conference)
        sites = []
        for index, link in enumerate(links[:count]):
            tone_hz = loops.tone_hz(tones_apart * index)
            loop = shaped(index, loops.encode(LoopKey(link.site, link.name, tone_hz)))
            sites.append(SyntheticSite(link, loop, wheel, certificate))
        for site in sites:
            await site.join()
        await operator.command(Start())
        yield Crew(operator, sites, made.conference, wheel, certificate)
        for member in (*sites, operator):
            await member.leave()
