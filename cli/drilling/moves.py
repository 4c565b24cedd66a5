"""The conference under drill, and what several steps do in it or ask of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from aiohttp.abc import AbstractCookieJar

from bridge.endpoint.watcher import Seen
from cli.drilling.checks import CheckError, at_all, each, hears, until, when
from cli.drilling.crew import STAGE, Member, Operator, SyntheticSite
from cli.drilling.service import Service
from signaling.wire.commands import Scene, Take
from signaling.wire.pages import Phase

Figures = dict[str, float]

QUIET_S = 1.0
ASK_LATE_S = 1.5
"""A site that awaits a switch asks for a keyframe itself only after this: the bridge must ask."""


@dataclass
class Drill:
    """The conference under drill, and who is in it."""

    service: Service
    operator: Operator
    centre: SyntheticSite
    remotes: list[SyntheticSite]
    takes: int
    see_s: float = 8.0
    """How long to wait for a picture or sound before it counts as missing."""
    view_s: float = 10.0
    """How long to wait until a page shows what it should."""
    technician: AbstractCookieJar | None = None
    """The technician's sign-in, once there is one."""

    @property
    def sites(self) -> list[SyntheticSite]:
        """All sites, the centre first."""
        return [self.centre, *self.remotes]

    @property
    def members(self) -> list[Member]:
        """All who have a page."""
        return [self.operator, *self.sites]

    def speaker(self, index: int) -> SyntheticSite:
        """A remote site to speak or be on air; they differ as far as there are enough."""
        count = len(self.remotes)
        stride = next(
            step for step in range(max(1, count // 4), 0, -1) if math.gcd(step, count) == 1
        )
        return self.remotes[(index * stride + count // 3) % count]


async def take(drill: Drill, taken: SyntheticSite) -> list[float]:
    """One take: all see it, it sees the centre, the lamps follow. Seconds to each first frame."""
    remote = taken is not drill.centre
    viewers = [one for one in drill.members if one is not taken]
    begin = asyncio.get_running_loop().time()
    seen = await when(
        lambda: drill.operator.command(Take(Scene("single", (taken.code,)))),
        sights(drill, viewers, taken),
        "a picture",
    )
    if remote:
        own = taken.watcher.see(STAGE, drill.centre.label, drill.see_s)
        await each([(f"{taken.name} (on air)", own)])
    await at_all(drill.sites, lambda site: _lamp(drill, site, on_air=site is taken))
    return [one.at - begin for one in seen]


async def _lamp(drill: Drill, site: SyntheticSite, *, on_air: bool) -> None:
    wanted = "on_air" if on_air else "listening"

    def shown() -> bool:
        seat = site.seat(site.code)
        return seat is not None and seat.tally == wanted

    await until(site, f"tally {wanted}", shown, drill.view_s)


def sights(
    drill: Drill, members: Sequence[Member], of: SyntheticSite
) -> list[tuple[str, Awaitable[Seen]]]:
    """By name, each member's first sight of the picture of `of` on its stage; it asks for keyframes
    only when late."""
    return [
        (one.name, one.watcher.see(STAGE, of.label, drill.see_s, ask_after_s=ASK_LATE_S))
        for one in members
    ]


async def all_hear(drill: Drill, speakers: Sequence[SyntheticSite]) -> None:
    """Every member hears the speakers, and none hears itself."""

    async def listen(one: Member) -> None:
        await hears(one.watcher, [site.tone_hz for site in speakers if site is not one])

    await at_all(drill.members, listen)


async def come_to_hear(drill: Drill, speakers: Sequence[SyntheticSite]) -> None:
    """As `all_hear`, of everybody as soon as it is so. Raises what was wrong at last."""
    loop = asyncio.get_running_loop()
    until = loop.time() + drill.see_s

    async def listen(one: Member) -> None:
        while True:
            try:
                await hears(one.watcher, [site.tone_hz for site in speakers if site is not one])
            except CheckError:
                if loop.time() >= until:
                    raise
            else:
                return

    await at_all(drill.members, listen)


async def on_floor(drill: Drill, speakers: Sequence[SyntheticSite]) -> None:
    """Every member is told that exactly these speak."""
    codes = {site.code for site in speakers}
    words = f"floor {', '.join(sorted(codes)) or 'empty'}"
    await at_all(
        drill.members, lambda one: until(one, words, lambda: set(one.floor) == codes, drill.view_s)
    )


async def reaches(drill: Drill, phase: Phase) -> None:
    """Every member is told of the phase."""
    await at_all(
        drill.members,
        lambda one: until(
            one, f"phase {phase}", lambda: one.conference.phase == phase, drill.view_s
        ),
    )


async def stays_quiet(drill: Drill) -> None:
    """Nothing arrives at anybody for a while; what arrived before and is read only now is no
    fault."""
    begin = asyncio.get_running_loop().time()
    await asyncio.sleep(QUIET_S)

    async def nothing(one: Member) -> None:
        late = [slot for slot, inlet in one.watcher.inlets.items() if (inlet.last_at or 0) > begin]
        if late:
            raise CheckError("to receive nothing after the end", f"packets came: {', '.join(late)}")

    await at_all(drill.members, nothing)
