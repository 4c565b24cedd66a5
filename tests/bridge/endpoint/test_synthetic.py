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
from signaling.wire.ids import Direction, Port, Scope, SlotName, Track, parse_slots, slot_media
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

    def door(self, port: str, direction: Direction, slots: Sequence[SlotName] = ()) -> Door:
        async def open_session(offer: str) -> str:
            request = OpenSession(1, SCOPE, Port(port), direction, offer, list(slots))
            reply = self.node.handle(request)
            assert isinstance(reply, SessionOpened), reply
            return reply.answer

        return open_session

    async def player(self, port: str, loop: loops.Loop) -> Player:
        player = Player(loop, self.wheel, self.certificate)
        self.closers.append(player.close)
        await player.open(self.door(port, "publish"))
        return player

    async def watcher(self, port: str, slots: str = "stage:1,floor:1") -> Watcher:
        names = parse_slots(slots)
        watcher = Watcher(names, self.wheel, self.certificate)
        self.closers.append(watcher.close)
        await watcher.open(self.door(port, "receive", names))
        return watcher

    def route(self, *crosspoints: tuple[str, SlotName, str]) -> None:
        """Replace the table: (receiving port, slot, publishing port) each."""
        self.revision += 1
        routes = [
            Route(Port(to), slot, Port(source), track_of(slot)) for to, slot, source in crosspoints
        ]
        reply = self.node.handle(Routes(1, SCOPE, 1, self.revision, None, routes))
        assert reply == RoutesHeld(1, SCOPE, 1, self.revision)


def track_of(slot: SlotName) -> Track:
    return "mic" if slot_media(slot) == "audio" else "camera"


@pytest.fixture(scope="module")
def two() -> list[loops.Loop]:
    keys = [
        loops.LoopKey(f"{index:02d}", f"Điểm {index}", loops.tone_hz(index)) for index in (1, 2)
    ]
    return [loops.encode(key) for key in keys]


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
    player = await hall.player("01/main", two[0])
    watcher = await hall.watcher("02/main")
    hall.route(("02/main", STAGE, "01/main"))
    await watcher.see(STAGE)
    await watcher.next_packet(STAGE)  # what was asked meanwhile has been answered
    asked = player.keyframes_asked
    hall.wheel.hold()
    seeing = asyncio.create_task(watcher.see(STAGE, timeout_s=20))
    async with asyncio.timeout(10):
        came = watcher.packets(STAGE)
        while watcher.packets(STAGE) < came + 15:
            await watcher.next_packet(STAGE)
    assert player.keyframes_asked == asked
    hall.wheel.release()
    assert (await seeing).counter == 0
    assert player.keyframes_asked > asked


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
