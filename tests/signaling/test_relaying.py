"""Trunks over real control links: opened when two nodes share a conference, healed, closed."""

from __future__ import annotations

import pytest

from signaling.options import Options
from signaling.relaying import RETRY_S
from signaling.wire.commands import Start, Take
from signaling.wire.ids import SlotName
from tests.fakes.bridge_node import FakeNode
from tests.fakes.clock import FakeClock
from tests.signaling.build import single
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage

STAGE, THUMB, FLOOR = SlotName("stage:1"), SlotName("thumb:1"), SlotName("floor:1")
RECEIVER = "trunk/node-2/00/main"


async def apart(stage: Stage) -> tuple[FakeNode, FakeNode]:
    """The centre publishes on the first node, site 48 receives on the second."""
    operator = await stage.window()
    await operator.command(Start())
    first = await stage.node()
    centre = await stage.site("00")
    async with await centre.offer("/whip") as response:
        assert response.status == 201
    published = first.of_port("00/main", "publish")[0]
    await first.edge(published.session, "connected")
    second = await stage.node(FakeNode("node-2", "boot-2"))
    site = await stage.site("48")
    async with await site.offer("/whep?slots=stage:1") as response:
        assert response.status == 201
    assert second.of_port("48/main", "receive")
    await operator.command(Take(single("00")))
    await second.until(lambda: second.connected != [])
    return first, second


async def test_a_trunk_brings_a_published_port_to_where_it_is_received(stage: Stage) -> None:
    first, second = await apart(stage)

    (relayed,) = second.of_port("00/main", "publish")
    (receiving,) = first.of_port(RECEIVER, "receive")
    assert relayed.relayed_from == "node-1"
    assert first.opened[-1].offer == f"offer of {relayed.session}"
    assert receiving.slots == [FLOOR, THUMB, STAGE, SlotName("stage:2")]
    assert second.connected[0].answer == "v=0\r\n"


async def test_what_is_received_there_flows_in_the_trunk(stage: Stage) -> None:
    first, second = await apart(stage)

    await first.until(lambda: (RECEIVER, STAGE) in first.table(stage.conference))
    table = first.table(stage.conference)
    assert table[RECEIVER, STAGE] == table[RECEIVER, THUMB] == ("00/main", "camera")
    await second.until(lambda: ("48/main", STAGE) in second.table(stage.conference))


async def test_a_trunk_closes_with_what_it_brings(stage: Stage) -> None:
    first, second = await apart(stage)

    await first.edge(first.of_port("00/main", "publish")[0].session, "closed", "gone")

    await second.until(lambda: second.of_port("00/main", "publish") == [])
    await first.until(lambda: first.of_port(RECEIVER, "receive") == [])


async def test_a_trunk_that_lost_one_end_is_opened_anew(stage: Stage) -> None:
    first, second = await apart(stage)
    (before,) = second.of_port("00/main", "publish")

    await first.edge(first.of_port(RECEIVER, "receive")[0].session, "closed", "consent")

    await second.until(lambda: len(second.connected) == 2)
    (after,) = second.of_port("00/main", "publish")
    assert after.session != before.session
    assert len(first.of_port(RECEIVER, "receive")) == 1


async def test_a_refused_trunk_is_tried_again(stage: Stage, clock: FakeClock) -> None:
    first, second = await apart(stage)
    first.refuse = "bridge_full"

    await first.edge(first.of_port(RECEIVER, "receive")[0].session, "closed", "consent")
    await first.until(lambda: len(first.opened) == 3)
    await second.until(lambda: second.of_port("00/main", "publish") == [])
    first.refuse = None
    clock.advance(RETRY_S)

    await second.until(lambda: len(second.connected) == 2)


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_trunk_outlives_the_control_link_of_a_node(stage: Stage, gone: int) -> None:
    nodes = await apart(stage)

    await nodes[gone].disconnect()
    back = await stage.node(nodes[gone])

    assert back.closed == []
    assert (
        len(nodes[0].of_port(RECEIVER, "receive"))
        == len(nodes[1].of_port("00/main", "publish"))
        == 1
    )
    assert nodes[1 - gone].closed == []


async def test_a_restart_of_signaling_keeps_the_trunks(
    options: Options, start_stage: StartStage
) -> None:
    async with start_stage(options) as before:
        first, second = await apart(before)
        await first.disconnect()
        await second.disconnect()
    async with start_stage(options) as after:
        await after.node(second)
        await after.node(first)
        await second.report()

        assert [one.relayed_from for one in second.of_port("00/main", "publish")] == ["node-1"]
        assert [*first.closed, *second.closed] == []
