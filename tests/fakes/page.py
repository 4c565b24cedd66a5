"""A page without a browser: signs in or taps a link, keeps the rows that its socket tells it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from signaling.wire.codec import decode_server_message, encode
from signaling.wire.commands import PageCommand
from signaling.wire.errors import Problem
from signaling.wire.figures import Figures
from signaling.wire.ids import Port, SiteCode
from signaling.wire.pages import (
    CommandMessage,
    Cue,
    Doors,
    Heartbeat,
    HeartbeatAck,
    Layers,
    PageHello,
    Patch,
    Result,
    Row,
    ServerMessage,
    SessionClosed,
    Snapshot,
    Thin,
    Watch,
)
from signaling.wire.rest import LinkExchange, SignInRequest

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"


class SocketClosedError(Exception):
    """The service closed the socket; `code` and `reason` say why."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Page:
    """One page load. Use as a context manager; `connect` opens its socket."""

    def __init__(self, url: str, page_id: str | None = None) -> None:
        self.url = url
        self.page_id = page_id or secrets.token_urlsafe(12)
        self.http = aiohttp.ClientSession(
            base_url=url, cookie_jar=aiohttp.CookieJar(unsafe=True, quote_cookie=False)
        )
        self.rows: dict[str, Row] = {}
        self.seq = -1
        self.snapshots = 0
        self.snapshot: Snapshot | None = None
        self.figures: Figures | None = None
        self.sessions_closed: list[SessionClosed] = []
        self.acks: list[int] = []
        self.paused: list[str] | None = None
        self.layers: list[Layers] = []
        self.results: dict[str, Problem | None] = {}
        self.socket_path = ""
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._hangs = False
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave without a word, as a cut line does."""
        if self._ws is not None and not self._hangs:
            await self._ws.close()
        await self.http.close()

    # --- getting in -----------------------------------------------------------------------------

    async def sign_in(self, link: str) -> aiohttp.ClientResponse:
        """Tap a printed sign-in link."""
        code = urlsplit(link).fragment.removeprefix("code=")
        return await self.post("/api/sign-in", encode(SignInRequest(code)))

    async def exchange(self, link: str, path: str | None = None) -> aiohttp.ClientResponse:
        """Tap a site link."""
        parts = urlsplit(link)
        self.socket_path = f"{parts.path}socket"
        body = encode(LinkExchange(parts.fragment.removeprefix("t=")))
        return await self.post(f"{path or parts.path}exchange", body)

    async def post(self, path: str, body: str, **headers: str) -> aiohttp.ClientResponse:
        """POST JSON."""
        sent = {"Content-Type": "application/json", **headers}
        return await self.http.post(URL(path, encoded=True), data=body, headers=sent)

    async def connect(
        self, path: str | None = None, *, standby: bool = False, **headers: str
    ) -> Self:
        """Open the socket, say hello, wait for the snapshot. Raises SocketClosedError."""
        await self.open(path, **headers)
        await self.hello(standby=standby)
        self.snapshot, self.snapshots = None, 0
        while self.snapshot is None:
            await self.read()
        return self

    async def hello(self, *, standby: bool = False) -> None:
        """Say hello and do not wait."""
        await self.send(encode(PageHello(self.page_id, standby)))

    def adopt_cookies(self, other: Page, path: str | None = None) -> None:
        """Be the same browser as `other`; `path` sends its cookies where they do not belong."""
        for cookie in list(other.http.cookie_jar):
            cookie["path"] = path or cookie["path"]
            self.http.cookie_jar.update_cookies({cookie.key: cookie}, URL(self.url))

    @property
    def websocket(self) -> aiohttp.ClientWebSocketResponse:
        """The open socket."""
        assert self._ws is not None
        return self._ws

    def pause_reading(self) -> None:
        """Take nothing more from the line, as a browser that hangs."""
        connection = self.websocket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()  # type: ignore[attr-defined]
        self._hangs = True

    async def open(self, path: str | None = None, **headers: str) -> None:
        """Open the socket and say nothing."""
        self.socket_path = path or self.socket_path
        self._ws = await self.http.ws_connect(self.socket_path, headers=headers, max_msg_size=2**24)

    # --- talking --------------------------------------------------------------------------------

    async def send(self, text: str) -> None:
        """Send any text frame."""
        assert self._ws is not None
        await self._ws.send_str(text)

    async def send_binary(self, data: bytes) -> None:
        """Send a binary frame."""
        assert self._ws is not None
        await self._ws.send_bytes(data)

    async def watch(self, *sites: str) -> None:
        """Say which sites' thumbnails are wanted."""
        await self.send(encode(Watch([SiteCode(site) for site in sites])))

    async def cue(self, site: str | None) -> None:
        """Say whose microphone is to be heard beside the program."""
        await self.send(encode(Cue(site)))

    async def heartbeat(self) -> None:
        """Send one and wait for its answer; everything sent before has been answered then."""
        n = next(self._ids)
        await self.send(encode(Heartbeat(n)))
        await self.until(lambda: n in self.acks)

    async def command(self, command: PageCommand, command_id: str | None = None) -> Problem | None:
        """Send a command and wait for its result."""
        command_id = command_id or f"command-{self.page_id}-{next(self._ids)}"
        await self.send(encode(CommandMessage(command_id, command)))
        self.results.pop(command_id, None)
        await self.until(lambda: command_id in self.results)
        return self.results[command_id]

    async def until(self, true: Callable[[], bool]) -> None:
        """Read until something holds."""
        while not true():
            await self.read()

    async def closed(self) -> SocketClosedError:
        """Read until the service closes the socket."""
        try:
            while True:
                await self.read()
        except SocketClosedError as error:
            return error

    async def read(self) -> ServerMessage:
        """Read one message and take it in. Raises SocketClosedError."""
        assert self._ws is not None
        frame = await self._ws.receive()
        if frame.type is not WSMsgType.TEXT:
            reason = frame.extra if frame.type is WSMsgType.CLOSE else ""
            code = frame.data if frame.type is WSMsgType.CLOSE else self._ws.close_code
            raise SocketClosedError(code, reason or "")
        message = decode_server_message(frame.data)
        self._take_in(message)
        return message

    def _take_in(self, message: ServerMessage) -> None:
        match message:
            case Snapshot():
                self.snapshot, self.seq, self.rows = message, message.seq, dict(message.rows)
                self.snapshots += 1
            case Patch():
                assert message.seq == self.seq + 1, "a patch is missing"
                self.seq = message.seq
                self.rows.update(message.put)
                for key in message.drop:
                    del self.rows[key]
            case Result():
                self.results[message.id] = message.problem
            case HeartbeatAck():
                self.acks.append(message.n)
            case SessionClosed():
                self.sessions_closed.append(message)
            case Figures():
                self.figures = message
            case Layers():
                self.layers.append(message)
            case Thin(paused=paused):
                self.paused = list(paused)

    # --- doors ----------------------------------------------------------------------------------

    @property
    def doors(self) -> Doors:
        """Of the newest snapshot."""
        assert self.snapshot is not None
        return self.snapshot.doors

    @property
    def port(self) -> Port:
        """Of the newest snapshot."""
        assert self.snapshot is not None
        return self.snapshot.port

    async def offer(self, door: str, offer: str = OFFER, **headers: str) -> aiohttp.ClientResponse:
        """POST an offer to ``/whip`` or ``/whep?…``."""
        sent = {
            "Content-Type": "application/sdp",
            "Authorization": f"Bearer {self.doors.token}",
            **headers,
        }
        return await self.http.post(door, data=offer.encode(), headers=sent)
