"""A worker on a real WebSocket: it does what is wanted, all of it, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from bridge.media_worker import worker as workers
from bridge.media_worker.worker import Worker
from signaling.wire.codec import decode_worker_message, encode
from signaling.wire.ids import Port, Scope, SessionId
from signaling.wire.recordings import RecordingId
from signaling.wire.worker import (
    Facts,
    Orders,
    Record,
    RecordFact,
    WorkerHello,
    WorkerMessage,
    WorkerSessionClosed,
)

TOKEN = "worker-token-of-the-tests-0123456789"


class Chore:
    """Work that only notes what it is told. `fails` is how often it breaks first."""

    def __init__(self, order: Record, fails: int = 0) -> None:
        self.order = order
        self.fails = fails
        self.runs = 0
        self.working = False
        self.closed: list[SessionId] = []
        self.ended: bool | None = None

    async def run(self) -> None:
        self.runs += 1
        if self.runs <= self.fails:
            raise RuntimeError("broken")
        self.working = True
        try:
            await asyncio.Event().wait()
        finally:
            self.working = False

    def update(self, order: Record) -> None:
        self.order = order

    def session_closed(self, session: SessionId) -> None:
        self.closed.append(session)

    def fact(self) -> RecordFact:
        return RecordFact(self.order.scope, self.order.recording, self.working)

    async def end(self, *, wanted: bool) -> None:
        assert not self.working
        self.ended = wanted


class Office:
    """Signaling's end of the worker link."""

    def __init__(self) -> None:
        self.chores: list[Chore] = []
        self.heard: list[WorkerMessage] = []
        self.tokens: list[str | None] = []
        self.fails = 0
        self._moved = asyncio.Event()
        self._link: ServerConnection | None = None
        self.server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        host, port = next(iter(self.server.sockets)).getsockname()[:2]
        return f"http://{host}:{port}"

    async def serve(self, link: ServerConnection) -> None:
        assert link.request is not None
        assert link.request.path == "/worker"
        self.tokens.append(link.request.headers.get("Authorization"))
        self._link = link
        async for frame in link:
            self.heard.append(decode_worker_message(frame))
            self._moved.set()

    async def want(self, *names: str, token: str = "t") -> None:
        orders = [
            Record(Scope("c"), RecordingId(name), Port(f"rec/{name}"), [], token, "T", "")
            for name in names
        ]
        await self.say(encode(Orders(list(orders))))

    async def say(self, text: str) -> None:
        await self.until(lambda: self._link is not None)
        assert self._link is not None
        await self._link.send(text)

    async def cut(self) -> None:
        assert self._link is not None
        link, self._link = self._link, None
        await link.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._moved.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), 0.02)

    def make(self, order: Record, tools: workers.Tools) -> Chore:
        chore = Chore(order, self.fails)
        self.chores.append(chore)
        return chore


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    async with serve(office.serve, "127.0.0.1", 0) as server:
        office.server = server
        worker = Worker("worker-1", office.url, TOKEN, {Record: office.make}, lambda: 12345)
        running = asyncio.create_task(worker.run())
        yield office
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert all(chore.ended is not None for chore in office.chores)


async def test_it_introduces_itself_and_tells_what_it_does(office: Office) -> None:
    await office.want("1-program")
    await office.until(lambda: any(isinstance(one, Facts) and one.facts for one in office.heard))
    hello = office.heard[0]
    assert isinstance(hello, WorkerHello)
    assert (hello.worker, office.tokens) == ("worker-1", [f"Bearer {TOKEN}"])
    told = next(one for one in office.heard if isinstance(one, Facts) and one.facts)
    assert told.free_bytes == 12345
    assert told.facts[0].recording == "1-program"


async def test_it_does_what_is_wanted_and_ends_what_is_not(office: Office) -> None:
    await office.want("1-program", "1-48")
    await office.until(lambda: [one.working for one in office.chores] == [True, True])
    await office.want("1-48", "2-program")
    await office.until(lambda: len(office.chores) == 3 and office.chores[0].ended is not None)
    program, site, second = office.chores
    assert program.ended is False
    assert (site.ended, site.runs) == (None, 1)
    await office.until(lambda: second.working)


async def test_an_order_that_comes_again_is_the_same_work_with_a_fresh_token(
    office: Office,
) -> None:
    await office.want("1-program")
    await office.want("1-program", token="fresh")
    await office.until(lambda: bool(office.chores) and office.chores[0].order.token == "fresh")
    assert len(office.chores) == 1


async def test_without_a_link_work_goes_on_and_after_it_too(office: Office) -> None:
    await office.want("1-program")
    await office.until(lambda: bool(office.chores) and office.chores[0].working)
    await office.cut()
    await office.until(lambda: len(office.tokens) == 2)
    await office.want("1-program")
    await office.until(lambda: office._link is not None)
    [chore] = office.chores
    assert (chore.working, chore.runs, chore.ended) == (True, 1, None)


async def test_work_that_breaks_is_begun_again(office: Office) -> None:
    office.fails = 1
    await office.want("1-program")
    await office.until(lambda: bool(office.chores) and office.chores[0].working)
    assert office.chores[0].runs == 2


async def test_all_work_is_told_of_a_session_that_the_bridge_ended(office: Office) -> None:
    await office.want("1-program")
    await office.say(encode(WorkerSessionClosed(SessionId("s1"), "node_restarted")))
    await office.until(lambda: bool(office.chores) and office.chores[0].closed == ["s1"])


async def test_what_cannot_be_read_is_passed_over(office: Office) -> None:
    await office.say('{"type": "dance"}')
    await office.want("1-program")
    await office.until(lambda: bool(office.chores) and office.chores[0].working)


async def test_work_of_a_process_that_stops_is_still_wanted() -> None:
    office = Office()
    async with serve(office.serve, "127.0.0.1", 0) as server:
        office.server = server
        worker = Worker("worker-1", office.url, TOKEN, {Record: office.make}, lambda: 0)
        running = asyncio.create_task(worker.run())
        await office.want("1-program")
        await office.until(lambda: bool(office.chores) and office.chores[0].working)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert office.chores[0].ended is True
