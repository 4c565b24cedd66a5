"""Trunks between two nodes that answer at once: faults of ours, and a node that restarts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from signaling.nodelink import Link
from signaling.nodes import Listeners, Nodes
from signaling.relaying import RETRY_S, Trunks
from signaling.wire.codec import decode_signaling_message
from signaling.wire.control import (
    CloseSession,
    ConnectTrunk,
    Done,
    Hello,
    OpenSession,
    OpenTrunk,
    SessionInfo,
    SessionOpened,
    SignalingMessage,
    TrunkOffered,
)
from signaling.wire.ids import BootId, NodeId, Port, ProgramCodec, Scope, SessionId
from tests.fakes.clock import FakeClock

C = Scope("c")
ids = itertools.count(1)


def info(port: str, direction: str, relayed_from: str | None = None) -> SessionInfo:
    session = SessionId(f"s{next(ids)}")
    return SessionInfo(
        session, C, Port(port), direction, "connected", [], relayed_from=relayed_from
    )  # type: ignore[arg-type]


class Ends:
    """The registry, its trunks, and what the nodes were asked."""

    def __init__(self, codec_of: Callable[[Scope], ProgramCodec] = lambda _: "VP8") -> None:
        self.clock = FakeClock()
        self.asked: asyncio.Queue[tuple[str, SignalingMessage]] = asyncio.Queue()
        nobody = lambda *_: None  # noqa: E731
        listeners = Listeners(nobody, self._changed, nobody, nobody, nobody, nobody)
        self.nodes = Nodes(listeners)
        self.trunks = Trunks(self.nodes, self.clock, codec_of)

    def _changed(self, scope: Scope) -> None:
        self.trunks.refresh(scope)

    async def hello(self, node: str, boot: str, *sessions: SessionInfo) -> None:
        held: list[Link] = []

        async def send(frame: str) -> None:
            message = decode_signaling_message(frame)
            self.asked.put_nowait((node, message))
            match message:
                case OpenTrunk(request=request):
                    reply = TrunkOffered(request, SessionId(f"s{next(ids)}"), "v=0")
                case OpenSession(request=request):
                    reply = SessionOpened(request, SessionId(f"s{next(ids)}"), "v=0")
                case _:
                    reply = Done(message.request)
            self.nodes.received(held[0], reply, 0.0)

        async def close(_reason: str) -> None:
            pass

        hello = Hello(NodeId(node), BootId(boot), "0", list(sessions), [], "python")
        held.append(await self.nodes.connected(hello, send, close))

    async def next(self) -> tuple[str, SignalingMessage]:
        async with asyncio.timeout(10):
            return await self.asked.get()


@pytest.fixture
def faults() -> list[Exception]:
    return []


@pytest.fixture
async def ends(faults):
    def codec_of(_scope: Scope) -> ProgramCodec:
        if faults:
            raise faults.pop()
        return "VP8"

    made = Ends(codec_of)
    yield made
    await made.trunks.stop()


async def test_a_fault_of_ours_is_told_undone_and_tried_again(ends, faults):
    faults.append(KeyError("no such conference"))
    with capture_logs() as logs:
        await ends.hello("a", "1", info("48/main", "publish"))
        await ends.hello("b", "1", info("01/main", "receive"))
        ends.trunks.refresh(C)
        assert isinstance((await ends.next())[1], OpenTrunk)
        node, undone = await ends.next()
    assert (node, type(undone)) == ("b", CloseSession)
    (told,) = [one for one in logs if one["event"] == "trunk not opened"]
    assert (told["port"], told["node"], told["source"]) == ("48/main", "b", "a")
    assert told["exc_info"]

    ends.clock.advance(RETRY_S)
    ends.trunks.tick()

    asked = [await ends.next() for _ in range(3)]
    assert [(node, type(one)) for node, one in asked] == [
        ("b", OpenTrunk),
        ("a", OpenSession),
        ("b", ConnectTrunk),
    ]


async def test_no_trunk_is_opened_to_a_node_that_has_lost_its_receivers(ends):
    await ends.hello("a", "1", info("48/main", "publish"), info("trunk/b/48/main", "receive"))
    before = [info("01/main", "receive"), info("48/main", "publish", "a")]
    await ends.hello("b", "1", *before, info("31/main", "receive"))
    ends.trunks.refresh(C)

    await ends.hello("b", "2")
    ends.trunks.tick()

    node, asked = await ends.next()
    assert (node, type(asked)) == ("a", CloseSession)
    assert ends.asked.empty()
