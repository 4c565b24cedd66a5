"""One page's WebSocket: reads frames, runs their commands, sends what the outbox holds.

Every refusal of a socket closes it with the code of `signaling.wire.errors`, the error code itself
being the close reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

import structlog
from aiohttp import WSMsgType, web

from signaling.clock import Clock
from signaling.conference.commands import Actor
from signaling.limits import PAGE_FRAMES, Bucket
from signaling.outbox import Outbox
from signaling.owner import Owner
from signaling.view import View, view
from signaling.wire.codec import MAX_PAGE_FRAME, decode_page_message, encode
from signaling.wire.errors import ERRORS, Problem, WireError
from signaling.wire.figures import Figures
from signaling.wire.ids import CommandId, PageId, Port, SiteCode, SlotName
from signaling.wire.pages import (
    HELLO_TIMEOUT_S,
    CommandMessage,
    Cue,
    Doors,
    Heartbeat,
    HeartbeatAck,
    Layers,
    PageHello,
    PageMessage,
    Report,
    Result,
    SessionClosed,
    Snapshot,
    Thin,
    Watch,
)
from signaling.wishes import Wishes

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
REFUSED = 4403
CLOSE_TIMEOUT_S = 2.0
PING_S = 15.0

log = structlog.get_logger("signaling.socket")


@dataclass(frozen=True, slots=True)
class SocketTimings:
    """Seconds. `hello_s`: for the first frame; `silence_s`: between two frames, before the socket
    counts as dead; `stuck_s`: for one message to leave, before the page counts as a slow reader."""

    hello_s: float = HELLO_TIMEOUT_S
    silence_s: float = 90.0
    stuck_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Whom a page's frames concern: `frame` is called for each, `wishes` when it wants to see or
    hear something else, `report` with its own statistics."""

    frame: Callable[[], None]
    wishes: Callable[[], None]
    report: Callable[[Report], None]


class ClosedByPeer(Exception):  # noqa: N818 - not an error
    """The page has closed its socket, or its line broke."""


class PageSocket:
    """A page that has been let in. `serve` runs it; the hub feeds it.

    `admit` raises WireError once the sign-in or link that opened the page does not hold any more.
    `jti` is that link's id, `sign_in` that sign-in's.
    """

    def __init__(
        self,
        request: web.Request,
        ws: web.WebSocketResponse,
        owner: Owner,
        actor: Actor,
        clock: Clock,
        timings: SocketTimings,
        admit: Callable[[], Awaitable[None]],
    ) -> None:
        self.owner = owner
        self.actor = actor
        self.page = PageId("")
        self.port = Port("")
        self.wishes = Wishes()
        self.standby = False
        self.left = False
        self.closing = False
        self.jti: str | None = None
        self.sign_in: bytes | None = None
        self.admit = admit
        self.account = ""
        self._request = request
        self._ws = ws
        self._clock = clock
        self._timings = timings
        self._outbox = Outbox(self._view)
        self._paused: list[SlotName] = []
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._frames = Bucket(PAGE_FRAMES, clock.monotonic())

    async def hello(self) -> PageHello:
        """The first frame. Raises WireError ``hello_expected`` and those of a bad frame."""
        try:
            message = await self._read(self._timings.hello_s)
        except TimeoutError:
            raise WireError("hello_expected") from None
        if not isinstance(message, PageHello):
            raise WireError("hello_expected", f"the first frame was {type(message).__name__}")
        return message

    async def serve(self, doors: Doors, heard: Heard) -> None:
        """Send the snapshot, then run until the page goes.

        Raises WireError when the page breaks the protocol, and ClosedByPeer.
        """
        state = self.owner.current()
        seq, rows = self._outbox.opening()
        site = self.actor.site
        name = state.seats[site].site.name if site is not None else self.account
        snapshot = Snapshot(seq, self.actor.role, site, name, self.port, doors, rows, self.standby)
        writer = asyncio.create_task(self._write(encode(snapshot)))
        try:
            await self._serve(heard)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def close(self, code: str) -> None:
        """Close with an error code as the reason; one that has no close code says ``forbidden``."""
        await self._close(ERRORS[code].close or REFUSED, code)

    async def supersede(self) -> None:
        """The same page has connected anew; its older connection ends without a reason."""
        await self._close(NORMAL_CLOSURE, "")

    async def go_away(self) -> None:
        """Nothing was heard for too long."""
        await self._close(GOING_AWAY, "")

    def changed(self) -> None:
        """The conference changed."""
        self._outbox.changed()
        self._ready.set()

    def show(self, figures: Figures) -> None:
        """New figures, already narrowed to what this page may see."""
        self._outbox.figures(figures)
        self._ready.set()

    def thin(self, paused: Collection[SlotName]) -> None:
        """The pictures that this page's line has no room for; it is told if that is news."""
        now = sorted(paused)
        if now != self._paused:
            self._paused = now
            self._outbox.thin(Thin(now))
            self._ready.set()

    def watched(self, layers: Layers) -> None:
        """These layers of a track of this page's are watched."""
        self._outbox.layers(layers)
        self._ready.set()

    def notify(self, notice: SessionClosed) -> None:
        """One of this page's sessions has ended."""
        if not self._outbox.full:
            self._add(notice)

    def _view(self) -> View:
        return view(self.owner.current(), self.actor.role, self.actor.site)

    async def _serve(self, heard: Heard) -> None:
        while True:
            try:
                message = await self._read(self._timings.silence_s)
            except TimeoutError:
                await self.go_away()
                raise ClosedByPeer from None
            heard.frame()
            match message:
                case PageHello():
                    raise WireError("bad_message", "hello came twice")
                case Heartbeat(n=n):
                    await self._reply(HeartbeatAck(n))
                case Watch(sites=sites):
                    self.wishes = replace(self.wishes, watch=tuple(map(SiteCode, sites)))
                    heard.wishes()
                case Cue(site=site):
                    cue = None if site is None else SiteCode(site)
                    self.wishes = replace(self.wishes, cue=cue)
                    heard.wishes()
                case Report():
                    heard.report(message)
                case CommandMessage():
                    await self._reply(await self._command(message))

    async def _command(self, message: CommandMessage) -> Result:
        problem: Problem | None = None
        try:
            await self.owner.submit(message.command, self.actor, message.id)
        except WireError as error:
            problem = error.problem
        return Result(CommandId(message.id), problem)

    async def _read(self, timeout_s: float) -> PageMessage:
        frame = await self._ws.receive(timeout=timeout_s)
        if frame.type is WSMsgType.BINARY:
            raise WireError("binary_frame")
        if frame.type is not WSMsgType.TEXT:
            raise ClosedByPeer
        if not self._frames.take(self._clock.monotonic()):
            raise WireError("rate_limited")
        text: str = frame.data
        if len(text) <= MAX_PAGE_FRAME:
            return decode_page_message(text.encode())
        raise WireError("too_large", f"{len(text)} characters, at most {MAX_PAGE_FRAME} bytes")

    async def _reply(self, reply: Result | HeartbeatAck) -> None:
        while self._outbox.full:
            self._room.clear()
            await self._room.wait()
        self._add(reply)

    def _add(self, reply: Result | HeartbeatAck | SessionClosed) -> None:
        self._outbox.add(reply)
        self._ready.set()

    async def _write(self, snapshot: str) -> None:
        try:
            await self._send(snapshot)
            while True:
                await self._ready.wait()
                self._ready.clear()
                while (message := self._outbox.next()) is not None:
                    self._room.set()
                    await self._send(encode(message))
        except TimeoutError:
            log.warning("page reads too slowly, closing", port=self.port, actor=self.actor.name)
            await self._cut_off()
        except (ConnectionError, RuntimeError):
            # the reader sees the end too, and cleans up
            self._abort()

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(self._timings.stuck_s):
            await self._ws.send_str(text)

    async def _cut_off(self) -> None:
        code = ERRORS["slow_reader"].close
        assert code is not None
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._ws.close(code=code, message=b"slow_reader", drain=False)
        except (TimeoutError, ConnectionError, RuntimeError):
            log.debug("slow reader did not close", port=self.port)
        self._abort()

    async def _close(self, number: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._ws.close(code=number, message=reason.encode())
        except (TimeoutError, ConnectionError, RuntimeError):
            self._abort()

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
