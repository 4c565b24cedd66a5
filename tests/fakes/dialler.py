"""The far end of a link that another process dials, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from signaling.wire.codec import encode

WAIT_S = 10.0


class Dialler:
    """Dials `path` of a service. Each frame that comes goes to `receive`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._serving: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    async def receive(self, frame: str) -> None:
        """A frame has come."""
        raise NotImplementedError

    async def dial(self, url: str, token: str, hello: msgspec.Struct | None) -> None:
        """Open the link and say hello, if there is one to say."""
        self._http = aiohttp.ClientSession()
        headers = {"Authorization": f"Bearer {token}"}
        try:
            self._ws = await self._http.ws_connect(f"{url}{self._path}", headers=headers)
        except BaseException:
            await self._http.close()
            raise
        if hello is not None:
            await self.send(hello)
        self._serving = asyncio.create_task(self._serve(self._ws))

    async def disconnect(self) -> None:
        """Cut the link; everything else stays."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._ws is not None:
            await self._ws.close()
        if self._http is not None:
            await self._http.close()

    async def send(self, message: msgspec.Struct) -> None:
        """Send any message."""
        await self.send_text(encode(message))

    async def send_text(self, text: str) -> None:
        """Send any frame."""
        assert self._ws is not None
        await self._ws.send_str(text)

    async def close_code(self) -> int | None:
        """Wait until the service closes the link; the code that it gave."""
        assert self._serving is not None
        assert self._ws is not None
        async with asyncio.timeout(WAIT_S):
            await self._serving
        return self._ws.close_code

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something holds that a message may bring about."""
        async with asyncio.timeout(WAIT_S):
            while not true():
                self._moved.clear()
                await self._moved.wait()

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            await self.receive(frame.data)
            self._moved.set()
