"""Which layers are worth sending: from a node's word to the page that sends them, and back after
every loss."""

from __future__ import annotations

from signaling.wantedlayers import WantedLayers
from signaling.wire.control import LayersWanted
from signaling.wire.ids import NodeId, Port, Scope
from signaling.wire.pages import Layers
from tests.fakes.bridge_node import FakeNode
from tests.fakes.page import Page
from tests.signaling.stage import Stage

ONE, TWO = NodeId("one"), NodeId("two")


def wanted(*layers: str, port: str = "48/main", scope: str = "c") -> LayersWanted:
    return LayersWanted(Scope(scope), Port(port), "camera", list(layers))


def test_the_newest_word_counts() -> None:
    said = WantedLayers()
    said.heard(ONE, wanted("q"))
    said.heard(TWO, wanted("q", "f"))
    said.heard(ONE, wanted("q", port="01/main"))
    assert said.of(Scope("c"), Port("48/main")) == [wanted("q", "f")]
    assert said.of(Scope("d"), Port("48/main")) == []


def test_what_a_node_said_is_void_when_it_says_hello() -> None:
    said = WantedLayers()
    said.heard(ONE, wanted("q"))
    said.heard(TWO, wanted("q", port="01/main"))
    said.forget_node(ONE)
    assert said.of(Scope("c"), Port("48/main")) == []
    assert said.of(Scope("c"), Port("01/main")) == [wanted("q", port="01/main")]


async def publishing(stage: Stage) -> tuple[FakeNode, Page]:
    node, site = await stage.node(), await stage.site("48")
    async with await site.offer("/whip") as response:
        assert response.status == 201
    return node, site


async def test_the_page_that_publishes_is_told_and_no_other(stage: Stage) -> None:
    node, site = await publishing(stage)
    other = await stage.site("01")
    await node.send(wanted("q", "f", scope=stage.conference))
    await site.until(lambda: bool(site.layers))
    await node.send(wanted("q", scope=stage.conference))
    await site.until(lambda: site.layers[-1].layers == ["q"])
    await other.heartbeat()

    assert site.layers[0] == Layers("camera", ["q", "f"])
    assert other.layers == []


async def test_a_page_that_comes_back_is_told_after_its_snapshot(stage: Stage) -> None:
    node, site = await publishing(stage)
    await node.send(wanted("q", scope=stage.conference))
    await site.until(lambda: bool(site.layers))
    site.layers.clear()

    await site.connect()

    await site.until(lambda: bool(site.layers))
    assert site.layers == [Layers("camera", ["q"])]


async def test_an_unknown_port_does_no_harm_and_the_end_of_its_session_forgets_it(
    stage: Stage,
) -> None:
    node, site = await publishing(stage)
    await node.send(wanted("q", port="nobody", scope=stage.conference))
    await node.send(wanted("q", scope=stage.conference))
    await site.until(lambda: bool(site.layers))
    (session,) = node.of_port("48/main", "publish")
    await node.edge(session.session, "closed", "silent")
    await site.until(lambda: bool(site.sessions_closed))
    site.layers.clear()

    await site.connect()
    await site.heartbeat()

    assert site.layers == []
