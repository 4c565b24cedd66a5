"""Layers under drill: small on the wall, large on the stage, and sent only while they are seen."""

from __future__ import annotations

import asyncio

from bridge.endpoint import loops
from bridge.endpoint.synthetic import HIGH
from cli.drilling.checks import CheckError, at_all, each, when
from cli.drilling.crew import STAGE, SyntheticSite
from cli.drilling.moves import ASK_LATE_S, Drill, Figures, take
from cli.drilling.report import spread
from signaling.wire.commands import Scene, Take
from signaling.wire.ids import slot_name

_VIEWERS = 8
"""So many members' eyes are enough; the bridge treats all alike."""
_REST_S = 12.0
"""Within this nothing is sent any more that nobody sees: some seconds of patience, and the way."""
_COUNT_S = 1.0


async def layers(drill: Drill) -> Figures:
    """A site goes on air: small in its thumbnail, large on all stages; the others' large pictures
    are not even sent."""
    taken = drill.speaker(1)
    viewers = [one for one in drill.members if one is not taken][:_VIEWERS]
    begin = asyncio.get_running_loop().time()
    large = await when(
        lambda: drill.operator.command(Take(Scene("single", (taken.code,)))),
        [
            (
                f"{one.name} ({loops.HIGH.width} pixels wide)",
                one.watcher.see(STAGE, taken.label, drill.see_s, ASK_LATE_S, loops.HIGH.width),
            )
            for one in viewers
        ],
        "a large picture",
    )
    thumb = slot_name("thumb", drill.sites.index(taken) + 1)
    small = drill.operator.watcher.see(thumb, taken.label, drill.see_s, width=loops.LOW.width)
    await each([(f"operator, {thumb} ({loops.LOW.width} pixels wide)", small)])
    resting = [one for one in drill.remotes if one is not taken]
    await at_all(resting, _rests)
    await take(drill, drill.centre)
    return {"resting": len(resting), **spread("large_frame", [one.at - begin for one in large])}


async def _rests(site: SyntheticSite) -> None:
    """Wait until the site sends its large picture no more. Raises CheckError."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _REST_S
    sent = 1
    while sent and loop.time() < until:
        before = site.player.picture_packets[HIGH]
        await asyncio.sleep(_COUNT_S)
        sent = site.player.picture_packets[HIGH] - before
    if sent:
        raise CheckError("its large picture to rest", f"it sends {sent} packets/s that none sees")
