"""The bridge's link to signaling: dials, says hello, obeys, reports."""

from __future__ import annotations

import asyncio
import importlib.metadata
import secrets
from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.dialling import Dialling, socket_uri
from bridge.hotpath_choice import PacketPath
from bridge.ice import Candidate
from bridge.mediasocket import MediaAddress
from bridge.node import Node
from signaling.wire.codec import decode_signaling_message, encode
from signaling.wire.control import Hello, NodeMessage
from signaling.wire.errors import WireError
from signaling.wire.ids import BootId, NodeId

STATS_INTERVAL_S = 1.0
MAX_OUTBOX = 2000
"""Messages that wait for a slow signaling. Beyond, the link is dropped: hello tells it all anew."""


async def run_node(
    *,
    node_id: str,
    signaling_url: str,
    token: str,
    announce: Sequence[tuple[str, int] | MediaAddress],
    max_sessions: int = 400,
    packet_path: PacketPath = "auto",
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
        packet_path: as `Node` takes it.
        on_listening: called once with the bound addresses.

    Raises:
        NotBuiltError: the compiled packet path is wanted and was not built.
        OSError: an address cannot be bound.
        ValueError: `signaling_url` has another scheme.
    """
    uri = socket_uri(signaling_url, "/control")
    node = Node(announce, max_sessions, packet_path=packet_path)
    log = structlog.get_logger("bridge").bind(node=node_id)
    try:
        log.info(
            "listening", candidates=_listed(node.candidates), signaling=uri,
            packet_path=node.packet_path,
        )  # fmt: skip
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
        self._boot_id = BootId(secrets.token_hex(8))
        self._log = structlog.get_logger("bridge").bind(node=node_id)
        self._loop = asyncio.get_running_loop()
        self._dialling = Dialling(
            *(uri, token, self._talk, self._log, "control link"),
            if_refused="correct the node token",
            meanwhile="dialling again, forwarding on",
        )
        self._outbox: asyncio.Queue[str] | None = None
        node.on_edge = self._put
        node.on_layers = self._put

    async def run(self) -> NoReturn:
        """Dial and serve for ever."""
        await self._dialling.run()

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
                self._node.packet_path,
                self._node.max_sessions,
            )
        )
        for wanted in self._node.layers_wanted():
            self._put(wanted)
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
                next_step="dropped; are both sides of the same version?",
            )  # fmt: skip
            return
        self._put(self._node.handle(message))

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
                try:
                    self._put(await self._node.report())
                except Exception as error:
                    # without figures every site looks lost, so the next ones are taken all the same
                    message = "figures were not taken"
                    self._loop.call_exception_handler({"message": message, "exception": error})


def _listed(candidates: Sequence[Candidate]) -> list[str]:
    return [f"{one.transport} {one.host} {one.port}" for one in candidates]
