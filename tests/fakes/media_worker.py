"""A media worker by hand: speaks the worker link, keeps its orders, receives nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

import aiohttp

from signaling.wire.codec import decode_order_message, encode
from signaling.wire.ids import BootId, WorkerId
from signaling.wire.worker import (
    Fact,
    Facts,
    Orders,
    Record,
    Stills,
    WorkerHello,
    WorkerMessage,
    WorkerSessionClosed,
)


class FakeWorker:
    """One worker. `orders` are the latest to record, None before any came, `stills` those to look;
    `close_code` once it is closed."""

    def __init__(self, name: str = "worker-1") -> None:
        self.name = WorkerId(name)
        self.orders: list[Record] | None = None
        self.stills: list[Stills] = []
        self.closed_sessions: list[WorkerSessionClosed] = []
        self.received = 0
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._serving: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    async def connect(self, url: str, token: str, *, hello: bool = True) -> Self:
        """Dial and say hello."""
        self._http = aiohttp.ClientSession()
        headers = {"Authorization": f"Bearer {token}"}
        try:
            self._ws = await self._http.ws_connect(f"{url}/worker", headers=headers)
        except BaseException:
            await self._http.close()
            raise
        if hello:
            await self.send(WorkerHello(self.name, BootId("boot"), "0"))
        self._serving = asyncio.create_task(self._serve(self._ws))
        return self

    async def disconnect(self) -> None:
        """Cut the link."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._ws is not None:
            await self._ws.close()
        if self._http is not None:
            await self._http.close()

    async def send(self, message: WorkerMessage) -> None:
        """Say something."""
        await self.send_text(encode(message))

    async def send_text(self, text: str) -> None:
        """Say something that may be wrong."""
        assert self._ws is not None
        await self._ws.send_str(text)

    async def tell(self, *facts: Fact) -> None:
        """Say how it goes."""
        await self.send(Facts(0.0, 10**12, list(facts)))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until messages make the condition true."""
        async with asyncio.timeout(10):
            while not condition():
                self._moved.clear()
                await self._moved.wait()

    async def closed(self) -> int | None:
        """The code with which the service closes the link."""
        assert self._serving is not None
        async with asyncio.timeout(10):
            await self._serving
        assert self._ws is not None
        return self._ws.close_code

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            match decode_order_message(frame.data):
                case Orders(orders):
                    self.orders = [one for one in orders if isinstance(one, Record)]
                    self.stills = [one for one in orders if isinstance(one, Stills)]
                    self.received += 1
                case WorkerSessionClosed() as closed:
                    self.closed_sessions.append(closed)
            self._moved.set()
