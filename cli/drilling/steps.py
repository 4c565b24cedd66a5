"""The steps of the drill, each judged at the receivers: who sees and hears whom, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.endpoint.loops import TONE_DBOV
from bridge.endpoint.watcher import Seen
from cli.drilling.checks import CheckError, at_all, each, hears, until, when
from cli.drilling.crash import crash
from cli.drilling.crew import FLOOR_SLOTS, Member, Operator, SyntheticSite
from cli.drilling.faults import faults
from cli.drilling.layers import layers
from cli.drilling.moves import (
    QUIET_S,
    Drill,
    Figures,
    all_hear,
    come_to_hear,
    on_floor,
    reaches,
    sights,
    stays_quiet,
    take,
)
from cli.drilling.report import spread
from cli.drilling.stall import stall
from signaling.wire.commands import End, Mute, Start, Unmute
from signaling.wire.ids import slot_name

_JOINING_AT_ONCE = 16


@dataclass(frozen=True)
class Step:
    """A part of the drill. When an `essential` one fails, the rest makes no sense."""

    name: str
    run: Callable[[Drill], Awaitable[Figures]]
    limit_s: float
    essential: bool = False
    kills: bool = False


# --- coming in ----------------------------------------------------------------------------------


async def join(drill: Drill) -> Figures:
    """Every site joins by its link; the operator sees all of them present."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_JOINING_AT_ONCE)
    begin = loop.time()

    async def come_in(site: SyntheticSite) -> float:
        async with gate:
            start = loop.time()
            await site.join()
            return loop.time() - start

    times = await at_all(drill.sites, come_in, "to join by its link")
    took = loop.time() - begin
    wanted = [site.code for site in drill.sites]
    drill.operator.watch(wanted)

    def all_present() -> bool:
        return all(_present(drill.operator, code) for code in wanted)

    await each(
        [("operator", until(drill.operator, "all sites present", all_present, drill.view_s))]
    )
    return {"all_joined_s": round(took, 2), **spread("join", times)}


def _present(operator: Operator, code: str) -> bool:
    seat = operator.seat(code)
    return seat is not None and seat.present


async def quiet(drill: Drill) -> Figures:
    """Before the start no site receives anything."""
    await asyncio.sleep(QUIET_S)

    async def nothing(site: SyntheticSite) -> None:
        count = site.watcher.packets()
        if count:
            raise CheckError("to receive nothing before the start", f"{count} packets came")

    await at_all(drill.sites, nothing)
    return {}


async def wall(drill: Drill) -> Figures:
    """The operator's thumbnails show each site in its own slot."""
    loop = asyncio.get_running_loop()
    begin = loop.time()

    def look(index: int, site: SyntheticSite) -> Awaitable[Seen]:
        return drill.operator.watcher.see(slot_name("thumb", index), site.label, drill.see_s)

    shown = list(enumerate(drill.sites, start=1))
    seen = await each(
        [(f"operator, thumbnail {index}", look(index, site)) for index, site in shown]
    )
    return {"pictures": len(seen), **spread("first_picture", [one.at - begin for one in seen])}


async def start(drill: Drill) -> Figures:
    """The operator starts: all remote sites see the centre."""
    begin = asyncio.get_running_loop().time()
    seen = await when(
        lambda: drill.operator.command(Start()),
        sights(drill, drill.remotes, drill.centre),
        "a picture",
    )
    await reaches(drill, "live")
    return spread("first_frame", [one.at - begin for one in seen])


# --- pictures -----------------------------------------------------------------------------------


async def takes(drill: Drill) -> Figures:
    """Several sites go on air, one after the other, and the centre in the end."""
    latencies: list[float] = []
    for index in range(drill.takes):
        latencies += await take(drill, drill.speaker(index))
    latencies += await take(drill, drill.centre)
    return {"takes": drill.takes + 1, **spread("first_frame", latencies)}


# --- sound --------------------------------------------------------------------------------------

SILENT_DBOV = -127


async def floor(drill: Drill) -> Figures:
    """A site opens its microphone, the operator too: then, and only then, all others hear it."""
    site, listeners = drill.speaker(0), _others(drill, drill.speaker(0))
    await site.command(Unmute(site.code))
    await asyncio.sleep(QUIET_S)
    await at_all(drill.members, lambda one: hears(one.watcher, []))
    begin = asyncio.get_running_loop().time()
    arrived = await when(
        lambda: drill.operator.command(Unmute(site.code)),
        [
            (one.name, one.watcher.next_packet(*FLOOR_SLOTS, timeout_s=drill.see_s))
            for one in listeners
        ],
        f"sound of {site.name}",
    )
    await all_hear(drill, [site])
    await drill.centre.command(Unmute(drill.centre.code))
    await on_floor(drill, [site, drill.centre])
    await come_to_hear(drill, [site, drill.centre])
    return spread("first_sound", [at - begin for at in arrived])


async def mute(drill: Drill) -> Figures:
    """The operator mutes the site: silence at all, though its device goes on sending and asks."""
    site, listeners = drill.speaker(0), _others(drill, drill.speaker(0))
    begin = asyncio.get_running_loop().time()
    await drill.operator.command(Mute(site.code))
    await site.command(Unmute(site.code))  # its own flag; it cannot lift the operator's
    await on_floor(drill, [drill.centre])
    await asyncio.sleep(QUIET_S)
    before = site.player.sound_packets
    await all_hear(drill, [drill.centre])
    if site.player.sound_packets == before:
        raise AssertionError("the muted synthetic site has stopped sending")
    # it was the first to speak, so it had the first slot of the floor
    last = [one.watcher.inlets[FLOOR_SLOTS[0]].last_at or begin for one in listeners]
    await drill.centre.command(Mute(drill.centre.code))
    await on_floor(drill, [])
    await come_to_hear(drill, [])
    return spread("last_sound", [max(0.0, at - begin) for at in last])


async def loudest(drill: Drill) -> Figures:
    """More microphones are open than can be carried: who is silent gives way to who speaks.

    What the synthetic sites state of their loudness is theirs to say; their tones go on.
    """
    crowd = drill.sites[: len(FLOOR_SLOTS) + 1]
    silent, newcomer = crowd[1], crowd[-1]
    silent.player.level_dbov = newcomer.player.level_dbov = SILENT_DBOV
    for site in crowd:
        await site.command(Unmute(site.code))
        await drill.operator.command(Unmute(site.code))
    await on_floor(drill, crowd)
    carried = crowd[: len(FLOOR_SLOTS)]
    await come_to_hear(drill, carried)
    newcomer.player.level_dbov = TONE_DBOV
    if len(crowd) > len(FLOOR_SLOTS):
        carried = [site for site in crowd if site is not silent]
    await come_to_hear(drill, carried)
    for site in crowd:
        await drill.operator.command(Mute(site.code))
    await on_floor(drill, [])
    await come_to_hear(drill, [])
    silent.player.level_dbov = TONE_DBOV
    return {"open": len(crowd), "heard": len(carried)}


def _others(drill: Drill, site: SyntheticSite) -> list[Member]:
    return [one for one in drill.members if one is not site]


# --- the end ------------------------------------------------------------------------------------


async def end(drill: Drill) -> Figures:
    """The operator ends the conference: all are told, and nothing is sent any more."""
    await drill.operator.command(End())
    await reaches(drill, "ended")
    await asyncio.sleep(QUIET_S)
    await stays_quiet(drill)
    return {}


STEPS = (
    Step("all sites join by their links", join, 90, essential=True),
    Step("no media before the start", quiet, 10),
    Step("operator's wall shows every site", wall, 20),
    Step("start: all see the centre", start, 30, essential=True),
    Step("takes: all see the site on air", takes, 90),
    Step("large picture on the stage, small on the wall, none unseen", layers, 60),
    Step("open microphone is heard by all", floor, 40),
    Step("mute silences a site that goes on sending", mute, 40),
    Step("of many open microphones the loudest are heard", loudest, 40),
    Step("sites fail: each is shown as it is, and its return", faults, 60),
    Step("signaling stands still: no site is blamed", stall, 40, kills=True),
    Step("signaling is killed and comes back", crash, 120, kills=True),
    Step("end: all are told, media stops", end, 30),
)
