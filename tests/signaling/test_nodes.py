"""Bridge nodes over a real control link: sessions, requests, tables, and every way to lose one."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import aiohttp
import pytest

from signaling.nodelink import Link
from signaling.options import Options, Timings
from signaling.sessions import Session, newest
from signaling.wire.commands import Mute, Start, Take, Unmute
from signaling.wire.control import RoutesHeld, SessionEdge, SessionInfo, TableVersion
from signaling.wire.ids import NodeId, Port, Scope, SessionId, SiteCode
from signaling.wire.samples import NodeGone, NodeHeard
from tests.fakes.bridge_node import FakeNode
from tests.signaling.build import single
from tests.signaling.conftest import StartStage
from tests.signaling.stage import NODE_TOKEN, Stage

CENTRE = (Port("00/main"), "camera")


@pytest.mark.parametrize("token", ["wrong", "", NODE_TOKEN[:-1], NODE_TOKEN + "x"])
async def test_link_without_the_node_token_is_refused(stage: Stage, token: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await FakeNode().connect(stage.url, token)

    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("frame", "code"),
    [("{", 4400), ('{"type": "nonsense"}', 4400), ('{"type": "done", "request": 1}', 4402)],
)
async def test_link_must_begin_with_a_readable_hello(stage: Stage, frame: str, code: int) -> None:
    headers = {"Authorization": f"Bearer {NODE_TOKEN}"}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{stage.url}/control", headers=headers) as ws,
    ):
        await ws.send_str(frame)
        closed = await ws.receive()

    assert closed.data == code


async def test_unreadable_frame_of_a_node_closes_its_link_alone(stage: Stage) -> None:
    node = await stage.node()
    site = await stage.site("48")

    await node.send_text('{"type": "stats", "at": "now"}')

    assert await node.close_code() == 4400
    await site.heartbeat()


async def test_unknown_edges_and_replies_change_nothing(stage: Stage) -> None:
    node = await stage.node()
    site = await stage.site("48")

    await node.send(
        SessionEdge(SessionId("x"), Scope("none"), Port("48/main"), "publish", "closed")
    )
    await node.send(RoutesHeld(99, Scope("none"), 1, 1))
    await node.report()

    async with await site.offer("/whip") as response:
        assert response.status == 201


async def test_newer_link_of_a_node_replaces_the_older(stage: Stage) -> None:
    older = await stage.node()
    newer = await stage.node(FakeNode())

    assert await older.close_code() == 4410
    await newer.report()
    assert [link.node for link in stage.server.services.nodes.links] == ["node-1"]


async def test_routes_reach_the_node_when_a_receiver_opens(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    await operator.command(Start())

    async with await site.offer("/whep?slots=stage:4,floor:4") as response:
        assert response.status == 201

    await node.until(lambda: bool(node.table(stage.conference)))
    # the centre alone is on air, and nobody but a director sees the centre see itself
    floor = {("48/main", f"floor:{n}"): (f"@floor/{n}", "mic") for n in (1, 2, 3, 4)}
    assert node.table(stage.conference) == {("48/main", "stage:1"): CENTRE} | floor


async def test_a_mute_is_one_message_that_leaves_the_site_out(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    await operator.command(Start())
    async with await site.offer("/whep?slots=floor:4"):
        pass
    await node.until(lambda: bool(node.table(stage.conference)))
    scope = Scope(stage.conference)
    assert node.speakers[scope] == []

    await site.command(Unmute("48"))
    await operator.command(Unmute("48"))
    await node.until(lambda: node.speakers[scope] == ["48/main"])
    await operator.command(Mute("48"))
    await node.until(lambda: node.speakers[scope] == [])

    last = node.updates[-1]
    assert (last.base, last.put, last.drop) == (last.revision - 1, [], [])


async def test_take_is_sent_as_a_difference(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    await operator.command(Start())
    async with await operator.offer("/whep?slots=stage:4,thumb:8"):
        pass
    async with await site.offer("/whep?slots=stage:4"):
        pass
    await node.until(lambda: (operator.port, "stage:1") in node.table(stage.conference))

    await operator.command(Take(single(SiteCode("48"))))
    await node.until(
        lambda: node.table(stage.conference)[(operator.port, "stage:1")][0] == "48/main"
    )

    last = node.updates[-1]
    assert last.base == last.revision - 1
    assert [(route.port, route.source) for route in last.put] == [(operator.port, "48/main")]


async def test_watched_sites_fill_the_thumbnails_in_order(stage: Stage) -> None:
    node, operator = await stage.node(), await stage.window()
    async with await operator.offer("/whep?slots=thumb:2"):
        pass

    await operator.watch("48", "01", "79")

    await node.until(lambda: len(node.table(stage.conference)) == 2)
    assert node.table(stage.conference) == {
        (operator.port, "thumb:1"): ("48/main", "camera"),
        (operator.port, "thumb:2"): ("01/main", "camera"),
    }


async def test_table_that_a_report_does_not_confirm_is_sent_whole(stage: Stage) -> None:
    node, operator = await stage.node(), await stage.window()
    async with await operator.offer("/whep?slots=stage:1"):
        pass
    await node.until(lambda: bool(node.table(stage.conference)))
    version, table = node.tables[Scope(stage.conference)]

    node.tables[Scope(stage.conference)] = (TableVersion(version.scope, version.epoch, 0), {})
    while node.table(stage.conference) != table:
        # a report that overtakes the reply to an update is rightly passed over
        await node.report()
        await operator.heartbeat()

    assert node.updates[-1].base is None


async def test_an_empty_table_may_be_forgotten_and_is_sent_whole_when_it_is_wanted(
    stage: Stage,
) -> None:
    node, operator = await stage.node(), await stage.window()
    scope = Scope(stage.conference)
    async with await operator.offer("/whep?slots=stage:1"):
        pass
    await node.until(lambda: bool(node.table(scope)))
    await node.edge(node.of_port(operator.port, "receive")[0].session, "closed", "left")
    await node.until(lambda: not node.table(scope))
    sent = len(node.updates)

    del node.tables[scope]
    for _ in range(3):
        await node.report()
        await operator.heartbeat()
    async with await operator.offer("/whep?slots=stage:1"):
        pass
    await node.until(lambda: bool(node.table(scope)))

    assert [update.base for update in node.updates[sent:]] == [None]


async def test_node_that_comes_back_gets_its_whole_table(stage: Stage) -> None:
    node, operator = await stage.node(), await stage.window()
    async with await operator.offer("/whep?slots=stage:1"):
        pass
    await node.until(lambda: bool(node.table(stage.conference)))
    count = len(node.updates)

    await node.disconnect()
    await stage.node(node)

    await node.until(lambda: len(node.updates) > count)
    assert node.updates[-1].base is None
    assert node.table(stage.conference) == {(operator.port, "stage:1"): CENTRE}


async def test_restarted_node_has_lost_its_sessions_and_pages_are_told(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    async with await site.offer("/whip"):
        pass
    session = node.of_port("48/main", "publish")[0].session
    await node.disconnect()

    await stage.node(FakeNode(boot_id="boot-2"))

    await site.until(lambda: bool(site.sessions_closed))
    assert site.sessions_closed[0].session == session
    assert site.sessions_closed[0].reason == "node_restarted"


async def test_closed_edge_is_told_to_its_page_alone(stage: Stage) -> None:
    node, site, other = await stage.node(), await stage.site("48"), await stage.site("01")
    async with await site.offer("/whip"):
        pass
    session = node.of_port("48/main", "publish")[0].session

    await node.edge(session, "closed", "consent")

    await site.until(lambda: bool(site.sessions_closed))
    await other.heartbeat()
    assert site.sessions_closed[0].reason == "consent"
    assert other.sessions_closed == []


async def test_silent_node_times_out_and_a_late_session_is_closed(
    options: Options, start_stage: StartStage
) -> None:
    timings = Timings(tick_s=0.02, reply_timeout_s=0.1)
    async with start_stage(replace(options, timings=timings)) as stage:
        node, site = await stage.node(), await stage.site("48")
        node.answers = False

        async with await site.offer("/whip") as response:
            assert response.status == 504
            assert (await response.json(content_type=None))["code"] == "bridge_timeout"

        node.answers = True
        await node.open_late()
        await node.until(lambda: bool(node.closed))
        assert node.closed[0][1] == "late"


async def test_offer_fails_at_once_when_the_link_breaks(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    node.answers = False

    async def post() -> int:
        async with await site.offer("/whip") as response:
            return response.status

    posting = asyncio.create_task(post())
    await node.until(lambda: bool(node.opened))
    await node.disconnect()

    assert await posting == 503


async def test_node_is_heard_and_missed_on_the_bus(stage: Stage) -> None:
    with stage.server.bus.subscribe(NodeHeard, NodeGone) as samples:
        node = await stage.node()
        await node.disconnect()

        told = [type(await samples.get()) for _ in range(2)]

    assert told == [NodeHeard, NodeGone]


async def test_a_site_stays_on_its_node_and_others_go_where_there_is_room(stage: Stage) -> None:
    await stage.node(FakeNode("node-1"))
    site, other = await stage.site("48"), await stage.site("01")
    async with await site.offer("/whip"):
        pass
    await stage.node(FakeNode("node-2"))

    async with await site.offer("/whep") as response:
        assert response.headers["Location"].startswith("/whep/node-1/")
    async with await other.offer("/whip") as response:
        assert response.headers["Location"].startswith("/whip/node-2/")


def session(name: str, state: str) -> Session:
    info = SessionInfo(SessionId(name), Scope("c"), Port("48/main"), "publish", "connecting")
    return Session(
        NodeId("n"),
        info.session,
        info.scope,
        info.port,
        info.direction,
        state,  # type: ignore[arg-type]
        frozenset(),
    )


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        (["connected", "connecting"], 0),
        (["connected", "connected"], 1),
        (["lost", "connecting"], 1),
        (["connecting", "connected"], 1),
    ],
)
def test_newest_connected_session_counts(states: list[str], chosen: int) -> None:
    sessions = [session(str(index), state) for index, state in enumerate(states)]

    assert newest(sessions) == [sessions[chosen]]


async def test_work_of_a_link_that_is_over_before_it_began_leaves_nothing_behind() -> None:
    async def nowhere(_text: str) -> None:
        raise AssertionError("nothing is sent")

    link = Link(NodeId("node-1"), "boot-1", "0", nowhere, nowhere)
    work = nowhere("")
    link.spawn(work)
    tasks = list(link.tasks)
    link.abandon()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
