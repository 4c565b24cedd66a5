"""The crash: signaling is killed under a running conference, and nothing may be lost."""

from __future__ import annotations

import asyncio

from cli.drilling.checks import CheckError, at_all, until
from cli.drilling.crew import STAGE, Member, SyntheticSite
from cli.drilling.judge import own_stall
from cli.drilling.moves import Drill, Figures, all_hear, on_floor, take
from cli.drilling.report import spread
from signaling.wire.commands import Mute, Unmute
from signaling.wire.pages import Row

RETURN_S = 45.0
MAX_GAP_S = 2.0
"""A picture that stands still for longer counts as interrupted; ten frames a second are sent, but
while the drill's own process stands still, in which all sites live."""


async def crash(drill: Drill) -> Figures:
    """Signaling is killed: pictures go on, all come back to their seats, nothing is changed."""
    loop = asyncio.get_running_loop()
    on_air, speaking, shut = drill.speaker(1), drill.speaker(2), drill.speaker(3)
    await take(drill, on_air)
    await shut.command(Unmute(shut.code))  # its own flag; the operator's stays
    await speaking.command(Unmute(speaking.code))
    await drill.operator.command(Unmute(speaking.code))
    await on_floor(drill, [speaking])
    views = {one.name: dict(one.page.rows) for one in drill.members}
    connections = {one.name: one.page.connections for one in drill.members}
    pictures = {one.name: one.watcher.packets(STAGE) for one in drill.remotes}
    begin = loop.time()
    for one in drill.members:
        one.watcher.inlets[STAGE].restart_gap(begin)
    drill.service.kill_signaling()
    async with own_stall() as stall:
        outage = await _all_return(drill, connections, begin)
        await at_all(drill.members, lambda one: same_view(drill, one, views[one.name]))
    allowed_s = MAX_GAP_S + stall.longest_s
    await at_all(
        drill.remotes, lambda one: _went_on(one, pictures[one.name], loop.time(), allowed_s)
    )
    gaps = [one.watcher.inlets[STAGE].longest_gap_s for one in drill.remotes]
    fewest = min(one.watcher.packets(STAGE) - pictures[one.name] for one in drill.remotes)
    await all_hear(drill, [speaking])
    # with few sites the fourth would be on air already, and a take of it would switch nothing
    fresh = drill.speaker(4) if drill.speaker(4) is not on_air else drill.speaker(2)
    latencies = await take(drill, fresh)
    await at_all(drill.sites, _sessions_stand)
    await drill.operator.command(Mute(speaking.code))
    await on_floor(drill, [])
    return {
        "last_back_s": round(max(outage), 2),
        "longest_picture_gap_ms": round(1000 * max(gaps)),
        "fewest_packets_meanwhile": fewest,
        **spread("first_frame_after", latencies),
    }


async def _all_return(drill: Drill, connections: dict[str, int], begin: float) -> list[float]:
    """Wait until every page is connected anew; seconds since `begin`, of each."""
    loop = asyncio.get_running_loop()

    async def returns(one: Member) -> float:
        def back() -> bool:
            return one.page.connected and one.page.connections > connections[one.name]

        await until(one, "to come back after the crash", back, RETURN_S)
        return loop.time() - begin

    return await at_all(drill.members, returns)


async def same_view(drill: Drill, one: Member, before: dict[str, Row]) -> None:
    """A page shows the rows of `before`. Raises CheckError with the first that differs."""
    try:
        await one.page.until(lambda: one.page.rows == before, drill.view_s)
    except TimeoutError:
        rows = one.page.rows
        changed = sorted(key for key in {*rows, *before} if rows.get(key) != before.get(key))
        first = changed[0]
        raise CheckError(
            f"row {first} as before: {before.get(first)}", f"is {rows.get(first)}"
        ) from None


async def _went_on(one: SyntheticSite, before: int, now: float, allowed_s: float) -> None:
    inlet = one.watcher.inlets[STAGE]
    still = max(inlet.longest_gap_s, now - (inlet.last_at or 0.0))
    if still > allowed_s:
        count = one.watcher.packets(STAGE) - before
        raise CheckError(
            "the picture to go on during the outage", f"stood {still:.1f} s, {count} packets came"
        )


async def _sessions_stand(site: SyntheticSite) -> None:
    if not site.sending:
        states = f"publishing {site.player.state}, receiving {site.watcher.state}"
        raise CheckError("both sessions to outlive the crash", states)
    if site.closed_sessions:
        raise CheckError("no session closed", f"told {', '.join(site.closed_sessions)}")
