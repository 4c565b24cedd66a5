"""The bridge's link to signaling: dials, says hello, obeys, reports."""

from __future__ import annotations

import asyncio
import importlib.metadata
import secrets
from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from bridge.ice import Candidate
from bridge.link import ControlLink, Dial, Ended, LinkEvent, Opened, Tick, WentDown, WentUp
from bridge.mediasocket import MediaAddress
from bridge.node import Node
from signaling.wire.codec import MAX_CONTROL_FRAME, decode_signaling_message, encode
from signaling.wire.control import Hello, NodeMessage, SessionEdge
from signaling.wire.errors import WireError
from signaling.wire.ids import BootId, NodeId

STATS_INTERVAL_S = 1.0
OPEN_TIMEOUT_S = 5.0
PING_INTERVAL_S = 2.0
PING_TIMEOUT_S = 6.0
MAX_OUTBOX = 2000
"""Messages that wait for a slow signaling. Beyond, the link is dropped: hello tells it all anew."""
_REFUSALS = (401, 403, 4401, 4403)


async def run_node(
    *,
    node_id: str,
    signaling_url: str,
    token: str,
    announce: Sequence[tuple[str, int] | MediaAddress],
    max_sessions: int = 400,
    on_listening: Callable[[list[tuple[str, int]]], None] = lambda addresses: None,
) -> NoReturn:
    """Run a bridge node until cancelled. Needs a running loop (uvloop saves a third of the cost).

    Forwards whether or not signaling is there, and dials it for ever. Cancelling ends all sessions
    (peers are told), frees the sockets, and closes the link.

    Args:
        node_id: this node's name in session URLs; unique among nodes.
        signaling_url: ``http(s)://`` or ``ws(s)://`` base; ``/control`` is appended.
        token: the node's token, sent as ``Authorization: Bearer``.
        announce: where media come to, as `Node` takes it.
        max_sessions: further ones are refused with ``bridge_full``.
        on_listening: called once with the bound addresses.

    Raises:
        OSError: an address cannot be bound.
        ValueError: `signaling_url` has another scheme.
    """
    uri = _control_uri(signaling_url)
    node = Node(announce, max_sessions)
    log = structlog.get_logger("bridge").bind(node=node_id)
    try:
        log.info("listening", candidates=_listed(node.candidates), signaling=uri)
        on_listening(node.addresses)
        await Control(node, NodeId(node_id), uri, token).run()
    finally:
        node.close()
        log.info("stopped")


class Control:
    """Keeps one link up, hands requests to the node and its replies, edges and figures back."""

    def __init__(self, node: Node, node_id: NodeId, uri: str, token: str) -> None:
        self._node = node
        self._node_id = node_id
        self._uri = uri
        self._headers = {"Authorization": f"Bearer {token}"}
        self._boot_id = BootId(secrets.token_hex(8))
        self._log = structlog.get_logger("bridge").bind(node=node_id)
        self._has_been_up = False
        self._loop = asyncio.get_running_loop()
        self._link = ControlLink(self._loop.time())
        self._outbox: asyncio.Queue[str] | None = None
        node.on_edge = self._edge

    async def run(self) -> NoReturn:
        """Dial and serve for ever."""
        while True:
            if Dial() in self._feed(Tick()):
                await self._serve()
            deadline = self._link.next_deadline()
            if deadline is not None:
                await asyncio.sleep(max(0.0, deadline - self._loop.time()))

    def _feed(self, event: LinkEvent) -> list[object]:
        outputs = self._link.handle(self._loop.time(), event)
        for output in outputs:
            match output:
                case WentUp(down_s):
                    self._has_been_up = True
                    self._log.info("control link up", signaling=self._uri, down_s=round(down_s, 1))
                case WentDown(reason, refused):
                    step = "correct the node token" if refused else "dialling again, forwarding on"
                    # beside `up`, the node is there before signaling listens: nothing is wrong yet
                    expected = not (self._has_been_up or refused)
                    say = self._log.info if expected else self._log.warning
                    say("control link down", signaling=self._uri, reason=reason, next=step)
                case _:
                    pass
        return list(outputs)

    async def _serve(self) -> None:
        """One link from dialling to its end; only cancelling raises."""
        try:
            async with connect(
                self._uri,
                additional_headers=self._headers,
                compression=None,
                max_size=MAX_CONTROL_FRAME,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1.0,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                proxy=None,
            ) as socket:
                self._feed(Opened())
                await self._talk(socket)
            ended = Ended("closed")
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else 1006
            ended = Ended(str(error), code in _REFUSALS)
        except InvalidStatus as error:
            status = error.response.status_code
            ended = Ended(f"answered {status}", status in _REFUSALS)
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as error:
            ended = Ended(f"{type(error).__name__}: {error}")
        self._feed(ended)

    async def _talk(self, socket: ClientConnection) -> None:
        """Hello, then requests in, and replies, edges and figures out, until the link ends."""
        self._outbox = asyncio.Queue(MAX_OUTBOX)
        self._put(
            Hello(
                self._node_id,
                self._boot_id,
                importlib.metadata.version("diemcau"),
                self._node.sessions(),
                self._node.tables(),
            )
        )
        helpers = [
            asyncio.create_task(self._write(socket, self._outbox)),
            asyncio.create_task(self._report(self._outbox)),
        ]
        try:
            async for frame in socket:
                self._obey(frame)
        finally:
            self._outbox = None
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def _obey(self, frame: str | bytes) -> None:
        try:
            message = decode_signaling_message(frame)
        except WireError as error:
            self._log.warning(
                "unreadable control message", code=error.code, detail=error.problem.detail,
                next="dropped; are both sides of the same version?",
            )  # fmt: skip
            return
        self._put(self._node.handle(message))

    def _edge(self, edge: SessionEdge) -> None:
        self._put(edge)

    def _put(self, message: NodeMessage) -> None:
        """Queue a message; nothing without a link, since the next hello tells all."""
        if self._outbox is None:
            return
        try:
            self._outbox.put_nowait(encode(message))
        except asyncio.QueueFull:
            self._outbox = None

    async def _write(self, socket: ClientConnection, outbox: asyncio.Queue[str]) -> None:
        try:
            while self._outbox is outbox:
                await socket.send(await outbox.get())
        except ConnectionClosed:
            return
        await socket.close(1013, "outbox full")

    async def _report(self, outbox: asyncio.Queue[str]) -> None:
        due = self._loop.time()
        while True:
            due = max(due + STATS_INTERVAL_S, self._loop.time())
            await asyncio.sleep(due - self._loop.time())
            if outbox.empty():
                self._put(self._node.stats())


def _control_uri(signaling_url: str) -> str:
    scheme, separator, rest = signaling_url.rstrip("/").partition("://")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if not separator or scheme not in schemes or not rest:
        raise ValueError(f"signaling URL {signaling_url!r}: http, https, ws or wss is expected")
    return f"{schemes[scheme]}://{rest}/control"


def _listed(candidates: Sequence[Candidate]) -> list[str]:
    return [f"{one.transport} {one.host} {one.port}" for one in candidates]
