"""Synthetic sites against a real node: what one plays, the others see and hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from bridge.endpoint import loops
from bridge.endpoint.peer import Door
from bridge.endpoint.synthetic import Player
from bridge.endpoint.watcher import NotSeenError, Watcher
from bridge.node import Node
from bridge.transport import Certificate
from signaling.wire.control import OpenSession, Route, Routes, RoutesHeld, SessionOpened
from signaling.wire.ids import (
    Direction,
    Port,
    ProgramCodec,
    Scope,
    SlotName,
    Track,
    parse_slots,
    slot_media,
    slot_name,
)
from tests.fakes.wheel import HeldWheel

SCOPE = Scope("c1")
STAGE, FLOOR = SlotName("stage:1"), SlotName("floor:1")


@dataclass
class Hall:
    """A node, with sites that join it directly, and routes set by hand."""

    node: Node
    wheel: HeldWheel
    certificate: Certificate
    revision: int = 0
    closers: list[Callable[[], None]] = field(default_factory=list)

    def door(
        self,
        port: str,
        direction: Direction,
        slots: Sequence[SlotName] = (),
        codec: ProgramCodec = "VP8",
    ) -> Door:
        async def open_session(offer: str) -> str:
            request = OpenSession(1, SCOPE, Port(port), direction, offer, list(slots), codec)
            reply = self.node.handle(request)
            assert isinstance(reply, SessionOpened), reply
            return reply.answer

        return open_session

    async def player(self, port: str, loop: loops.Loop, dbov: int = loops.TONE_DBOV) -> Player:
        player = Player(loop, self.wheel, self.certificate)
        player.level_dbov = dbov
        self.closers.append(player.close)
        await player.open(self.door(port, "publish", codec=loop.key.codec))
        return player

    async def watcher(
        self, port: str, slots: str = "stage:1,floor:1", codec: ProgramCodec = "VP8"
    ) -> Watcher:
        names = parse_slots(slots)
        watcher = Watcher(names, self.wheel, self.certificate, codec)
        self.closers.append(watcher.close)
        await watcher.open(self.door(port, "receive", names, codec))
        return watcher

    def wishes(self, port: str) -> int:
        """How many keyframes this port's receiving session has asked for."""
        mine = (one for one in self.node.stats().sessions if one.port == port)
        return sum(stream.keyframe_requests for one in mine for stream in one.streams)

    def route(self, *crosspoints: tuple[str, SlotName, str], speakers: Sequence[str] = ()) -> None:
        """Replace the table: (receiving port, slot, publishing port) each, and who may speak."""
        self.revision += 1
        routes = [
            Route(Port(to), slot, Port(source), track_of(slot)) for to, slot, source in crosspoints
        ]
        open_ports = [Port(port) for port in speakers]
        reply = self.node.handle(
            Routes(1, SCOPE, 1, self.revision, None, routes, speakers=open_ports)
        )
        assert reply == RoutesHeld(1, SCOPE, 1, self.revision)


def track_of(slot: SlotName) -> Track:
    return "mic" if slot_media(slot) == "audio" else "camera"


@pytest.fixture(scope="module")
def two() -> list[loops.Loop]:
    keys = [
        loops.LoopKey(f"{index:02d}", f"Điểm {index}", loops.tone_hz(index)) for index in (1, 2)
    ]
    return [loops.encode(key) for key in keys]


@pytest.fixture(scope="module")
def five(two: list[loops.Loop]) -> list[loops.Loop]:
    keys = [loops.LoopKey(f"{n:02d}", f"Điểm {n}", loops.tone_hz(n)) for n in (3, 4, 5)]
    return [*two, *map(loops.encode, keys)]


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    node = Node([("127.0.0.1", 0)], 200)
    async with HeldWheel() as wheel:
        hall = Hall(node, wheel, Certificate())
        yield hall
        for close in hall.closers:
            close()
    node.close()


async def test_watcher_sees_and_hears_the_player_routed_to_it(
    hall: Hall, two: list[loops.Loop]
) -> None:
    await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"), ("02/main", FLOOR, "01/main"))
    seen = await watcher.see(STAGE)
    assert seen.label == "01"
    sound = await watcher.hear(FLOOR)
    assert sound.tone_hz == pytest.approx(two[0].key.tone_hz, abs=8)


async def test_watcher_sees_the_new_source_after_a_switch_without_asking(
    hall: Hall, two: list[loops.Loop]
) -> None:
    await hall.player("01/main", two[0])
    await hall.player("02/main", two[1])
    watcher = await hall.watcher("op/x")
    hall.route(("op/x", STAGE, "01/main"), ("op/x", FLOOR, "01/main"))
    await watcher.see(STAGE, "01")
    hall.route(("op/x", STAGE, "02/main"), ("op/x", FLOOR, "02/main"))
    await watcher.see(STAGE, "02", ask_after_s=60)
    assert (await watcher.hear(FLOOR)).tone_hz == pytest.approx(two[1].key.tone_hz, abs=8)
    assert watcher.inlets[STAGE].reception.lost == 0
    assert watcher.inlets[FLOOR].reception.lost == 0


async def test_a_silent_player_keeps_its_session_and_goes_on_later(
    hall: Hall, two: list[loops.Loop]
) -> None:
    player = await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"), ("02/main", FLOOR, "01/main"))
    await watcher.see(STAGE)
    player.silent = True
    await asyncio.sleep(0.1)  # what was under way comes first
    with pytest.raises(TimeoutError):
        await watcher.next_packet(STAGE, FLOOR, timeout_s=0.3)
    assert player.state == "connected"
    player.silent = False
    assert (await watcher.see(STAGE, timeout_s=3)).label == "01"
    assert watcher.inlets[FLOOR].reception.lost == 0


async def test_player_jumps_to_its_keyframe_when_asked(hall: Hall, two: list[loops.Loop]) -> None:
    player = await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"))
    await watcher.see(STAGE)
    asked = player.keyframes_asked
    for _ in range(2):
        assert (await watcher.see(STAGE, timeout_s=3)).counter == 0
    assert player.keyframes_asked > asked


async def test_watcher_asks_for_nothing_before_it_has_looked_at_what_came(
    hall: Hall, two: list[loops.Loop]
) -> None:
    await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"))
    # the first keyframe comes without its asking, so that no wish of its own is under way
    await watcher.see(STAGE, ask_after_s=60, timeout_s=20)
    hall.wheel.hold()
    seeing = asyncio.create_task(watcher.see(STAGE, timeout_s=20))
    async with asyncio.timeout(10):
        came = watcher.packets(STAGE)
        while watcher.packets(STAGE) < came + 15:
            await watcher.next_packet(STAGE)
    assert hall.wishes("02/main") == 0
    hall.wheel.release()
    assert (await seeing).label == "01"


async def test_watcher_hears_silence_without_a_route_while_the_player_goes_on(
    hall: Hall, two: list[loops.Loop]
) -> None:
    player = await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", FLOOR, "01/main"))
    await watcher.next_packet(FLOOR)
    hall.route()
    sent, received = player.sound_packets, watcher.packets(FLOOR)
    assert (await watcher.hear(FLOOR)).silent
    assert player.sound_packets > sent + 5
    assert watcher.packets(FLOOR) <= received + 2, "what was under way may still come"


async def test_see_says_what_it_saw_instead(hall: Hall, two: list[loops.Loop]) -> None:
    await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"))
    with pytest.raises(NotSeenError, match=r"stage:1: expected 02, saw 01"):
        await watcher.see(STAGE, "02", timeout_s=1)
    hall.route()
    with pytest.raises(NotSeenError, match="no picture decoded"):
        await watcher.see(STAGE, "02", timeout_s=0.5)


async def test_each_slot_of_a_wall_shows_its_own_site(hall: Hall, two: list[loops.Loop]) -> None:
    await hall.player("01/main", two[0])
    await hall.player("02/main", two[1])
    watcher = await hall.watcher("op/x", "stage:1,floor:1,thumb:40")
    thumbs = [slot for slot in watcher.slots if slot.startswith("thumb")]
    ports = [f"0{1 + index % 2}/main" for index in range(len(thumbs))]
    hall.route(*(("op/x", slot, port) for slot, port in zip(thumbs, ports, strict=True)))
    seen = await asyncio.gather(*(watcher.see(slot) for slot in thumbs))
    assert [one.label for one in seen] == [port[:2] for port in ports]


async def test_states_follow_the_session(hall: Hall, two: list[loops.Loop]) -> None:
    states: asyncio.Queue[str] = asyncio.Queue()
    player = Player(two[0], hall.wheel, hall.certificate, states.put_nowait)
    await player.open(hall.door("01/main", "publish"))
    again = await hall.player("01/main", two[0])  # the newer session of the port replaces it
    async with asyncio.timeout(10):
        told = [await states.get() for _ in range(3)]
    assert told == ["connecting", "connected", "closed"]
    assert again.state == "connected"


async def test_node_learns_the_round_trip_of_both_halves(hall: Hall, two: list[loops.Loop]) -> None:
    await hall.player("01/main", two[0])
    await hall.watcher("02/main")
    hall.route(("02/main", FLOOR, "01/main"))
    found: dict[str, float] = {}
    async with asyncio.timeout(10):
        while len(found) < 2:
            await asyncio.sleep(0.1)
            sessions = hall.node.stats().sessions
            found |= {one.port: one.rtt_s for one in sessions if one.rtt_s is not None}
    assert set(found) == {"01/main", "02/main"}
    assert all(0 <= rtt_s < 1 for rtt_s in found.values())


async def _tones(watcher: Watcher, slots: Sequence[SlotName]) -> list[int | None]:
    """Which site each slot carries, by its tone."""
    sounds = await asyncio.gather(*(watcher.hear(slot) for slot in slots))
    tones = [sound.tone_hz for sound in sounds]
    return [None if hertz is None else round((hertz - loops.tone_hz(0)) / 20) for hertz in tones]


async def test_of_five_open_microphones_the_four_loudest_are_heard(
    hall: Hall, five: list[loops.Loop]
) -> None:
    ports = [f"{number:02d}/main" for number in range(1, 6)]
    players = [await hall.player(port, loop) for port, loop in zip(ports, five, strict=True)]
    watcher = await hall.watcher("op/x", "floor:4")
    slots = parse_slots("floor:4")
    floor = [("op/x", slot, f"@floor/{n}") for n, slot in enumerate(slots, start=1)]
    players[1].level_dbov = players[4].level_dbov = -127
    hall.route(*floor, speakers=ports)
    async with asyncio.timeout(20):
        while await _tones(watcher, slots) != [1, 2, 3, 4]:
            pass
        players[4].level_dbov = loops.TONE_DBOV
        while await _tones(watcher, slots) != [1, 5, 3, 4]:
            pass
    # the one who has lost its position takes that of one who is shut
    hall.route(*floor, speakers=[port for port in ports if port != "03/main"])
    async with asyncio.timeout(20):
        while await _tones(watcher, slots) != [1, 5, 2, 4]:
            pass
    assert [watcher.inlets[slot].reception.lost for slot in slots] == [0, 0, 0, 0]


async def test_figures_of_a_microphone_say_how_loud_it_is_and_where_it_is_carried(
    hall: Hall, two: list[loops.Loop]
) -> None:
    await hall.player("01/main", two[0], dbov=0)
    await hall.player("02/main", two[1])
    hall.route(speakers=["02/main"])

    def figures() -> dict[str, tuple[float | None, bool | None, float | None, int | None]]:
        return {
            session.port: (one.level_dbov, one.heard, one.clipping_ratio, one.floor)
            for session in hall.node.stats().sessions
            for one in session.streams
            if one.track == "mic"
        }

    wanted = {"01/main": (0.0, True, 1.0, None), "02/main": (-15.0, True, 0.0, 1)}
    async with asyncio.timeout(10):
        while figures() != wanted:  # noqa: ASYNC110 - the node tells no one
            await asyncio.sleep(0.1)
    assert all(
        (one.level_dbov, one.heard, one.clipping_ratio, one.floor) == (None, None, None, None)
        for session in hall.node.stats().sessions
        for one in session.streams
        if one.track != "mic"
    )


@pytest.fixture(scope="module")
def layered() -> loops.Loop:
    return loops.encode(loops.LoopKey("09", "Điểm 9", loops.tone_hz(9)), high=True)


async def test_a_large_picture_is_sent_while_it_is_wanted(hall: Hall, layered: loops.Loop) -> None:
    player = await hall.player("09/main", layered)
    hall.node.on_layers = lambda wanted: player.want(wanted.layers)
    watcher = await hall.watcher("op/1", "stage:1,thumb:1")
    thumb = slot_name("thumb", 1)
    hall.route(("op/1", thumb, "09/main"))
    assert (await watcher.see(thumb, "09")).width == loops.WIDTH
    assert player.picture_packets["f"] == 0

    hall.route(("op/1", thumb, "09/main"), ("op/1", STAGE, "09/main"))
    await watcher.see(STAGE, "09", width=loops.HIGH.width)
    assert (await watcher.see(thumb, "09")).width == loops.WIDTH

    hall.route(("op/1", thumb, "09/main"))
    before = -1
    while (count := player.picture_packets["f"]) != before:
        before = count
        for _ in range(10):
            await watcher.next_packet(thumb)
    assert [one.layers for one in hall.node.layers_wanted()] == [["q"]]
    streams = next(one.streams for one in hall.node.stats().sessions if one.direction == "publish")
    assert [(one.layer, one.width) for one in streams] == [("", None), ("q", 320), ("f", 640)]


async def test_a_player_of_one_layer_wants_nothing(hall: Hall, two: list[loops.Loop]) -> None:
    player = await hall.player("01/main", two[0])
    player.want(["f"])
    watcher = await hall.watcher("op/1", "stage:1")
    hall.route(("op/1", STAGE, "01/main"))
    assert (await watcher.see(STAGE, "01")).width == loops.WIDTH
    assert set(player.picture_packets) == {""}


async def test_sites_of_h264_are_switched_at_their_keyframes(hall: Hall) -> None:
    """Their only keyframes are those that the node asks for."""
    keys = [loops.LoopKey(f"{n:02d}", f"Điểm {n}", loops.tone_hz(n), "H264") for n in (1, 2)]
    players = [await hall.player(f"h{key.label}", loops.encode(key)) for key in keys]
    hall.route(("hv", STAGE, "h01"))
    watcher = await hall.watcher("hv", codec="H264")
    await watcher.see(STAGE, "01")
    hall.route(("hv", STAGE, "h02"))
    await watcher.see(STAGE, "02", ask_after_s=60)
    assert all(player.keyframes_asked for player in players)
    assert watcher.inlets[STAGE].reception.lost == 0
