"""The control link against a real WebSocket server on loopback."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import serve

from bridge.control import Control, run_node
from bridge.node import Node
from signaling.wire.codec import decode_node_message, encode
from signaling.wire.control import (
    Hello,
    OpenSession,
    Refused,
    Route,
    Routes,
    RoutesHeld,
    SessionEdge,
    SessionOpened,
    Stats,
)
from tests.bridge.client import Client


class Signaling:
    """Accepts nodes at /control; each connection is a queue of its messages."""

    def __init__(self):
        self.links = asyncio.Queue()
        self.requests = []
        self.refuse_with = None
        self.server = None

    async def start(self, port=0):
        self.server = await serve(self.accept, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        await self.server.wait_closed()

    async def accept(self, socket):
        self.requests.append(socket.request)
        if self.refuse_with is not None:
            await socket.close(self.refuse_with, "unauthenticated")
            return
        await self.links.put(socket)
        await socket.wait_closed()

    async def link(self):
        """The next link and its hello."""
        async with asyncio.timeout(10):
            socket = await self.links.get()
            hello = decode_node_message(await socket.recv())
        assert isinstance(hello, Hello)
        return socket, hello


@pytest.fixture
async def signaling():
    server = Signaling()
    await server.start()
    yield server
    await server.stop()


@contextlib.asynccontextmanager
async def node(signaling, **more):
    task = asyncio.create_task(
        run_node(
            node_id="n1",
            signaling_url=f"http://127.0.0.1:{signaling.port}/",
            token="secret",
            announce=[("127.0.0.1", 0)],
            **more,
        )
    )
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def reply(socket, message, kind):
    """Send a request; the next message of this kind."""
    if message is not None:
        await socket.send(encode(message))
    async with asyncio.timeout(10):
        while True:
            answer = decode_node_message(await socket.recv())
            if isinstance(answer, kind):
                return answer


async def test_dials_with_its_token_and_says_hello(signaling):
    async with node(signaling):
        _, hello = await signaling.link()
        assert hello.node == "n1"
        assert (hello.sessions, hello.tables) == ([], [])
        assert hello.packet_path == "compiled"
        assert signaling.requests[0].path == "/control"
        assert signaling.requests[0].headers["Authorization"] == "Bearer secret"


async def test_obeys_requests_and_reports_edges_and_figures(signaling):
    async with node(signaling):
        socket, _ = await signaling.link()
        client = Client("publish", ["audio"])
        request = OpenSession(7, "c", "48/main", "publish", client.offer())
        opened = await reply(socket, request, SessionOpened)
        assert opened.request == 7
        await client.connect(opened.answer)
        edge = await reply(socket, None, SessionEdge)
        assert (edge.session, edge.state) == (opened.session, "connected")
        stats = await reply(socket, None, Stats)
        assert [one.session for one in stats.sessions] == [opened.session]
        bad = await reply(socket, OpenSession(8, "c", "p", "publish", "junk"), Refused)
        assert (bad.request, bad.code) == (8, "offer_malformed")
        client.close()


class OnceAtFault(Node):
    """A node whose first figures fail."""

    failed = False

    async def report(self):
        if not self.failed:
            self.failed = True
            raise RuntimeError("a fault in the figures")
        return await super().report()


async def test_figures_come_again_after_a_fault_in_them(signaling):
    faults = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(str(context["exception"])))
    one = OnceAtFault([("127.0.0.1", 0)], 4)
    uri = f"ws://127.0.0.1:{signaling.port}/control"
    running = asyncio.create_task(Control(one, "n1", uri, "secret").run())
    socket, _ = await signaling.link()
    await reply(socket, None, Stats)
    assert faults == ["a fault in the figures"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    one.close()


async def test_unreadable_frames_are_dropped_and_the_link_stays(signaling):
    async with node(signaling):
        socket, _ = await signaling.link()
        for junk in ("junk", '{"type":"nothing"}', b"\x00\xff"):
            await socket.send(junk)
        held = await reply(socket, Routes(1, "c", 1, 1, None), RoutesHeld)
        assert held.revision == 1


async def test_forwards_without_signaling_and_tells_all_when_it_is_back(signaling):
    async with node(signaling):
        socket, first = await signaling.link()
        site, operator = Client("publish", ["audio"]), Client("receive", ["audio"])
        for client, port, slots in ((site, "48/main", []), (operator, "op/1", ["floor:1"])):
            request = OpenSession(1, "c", port, client.direction, client.offer(), slots)
            opened = await reply(socket, request, SessionOpened)
            await client.connect(opened.answer)
        route = Route("op/1", "floor:1", "48/main", "mic")
        await reply(socket, Routes(2, "c", 3, 9, None, [route]), RoutesHeld)
        await signaling.stop()
        site.rtp(5, 1, b"meanwhile", 111)
        await operator.until(lambda: operator.received)
        await signaling.start(signaling.port)
        _, again = await signaling.link()
        assert again.boot_id == first.boot_id
        assert {(one.port, one.state) for one in again.sessions} == {
            ("48/main", "connected"),
            ("op/1", "connected"),
        }
        assert [(one.scope, one.epoch, one.revision) for one in again.tables] == [("c", 3, 9)]
        site.close()
        operator.close()


async def test_cancelling_ends_sessions_and_the_link(signaling):
    async with node(signaling) as task:
        socket, _ = await signaling.link()
        client = Client("publish", ["audio"])
        opened = await reply(
            socket, OpenSession(1, "c", "48/main", "publish", client.offer()), SessionOpened
        )
        await client.connect(opened.answer)
        task.cancel()
        await client.until(lambda: client.channel.state == "closed")
        async with asyncio.timeout(10):
            await socket.wait_closed()
        client.close()


async def test_closed_link_is_dialled_anew(signaling):
    async with node(signaling):
        socket, _ = await signaling.link()
        route = Route("48/main", "stage:1", "00/main", "camera")
        await reply(socket, Routes(1, "c", 1, 1, None, [route]), RoutesHeld)
        await socket.close()
        _, hello = await signaling.link()
        assert [one.revision for one in hello.tables] == [1]


async def test_impossible_url_is_refused():
    with pytest.raises(ValueError, match="ftp"):
        await run_node(node_id="n", signaling_url="ftp://x", token="t", announce=[])


async def test_unbindable_address_is_an_error(signaling):
    with pytest.raises(OSError, match="assign"):
        await run_node(
            node_id="n",
            signaling_url=f"http://127.0.0.1:{signaling.port}",
            token="t",
            announce=[("192.0.2.1", 9)],
        )


async def test_refused_token_is_said_once_with_what_to_do(signaling):
    signaling.refuse_with = 4401
    with capture_logs() as lines:
        async with node(signaling):
            async with asyncio.timeout(10):
                while not downs(lines):  # noqa: ASYNC110 - a log line wakes no one
                    await asyncio.sleep(0.005)
    (line,) = downs(lines)
    assert "4401" in line["reason"]
    assert line["next_step"] == "correct the node token"


def downs(lines):
    return [line for line in lines if line["event"] == "control link down"]
