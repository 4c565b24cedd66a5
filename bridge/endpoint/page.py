"""The page's end of the page socket, without a browser: rows, commands, coming back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable

import aiohttp
import structlog

from signaling.wire.codec import decode_server_message, encode
from signaling.wire.commands import PageCommand
from signaling.wire.errors import ERRORS, Problem, WireError
from signaling.wire.figures import Figures
from signaling.wire.ids import PageId, SiteCode
from signaling.wire.pages import (
    CommandMessage,
    Heartbeat,
    HeartbeatAck,
    Layers,
    PageHello,
    PageMessage,
    Patch,
    Report,
    Result,
    Row,
    SessionClosed,
    Snapshot,
    Watch,
)

HEARTBEAT_S = 2.0
SILENCE_S = 8.0
"""Without any frame for this long, the socket counts as dead and is dialled anew."""
FIRST_RETRY_S, LAST_RETRY_S = 0.25, 5.0
_FINAL = {4400, 4401, 4402, 4403, 4404, 4410, 1003}
"""Close codes after which dialling again would only bring the same: the page is not wanted."""
_FINAL_STATUS = {400, 401, 403, 404, 410}

log = structlog.get_logger("bridge.endpoint.page")


class PageClosedError(Exception):
    """The service wants this page no more; `code` is the close code, the text its reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"page socket closed: {code} {reason}")
        self.code, self.reason = code, reason


class PageSocket:
    """Holds a page's view while it runs, over any number of connections.

    `open` it, `close` it. `rows` is the view, `figures` are the latest figures, `connections`
    counts the connections that brought a snapshot, `last_loss` says why the latest one is gone.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        name: str,
        on_session_closed: Callable[[SessionClosed], None] = lambda message: None,
        on_layers: Callable[[Layers], None] = lambda message: None,
    ) -> None:
        self.page_id = PageId(secrets.token_hex(8))
        self.rows: dict[str, Row] = {}
        self.figures: Figures | None = None
        self.connections = 0
        self.connected = False
        self.last_loss = ""
        self._http, self._url, self._name = http, url, name
        self.on_session_closed = on_session_closed
        self.on_layers = on_layers
        self._snapshot: Snapshot | None = None
        self._seq = 0
        self._watched: tuple[SiteCode, ...] | None = None
        self._outgoing: asyncio.Queue[PageMessage] = asyncio.Queue()
        self._results: dict[str, asyncio.Future[Problem | None]] = {}
        self._changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed: PageClosedError | None = None
        self._task: asyncio.Task[None] | None = None
        self._mended = asyncio.Event()
        self._mended.set()

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot: who this page is, and its doors. Its rows are the old ones."""
        assert self._snapshot is not None, "the page socket was not entered"
        return self._snapshot

    async def open(self, timeout_s: float | None = 15.0) -> None:
        """Connect and wait for the snapshot; afterwards the socket comes back by itself.

        Raises:
            PageClosedError: the service does not want this page.
            TimeoutError: no snapshot in time.
        """
        self._task = asyncio.create_task(self._run())
        try:
            await self.until(lambda: self.connected, timeout_s)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the socket and stay away. Repeatable."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._end(PageClosedError(1000, "closed by this page"))

    async def until(self, wanted: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until `wanted()` holds, looking after every message and edge of the socket.

        A `timeout_s` of None waits for ever.

        Raises:
            TimeoutError: not in time.
            PageClosedError: the service wants this page no more.
        """
        async with asyncio.timeout(timeout_s):
            while not wanted():
                if self._closed is not None:
                    raise self._closed
                await asyncio.shield(self._changed)

    async def command(self, command: PageCommand, timeout_s: float = 15.0) -> None:
        """Run a command; sent again under the same id when the socket breaks meanwhile.

        Raises:
            WireError: it was refused.
            TimeoutError: no result in time.
            PageClosedError: the service wants this page no more.
        """
        message = CommandMessage(secrets.token_hex(8), command)
        result: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
        self._results[message.id] = result
        try:
            sent_on = -1

            def send_once_per_connection() -> bool:
                nonlocal sent_on
                if self.connected and sent_on != self.connections:
                    sent_on = self.connections
                    self._post(message)
                return result.done()

            await self.until(send_once_per_connection, timeout_s)
            problem = result.result()
        finally:
            del self._results[message.id]
        if problem is not None:
            code = problem.code if problem.code in ERRORS else "internal"
            raise WireError(code, problem.detail)

    def watch(self, sites: tuple[SiteCode, ...]) -> None:
        """The sites wanted in the thumbnail slots, said again on every new connection."""
        self._watched = sites
        if self.connected:
            self._post(Watch(list(sites)))

    def offline(self, cut: bool) -> None:
        """Cut its network for a drill, or mend it: nothing is sent, read or dialled meanwhile."""
        if cut:
            self._mended.clear()
        else:
            self._mended.set()

    def report(self, report: Report) -> None:
        """Send our own statistics; dropped while there is no connection."""
        if self.connected:
            self._post(report)

    # --- the connection ---------------------------------------------------------------------

    async def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while self._closed is None:
            before = self.connections
            try:
                await self._connect()
            except (aiohttp.ClientError, OSError, TimeoutError, WireError) as error:
                self._lost(error)
            if self.connections > before:
                retry_s = FIRST_RETRY_S
            # many pages of one service do not come back in the same instant
            await asyncio.sleep(retry_s * (0.5 + secrets.randbelow(500) / 1000))
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    async def _connect(self) -> None:
        await self._mended.wait()
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        try:
            socket = await self._http.ws_connect(self._url, timeout=timeout, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            if error.status in _FINAL_STATUS:
                self._end(PageClosedError(error.status, error.message))
            raise
        self._outgoing = asyncio.Queue()
        self._post(PageHello(self.page_id))
        writing = asyncio.create_task(self._write(socket, self._outgoing))
        try:
            while True:
                frame = await socket.receive(timeout=SILENCE_S)
                await self._mended.wait()
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._take(frame.data)
        finally:
            self.connected = False
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await socket.close()
        code = socket.close_code or 1006
        if code in _FINAL:
            self._end(PageClosedError(code, str(frame.extra or "")))
        self._lost(f"closed with {code} {frame.extra or ''}".strip())

    async def _write(
        self, socket: aiohttp.ClientWebSocketResponse, outgoing: asyncio.Queue[PageMessage]
    ) -> None:
        """Send what is posted, and a heartbeat when there was nothing for a while.

        Ends when the socket breaks, which its reader notices by itself.
        """
        with contextlib.suppress(aiohttp.ClientError, OSError):
            for number in itertools.count(1):
                message: PageMessage = Heartbeat(number)
                with contextlib.suppress(TimeoutError):
                    message = await asyncio.wait_for(outgoing.get(), HEARTBEAT_S)
                await self._mended.wait()
                await socket.send_str(encode(message))

    def _post(self, message: PageMessage) -> None:
        self._outgoing.put_nowait(message)

    def _take(self, text: str) -> None:
        message = decode_server_message(text)
        match message:
            case Snapshot():
                self._snapshot, self._seq = message, message.seq
                self.rows = dict(message.rows)
                if not self.connected:
                    self.connected, self.last_loss = True, ""
                    self.connections += 1
                    if self._watched is not None:
                        self._post(Watch(list(self._watched)))
            case Patch():
                self._patch(message)
            case Result():
                waiting = self._results.get(message.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message.problem)
            case SessionClosed():
                self.on_session_closed(message)
            case Layers():
                self.on_layers(message)
            case Figures():
                self.figures = message
            case HeartbeatAck():
                return
        self._notify()

    def _patch(self, patch: Patch) -> None:
        if patch.seq != self._seq + 1:
            raise WireError("bad_message", f"patch {patch.seq} after {self._seq}")
        self._seq = patch.seq
        self.rows.update(patch.put)
        for key in patch.drop:
            self.rows.pop(key, None)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.get_running_loop().create_future()
        changed.set_result(None)

    def _lost(self, why: object) -> None:
        known, self.last_loss = self.last_loss, str(why)
        self._notify()
        if self._closed is None and known != self.last_loss:
            log.info("page socket lost, dialling again", page=self._name, why=self.last_loss)

    def _end(self, closed: PageClosedError) -> None:
        if self._closed is None:
            self._closed = closed
            self._notify()
