"""The steps of the drill, each judged at the receivers: who sees and hears whom, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.watcher import Seen
from cli.drilling.checks import CheckError, at_all, each, hears, until, when
from cli.drilling.crew import FLOOR_SLOTS, STAGE, Member, Operator, SyntheticSite
from cli.drilling.report import spread
from cli.drilling.service import Service
from signaling.wire.ids import slot_name
from signaling.wire.pages import End, Mute, Phase, Row, Scene, Start, Take, Unmute

Figures = dict[str, float]

RETURN_S = 45.0
QUIET_S = 1.0
MAX_GAP_S = 2.0
"""A picture that stands still for longer counts as interrupted; ten frames a second are sent."""
_ASK_LATE_S = 1.5
"""A site that awaits a switch asks for a keyframe itself only after this: the bridge must ask."""
_JOINING_AT_ONCE = 16


@dataclass(frozen=True)
class Step:
    """A part of the drill. When an `essential` one fails, the rest makes no sense."""

    name: str
    run: Callable[[Drill], Awaitable[Figures]]
    limit_s: float
    essential: bool = False
    kills: bool = False


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
        return self.remotes[(index * 7 + len(self.remotes) // 3) % len(self.remotes)]


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
        _sights(drill, drill.remotes, drill.centre),
        "a picture",
    )
    await _phase(drill, "live")
    return spread("first_frame", [one.at - begin for one in seen])


# --- pictures -----------------------------------------------------------------------------------


async def takes(drill: Drill) -> Figures:
    """Several sites go on air, one after the other, and the centre in the end."""
    latencies: list[float] = []
    for index in range(drill.takes):
        latencies += await _take(drill, drill.speaker(index))
    latencies += await _take(drill, drill.centre)
    return {"takes": drill.takes + 1, **spread("first_frame", latencies)}


async def _take(drill: Drill, taken: SyntheticSite) -> list[float]:
    """One take: all see it, it sees the centre, the lamps follow. Seconds to each first frame."""
    remote = taken is not drill.centre
    viewers = [one for one in drill.members if one is not taken]
    begin = asyncio.get_running_loop().time()
    seen = await when(
        lambda: drill.operator.command(Take(Scene("single", (taken.code,)))),
        _sights(drill, viewers, taken),
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


def _sights(
    drill: Drill, members: Sequence[Member], of: SyntheticSite
) -> list[tuple[str, Awaitable[Seen]]]:
    return [
        (one.name, one.watcher.see(STAGE, of.label, drill.see_s, ask_after_s=_ASK_LATE_S))
        for one in members
    ]


# --- sound --------------------------------------------------------------------------------------


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
    await _all_hear(drill, [site])
    await drill.centre.command(Unmute(drill.centre.code))
    await _on_floor(drill, [site, drill.centre])
    await _all_hear(drill, [site, drill.centre])
    return spread("first_sound", [at - begin for at in arrived])


async def mute(drill: Drill) -> Figures:
    """The operator mutes the site: silence at all, though its device goes on sending and asks."""
    site, listeners = drill.speaker(0), _others(drill, drill.speaker(0))
    begin = asyncio.get_running_loop().time()
    await drill.operator.command(Mute(site.code))
    await site.command(Unmute(site.code))  # its own flag; it cannot lift the operator's
    await _on_floor(drill, [drill.centre])
    await asyncio.sleep(QUIET_S)
    before = site.player.sound_packets
    await _all_hear(drill, [drill.centre])
    if site.player.sound_packets == before:
        raise AssertionError("the muted synthetic site has stopped sending")
    # it was the first to speak, so it had the first slot of the floor
    last = [one.watcher.inlets[FLOOR_SLOTS[0]].last_at or begin for one in listeners]
    await drill.centre.command(Mute(drill.centre.code))
    await _on_floor(drill, [])
    await asyncio.sleep(0.2)
    await _all_hear(drill, [])
    return spread("last_sound", [max(0.0, at - begin) for at in last])


async def _all_hear(drill: Drill, speakers: Sequence[SyntheticSite]) -> None:
    """Every member hears the speakers, and none hears itself."""

    async def listen(one: Member) -> None:
        await hears(one.watcher, [site.tone_hz for site in speakers if site is not one])

    await at_all(drill.members, listen)


async def _on_floor(drill: Drill, speakers: Sequence[SyntheticSite]) -> None:
    codes = {site.code for site in speakers}
    words = f"floor {', '.join(sorted(codes)) or 'empty'}"
    await at_all(
        drill.members, lambda one: until(one, words, lambda: set(one.floor) == codes, drill.view_s)
    )


def _others(drill: Drill, site: SyntheticSite) -> list[Member]:
    return [one for one in drill.members if one is not site]


# --- the crash ----------------------------------------------------------------------------------


async def crash(drill: Drill) -> Figures:
    """Signaling is killed: pictures go on, all come back to their seats, nothing is changed."""
    loop = asyncio.get_running_loop()
    on_air, speaking, shut = drill.speaker(1), drill.speaker(2), drill.speaker(3)
    await _take(drill, on_air)
    await shut.command(Unmute(shut.code))  # its own flag; the operator's stays
    await speaking.command(Unmute(speaking.code))
    await drill.operator.command(Unmute(speaking.code))
    await _on_floor(drill, [speaking])
    views = {one.name: dict(one.page.rows) for one in drill.members}
    connections = {one.name: one.page.connections for one in drill.members}
    pictures = {one.name: one.watcher.packets(STAGE) for one in drill.remotes}
    begin = loop.time()
    for one in drill.members:
        one.watcher.inlets[STAGE].restart_gap(begin)
    drill.service.kill_signaling()

    async def returns(one: Member) -> float:
        def back() -> bool:
            return one.page.connected and one.page.connections > connections[one.name]

        await until(one, "to come back after the crash", back, RETURN_S)
        return loop.time() - begin

    outage = await at_all(drill.members, returns)
    await at_all(drill.members, lambda one: _same_view(drill, one, views[one.name]))
    await at_all(drill.remotes, lambda one: _went_on(one, pictures[one.name], loop.time()))
    gaps = [one.watcher.inlets[STAGE].longest_gap_s for one in drill.remotes]
    fewest = min(one.watcher.packets(STAGE) - pictures[one.name] for one in drill.remotes)
    await _all_hear(drill, [speaking])
    latencies = await _take(drill, drill.speaker(4))
    await at_all(drill.sites, _sessions_stand)
    await drill.operator.command(Mute(speaking.code))
    await _on_floor(drill, [])
    return {
        "last_back_s": round(max(outage), 2),
        "longest_picture_gap_ms": round(1000 * max(gaps)),
        "fewest_packets_meanwhile": fewest,
        **spread("first_frame_after", latencies),
    }


async def _same_view(drill: Drill, one: Member, before: dict[str, Row]) -> None:
    try:
        await one.page.until(lambda: one.page.rows == before, drill.view_s)
    except TimeoutError:
        rows = one.page.rows
        changed = sorted(key for key in {*rows, *before} if rows.get(key) != before.get(key))
        first = changed[0]
        raise CheckError(
            f"row {first} as before: {before.get(first)}", f"is {rows.get(first)}"
        ) from None


async def _went_on(one: SyntheticSite, before: int, now: float) -> None:
    inlet = one.watcher.inlets[STAGE]
    still = max(inlet.longest_gap_s, now - (inlet.last_at or 0.0))
    if still > MAX_GAP_S:
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


# --- the end ------------------------------------------------------------------------------------


async def end(drill: Drill) -> Figures:
    """The operator ends the conference: all are told, and nothing is sent any more."""
    await drill.operator.command(End())
    await _phase(drill, "ended")
    await asyncio.sleep(QUIET_S)
    await _same_quiet(drill)
    return {}


async def _same_quiet(drill: Drill) -> None:
    """Nobody receives anything for a while."""
    before = {one.name: one.watcher.packets() for one in drill.members}
    await asyncio.sleep(QUIET_S)

    async def nothing(one: Member) -> None:
        more = one.watcher.packets() - before[one.name]
        if more:
            raise CheckError("to receive nothing after the end", f"{more} packets came")

    await at_all(drill.members, nothing)


async def _phase(drill: Drill, phase: Phase) -> None:
    await at_all(
        drill.members,
        lambda one: until(
            one, f"phase {phase}", lambda: one.conference.phase == phase, drill.view_s
        ),
    )


STEPS = (
    Step("all sites join by their links", join, 90, essential=True),
    Step("no media before the start", quiet, 10),
    Step("operator's wall shows every site", wall, 20),
    Step("start: all see the centre", start, 30, essential=True),
    Step("takes: all see the site on air", takes, 90),
    Step("open microphone is heard by all", floor, 40),
    Step("mute silences a site that goes on sending", mute, 40),
    Step("signaling is killed and comes back", crash, 120, kills=True),
    Step("end: all are told, media stops", end, 30),
)
