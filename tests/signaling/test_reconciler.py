"""Sessions live as long as somebody has a right to them; routes are left alone after a restart."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace

import pytest

from signaling.options import Options
from signaling.reconciler import ECHO_S
from signaling.wire.commands import End, Leave, Mute, Start, Take, Unmute
from signaling.wire.control import SessionInfo, TableVersion
from signaling.wire.ids import Port, Scope, SessionId, SiteCode, SlotName
from signaling.wire.ports import site_of
from tests.fakes.bridge_node import FakeNode
from tests.fakes.clock import FakeClock
from tests.signaling.build import single
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage


@pytest.mark.parametrize(
    ("port", "site"), [("48/main", "48"), ("00/main", "00"), ("op/main", None), ("op/x", None)]
)
def test_port_names_its_site(port: str, site: str | None) -> None:
    assert site_of(Port(port)) == site


def adopted(stage: Stage, *ports: str, table: bool = True) -> FakeNode:
    """A node that already receives for these ports, as after a restart of signaling."""
    node, scope = FakeNode(), Scope(stage.conference)
    for port in ports:
        session = SessionId(f"old-{port.replace('/', '-')}")
        names = [SlotName("stage:1"), SlotName("thumb:1")]
        node.sessions[session] = SessionInfo(
            session, scope, Port(port), "receive", "connected", names
        )
    if table:
        routes = {(Port(port), SlotName("thumb:1")): (Port("92/main"), "camera") for port in ports}
        node.tables[scope] = (TableVersion(scope, 0, 9), routes)  # type: ignore[assignment]
    return node


async def test_end_closes_every_session(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    await operator.command(Start())
    for page, door in ((site, "/whip"), (site, "/whep"), (operator, "/whep")):
        async with await page.offer(door) as response:
            assert response.status == 201

    await operator.command(End())

    await node.until(lambda: node.sessions == {})
    assert {reason for _, reason in node.closed} == {"ended"}
    await node.until(lambda: node.table(stage.conference) == {})


async def test_leaving_ends_the_sessions_of_the_seat_alone(stage: Stage) -> None:
    node, site, other = await stage.node(), await stage.site("48"), await stage.site("01")
    for page in (site, other):
        async with await page.offer("/whip"):
            pass

    await site.command(Leave())

    await node.until(lambda: len(node.sessions) == 1)
    assert [info.port for info in node.sessions.values()] == ["01/main"]


async def test_takeover_ends_the_sessions_of_the_former_device(
    stage: Stage, clock: FakeClock
) -> None:
    node, first, operator = await stage.node(), await stage.site("48"), await stage.window()
    async with await first.offer("/whip"):
        pass
    await first.close()
    clock.advance(11)
    await operator.until(lambda: not stage.state.seats[SiteCode("48")].present)

    second = await stage.site("48")

    await node.until(lambda: bool(node.closed))
    assert node.closed[0][1] == "seat_taken"
    async with await second.offer("/whip") as response:
        assert response.status == 201


async def test_window_that_closed_keeps_its_sessions_for_half_a_minute(
    stage: Stage, clock: FakeClock
) -> None:
    node, window, other = await stage.node(), await stage.window(), await stage.window()
    async with await window.offer("/whep"):
        pass
    await window.websocket.close()
    while stage.server.services.hub.connected(stage.conference, window.port):
        await other.heartbeat()

    clock.advance(29)
    await other.heartbeat()
    assert len(node.sessions) == 1

    clock.advance(2)
    await node.until(lambda: node.sessions == {})
    assert node.closed[0][1] == "window_gone"


async def test_adopted_session_of_an_unknown_port_is_closed(stage: Stage) -> None:
    node = adopted(stage, "48/main", "99/main")

    await stage.node(node)

    await node.until(lambda: bool(node.closed))
    assert node.closed == [("old-99-main", "not_found")]
    assert [info.port for info in node.sessions.values()] == ["48/main"]


async def test_node_that_never_answers_is_asked_once_at_a_time_and_then_loses_its_link(
    options: Options, start_stage: StartStage, capsys: pytest.CaptureFixture[str]
) -> None:
    timings = replace(options.timings, tick_s=0.01, reply_timeout_s=0.1)
    async with start_stage(replace(options, timings=timings)) as stage:
        node = adopted(stage, "98/main", "99/main", table=False)
        node.answers = False
        await stage.node(node)

        assert await node.close_code() == 1011

    asked = Counter(session for session, _ in node.closed)
    assert set(asked) == {"old-98-main", "old-99-main"}
    assert max(asked.values()) == 3
    lines = capsys.readouterr().out.splitlines()
    for told, count in (
        ("closing session", 2),
        ("session not closed", 2),
        ("does not answer", 1),
    ):
        assert len([line for line in lines if told in line]) == count


async def test_a_site_that_was_heard_a_moment_ago_is_not_given_the_mix_with_its_voice(
    stage: Stage, clock: FakeClock
) -> None:
    node, site, desk = await stage.node(), await stage.site("48"), await stage.window()
    await desk.command(Start())
    for page in (site, desk):
        await page.command(Unmute(SiteCode("48")))
    async with await site.offer("/whep?slots=mix:1") as response:
        assert response.status == 201
    scope = Scope(stage.conference)
    node.sessions[SessionId("mix")] = SessionInfo(
        SessionId("mix"), scope, Port("mix/program"), "publish", "connecting"
    )
    await node.edge(SessionId("mix"), "connected")

    def heard() -> str:
        return node.table(stage.conference)[Port("48/main"), SlotName("mix:1")][0]

    assert heard() == "@floor/1"
    await desk.command(Mute(SiteCode("48")))
    await node.until(lambda: not node.speakers[scope])
    assert heard() == "@floor/1"
    clock.advance(ECHO_S + 0.1)
    await node.until(lambda: heard() == "mix/program")
    await desk.command(Unmute(SiteCode("48")))
    await node.until(lambda: heard() == "@floor/1")


async def test_table_waits_for_the_window_to_say_what_it_watches(stage: Stage) -> None:
    node = adopted(stage, "op/page-of-old")
    await stage.node(node)
    window = await stage.window(page_id="page-of-old")

    assert node.updates == []
    await window.watch("48")

    await node.until(lambda: bool(node.updates))
    assert node.updates[0].base is None
    assert node.table(stage.conference) == {
        ("op/page-of-old", "stage:1"): ("00/main", "camera"),
        ("op/page-of-old", "thumb:1"): ("48/main", "camera"),
    }


async def test_cue_fills_the_cue_slot_of_that_window_alone(stage: Stage) -> None:
    node, one, other = await stage.node(), await stage.window(), await stage.window()
    site = await stage.site("48")
    for page in (one, other, site):
        async with await page.offer("/whep?slots=cue:1") as response:
            assert response.status == 201

    await other.cue("99")
    await site.cue("01")
    await one.cue("48")
    for page in (one, other, site):
        await page.heartbeat()

    cue = {(one.port, "cue:1"): ("48/main", "mic")}
    await node.until(lambda: node.table(stage.conference) == cue)
    await one.cue(None)
    await node.until(lambda: node.table(stage.conference) == {})


async def test_table_waits_two_seconds_at_most(stage: Stage, clock: FakeClock) -> None:
    node = adopted(stage, "op/page-of-old")
    await stage.node(node)

    clock.advance(2.1)

    await node.until(lambda: bool(node.updates))
    assert ("op/page-of-old", "thumb:1") not in node.table(stage.conference)


async def test_command_does_not_wait_for_windows(stage: Stage) -> None:
    node = adopted(stage, "op/page-of-old", "48/main")
    await stage.node(node)
    director = await stage.window()

    await director.command(Start())
    await director.command(Take(single(SiteCode("01"))))

    await node.until(
        lambda: (
            node.table(stage.conference).get((Port("48/main"), SlotName("stage:1")))
            == ("01/main", "camera")
        )
    )


async def test_tables_of_an_older_epoch_are_replaced_at_once_without_windows(
    stage: Stage,
) -> None:
    node = adopted(stage, "48/main")

    await stage.node(node)

    await node.until(lambda: bool(node.updates))
    assert node.table(stage.conference) == {}


async def test_second_server_of_the_same_data_carries_a_higher_epoch(
    options: Options, clock: FakeClock
) -> None:
    epochs = []
    for _ in range(2):
        async with contextlib.AsyncExitStack() as stack:
            stage = await Stage.start(replace(options), clock, stack)
            node, window = await stage.node(), await stage.window()
            async with await window.offer("/whep"):
                pass
            await node.until(lambda: bool(node.updates))  # noqa: B023
            epochs.append(node.updates[0].epoch)

    assert epochs[1] == epochs[0] + 1
