"""The page socket holds the view, runs commands once, and comes back unless it is not wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from bridge.endpoint import doors
from bridge.endpoint.page import PageClosedError, PageSocket
from signaling.wire.codec import decode_page_message, encode
from signaling.wire.commands import Start
from signaling.wire.errors import Problem, WireError
from signaling.wire.ids import CommandId, Port, SessionId, SiteCode
from signaling.wire.pages import (
    CommandMessage,
    Doors,
    FloorRow,
    PageHello,
    PageMessage,
    Patch,
    Result,
    ServerMessage,
    SessionClosed,
    Snapshot,
    Watch,
)


class Signaling:
    """The other end: accepts page sockets, says what the test tells it to say."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[PageMessage] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []
        self.seq = 7
        self.refuse: int | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.refuse is not None:
            return web.Response(status=self.refuse)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            message = decode_page_message(frame.data)
            if isinstance(message, PageHello):
                await self.say(snapshot(self.seq))
            self.received.put_nowait(message)
        return socket

    async def say(self, message: ServerMessage) -> None:
        await self.sockets[-1].send_str(encode(message))

    async def next(self, kind: type[PageMessage]) -> PageMessage:
        while True:
            message = await self.received.get()
            if isinstance(message, kind):
                return message


def snapshot(seq: int) -> Snapshot:
    port, rows = Port("48/main"), {"floor": FloorRow(())}
    return Snapshot(
        seq, "site", SiteCode("48"), "Đà Nẵng", port, Doors("/whip", "/whep", "t"), rows
    )


@pytest.fixture
async def signaling() -> Signaling:
    return Signaling()


@pytest.fixture
async def page(signaling: Signaling) -> AsyncIterator[PageSocket]:
    app = web.Application()
    app.router.add_get("/socket", signaling.handle)
    server = TestServer(app)
    await server.start_server()
    async with doors.session() as http:
        socket = PageSocket(http, str(server.make_url("/socket")), "48")
        yield socket
        await socket.close()
    await server.close()


async def test_open_says_hello_and_holds_the_snapshot(
    signaling: Signaling, page: PageSocket
) -> None:
    await page.open()
    assert page.snapshot.port == "48/main"
    assert page.rows == {"floor": FloorRow(())}
    hello = await signaling.next(PageHello)
    assert hello == PageHello(page.page_id)


async def test_patches_change_the_rows(signaling: Signaling, page: PageSocket) -> None:
    await page.open()
    await signaling.say(Patch(8, {"x": FloorRow(())}))
    await page.until(lambda: "x" in page.rows, 5)
    await signaling.say(Patch(9, {}, ["floor", "never there"]))
    await page.until(lambda: "floor" not in page.rows, 5)
    assert page.rows == {"x": FloorRow(())}


async def test_offline_it_neither_says_nor_hears_until_it_is_mended(
    signaling: Signaling, page: PageSocket
) -> None:
    await page.open()
    await signaling.next(PageHello)
    page.offline(True)
    page.watch((SiteCode("01"),))
    await signaling.say(Patch(8, {"x": FloorRow(())}))
    with pytest.raises(TimeoutError):
        await page.until(lambda: "x" in page.rows, 0.05)
    assert signaling.received.empty()
    page.offline(False)
    await page.until(lambda: "x" in page.rows, 5)
    assert await signaling.next(Watch) == Watch([SiteCode("01")])
    assert page.connections == 1


async def test_gap_in_patches_is_healed_by_a_new_snapshot(
    signaling: Signaling, page: PageSocket
) -> None:
    await page.open()
    await signaling.say(Patch(9, {"x": FloorRow(())}))
    await page.until(lambda: page.connections == 2, 10)
    assert page.rows == {"floor": FloorRow(())}


async def test_command_returns_when_accepted_and_raises_when_refused(
    signaling: Signaling, page: PageSocket
) -> None:
    await page.open()
    running = asyncio.create_task(page.command(Start()))
    message = await signaling.next(CommandMessage)
    assert isinstance(message, CommandMessage)
    await signaling.say(Result(CommandId("another-one")))
    await signaling.say(Result(CommandId(message.id)))
    await running
    running = asyncio.create_task(page.command(Start()))
    message = await signaling.next(CommandMessage)
    assert isinstance(message, CommandMessage)
    await signaling.say(Result(CommandId(message.id), Problem("wrong_phase", "it is live")))
    with pytest.raises(WireError, match="wrong_phase"):
        await running


async def test_command_is_sent_again_under_its_id_after_a_cut(
    signaling: Signaling, page: PageSocket
) -> None:
    await page.open()
    running = asyncio.create_task(page.command(Start()))
    first = await signaling.next(CommandMessage)
    await signaling.sockets[-1].close(code=1001)
    again = await signaling.next(CommandMessage)
    assert isinstance(again, CommandMessage)
    assert again == first
    await signaling.say(Result(CommandId(again.id)))
    await running
    assert page.connections == 2


async def test_watch_is_said_again_after_a_cut(signaling: Signaling, page: PageSocket) -> None:
    await page.open()
    page.watch((SiteCode("01"), SiteCode("48")))
    assert await signaling.next(Watch) == Watch(["01", "48"])
    await signaling.sockets[-1].close(code=1012)
    assert await signaling.next(Watch) == Watch(["01", "48"])


@pytest.mark.parametrize("code", [4401, 4403, 4410])
async def test_page_stays_away_when_not_wanted(
    signaling: Signaling, page: PageSocket, code: int
) -> None:
    await page.open()
    await signaling.sockets[-1].close(code=code, message=b"replaced")
    with pytest.raises(PageClosedError) as closed:
        await page.until(lambda: False, 5)
    assert (closed.value.code, closed.value.reason) == (code, "replaced")
    assert len(signaling.sockets) == 1


async def test_page_waits_for_a_seat_that_is_taken(signaling: Signaling, page: PageSocket) -> None:
    await page.open()
    await signaling.sockets[-1].close(code=4409, message=b"seat_taken")
    await page.until(lambda: page.connections == 2, 10)


async def test_open_raises_when_the_door_is_shut(signaling: Signaling, page: PageSocket) -> None:
    signaling.refuse = 401
    with pytest.raises(PageClosedError) as closed:
        await page.open()
    assert closed.value.code == 401


async def test_closed_session_is_passed_on(signaling: Signaling, page: PageSocket) -> None:
    told: asyncio.Queue[SessionClosed] = asyncio.Queue()
    page.on_session_closed = told.put_nowait
    await page.open()
    await signaling.say(SessionClosed(SessionId("s1"), "lost"))
    assert (await told.get()).session == "s1"
