"""The control link to one bridge node: requests and their replies, and what runs while it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

import structlog

from signaling.routetable import RouteTable
from signaling.wire.codec import encode
from signaling.wire.control import (
    CloseSession,
    ConnectTrunk,
    Done,
    NodeMessage,
    OpenSession,
    OpenTrunk,
    PatchSession,
    Refused,
    Routes,
    RoutesHeld,
    SessionOpened,
    SessionPatched,
    SignalingMessage,
    Stats,
    TrunkOffered,
)
from signaling.wire.errors import ERRORS, WireError
from signaling.wire.ids import NodeId, Scope

REPLY_TIMEOUT_S = 5.0
"""How long a node may take to answer a request."""
UNANSWERED = 3
"""So many requests without a reply, each sent after the one before had timed out, end a link."""

Send = Callable[[str], Awaitable[None]]

log = structlog.get_logger("signaling.nodes")


@dataclass(slots=True, eq=False)
class Link:
    """One control link. `tables` are those that signaling keeps in step on this node; `load_ratio`
    is the share of one core that it used between its last two reports, None before;
    `packets_per_s` is what it read and sent meanwhile. It takes `max_sessions`, if it says so."""

    node: NodeId
    boot_id: str
    version: str
    send: Send
    close: Callable[[str], Awaitable[None]]
    stats: Stats | None = None
    stats_at: float = 0.0
    load_ratio: float | None = None
    packets_per_s: float = 0.0
    max_sessions: int | None = None
    tables: dict[Scope, RouteTable] = field(default_factory=dict)
    held_before: frozenset[Scope] = frozenset()
    waiting: dict[int, asyncio.Future[NodeMessage]] = field(default_factory=dict)
    last_request: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    unanswered: int = 0
    packet_path: str = ""
    _counted_to: int = 0
    _giving_up: asyncio.Task[None] | None = None

    def reported(self, stats: Stats, now: float) -> None:
        """The node's figures have come; `now` is monotonic seconds."""
        before = self.stats
        if before is not None and stats.at > before.at:
            passed_s = stats.at - before.at
            self.load_ratio = max(0.0, stats.cpu_s - before.cpu_s) / passed_s
            packets = stats.packets_in + stats.packets_out - before.packets_in - before.packets_out
            self.packets_per_s = max(0, packets) / passed_s
        self.stats, self.stats_at = stats, now

    def next_request(self) -> int:
        """A request id that this link has not used."""
        self.last_request += 1
        return self.last_request

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something for as long as the link lives."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def request(
        self,
        message: OpenSession | PatchSession | CloseSession | OpenTrunk | ConnectTrunk | Routes,
        timeout_s: float,
    ) -> NodeMessage:
        """Ask, and wait for the reply. Raises WireError ``bridge_timeout``, ``no_bridge``, or what
        the node refused it with."""
        reply: asyncio.Future[NodeMessage] = asyncio.get_running_loop().create_future()
        self.waiting[message.request] = reply
        try:
            async with asyncio.timeout(timeout_s):
                await self.tell(message)
                answer = await reply
        except TimeoutError:
            self._timed_out(message.request)
            detail = f"node {self.node}: no reply in {timeout_s:g} s"
            raise WireError("bridge_timeout", detail) from None
        finally:
            self.waiting.pop(message.request, None)
        if isinstance(answer, Refused):
            known = answer.code if answer.code in ERRORS else "internal"
            raise WireError(known, answer.detail, **answer.params)
        return answer

    async def tell(self, message: SignalingMessage) -> None:
        """Send without waiting for a reply. Raises WireError ``no_bridge``."""
        try:
            await self.send(encode(message))
        except (ConnectionError, RuntimeError):
            raise WireError("no_bridge", f"node {self.node}: the link broke") from None

    def replied(
        self,
        message: SessionOpened | SessionPatched | TrunkOffered | Done | RoutesHeld | Refused,
    ) -> None:
        """The node's reply to one of the requests."""
        self.unanswered = 0
        waiting = self.waiting.get(message.request)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        elif isinstance(message, SessionOpened | TrunkOffered):
            # its client has been told that nothing came of it
            late = CloseSession(self.next_request(), message.session, "late")
            self.spawn(self.tell(late))

    def _timed_out(self, request: int) -> None:
        if request <= self._counted_to:
            # it was under way together with one that counts
            return
        self.unanswered += 1
        self._counted_to = self.last_request
        if self.unanswered < UNANSWERED or self._giving_up is not None:
            return
        log.warning(
            "node does not answer, closing its link",
            node=self.node,
            unanswered=self.unanswered,
            next_step="it keeps forwarding and dials in again",
        )

        async def give_up() -> None:
            await self.close("bridge_timeout")

        # no task of the link's life, which it ends
        self._giving_up = asyncio.create_task(give_up())

    def abandon(self) -> None:
        """The link is over: requests under way fail with ``no_bridge``."""
        for waiting in self.waiting.values():
            if not waiting.done():
                waiting.set_exception(WireError("no_bridge", f"node {self.node}: the link broke"))
        for task in list(self.tasks):
            task.cancel()
