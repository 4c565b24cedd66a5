"""A bridge node by hand: speaks the control link, opens sessions without media, keeps tables."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from signaling.wire.codec import decode_signaling_message
from signaling.wire.control import (
    CloseSession,
    ConnectTrunk,
    Done,
    Hello,
    OpenSession,
    OpenTrunk,
    PatchSession,
    Refused,
    Route,
    Routes,
    RoutesHeld,
    SessionEdge,
    SessionInfo,
    SessionOpened,
    SessionPatched,
    SessionStats,
    Stats,
    TableVersion,
    TrunkOffered,
)
from signaling.wire.ids import BootId, NodeId, Port, Scope, SessionId, SlotName, Track
from tests.fakes.dialler import Dialler

Table = dict[tuple[Port, SlotName], tuple[Port, Track]]


class FakeNode(Dialler):
    """One node. `sessions` and `tables` outlive its link, as a real node's do.

    `answers` is False to leave requests unanswered; `refuse` is the code to refuse offers with.
    """

    def __init__(self, node: str = "node-1", boot_id: str = "boot-1") -> None:
        super().__init__("/control")
        self.node = NodeId(node)
        self.boot_id = BootId(boot_id)
        self.sessions: dict[SessionId, SessionInfo] = {}
        self.tables: dict[Scope, tuple[TableVersion, Table]] = {}
        self.speakers: dict[Scope, list[Port]] = {}
        self.opened: list[OpenSession] = []
        self.updates: list[Routes] = []
        self.closed: list[tuple[SessionId, str]] = []
        self.patched: list[PatchSession] = []
        self.connected: list[ConnectTrunk] = []
        self.answers = True
        self.refuse: str | None = None
        self.refuse_params: dict[str, str] = {}
        self._count = 0

    async def connect(self, url: str, token: str) -> Self:
        """Dial and say hello."""
        tables = [version for version, _ in self.tables.values()]
        hello = Hello(self.node, self.boot_id, "0", list(self.sessions.values()), tables, "python")
        await self.dial(url, token, hello)
        return self

    async def open_late(self) -> None:
        """Answer the newest offer that was left unanswered."""
        await self._open(self.opened[-1])

    async def edge(self, session: SessionId, state: str, reason: str = "") -> None:
        """Report a session's new state."""
        info = self.sessions[session]
        if state == "closed":
            del self.sessions[session]
        else:
            self.sessions[session] = msgspec.structs.replace(info, state=state)
        await self.send(
            SessionEdge(
                session,
                info.scope,
                info.port,
                info.direction,
                state,
                reason,
                info.relayed_from,  # type: ignore[arg-type]
            )
        )

    async def report(
        self, *figures: SessionStats, dropped: dict[str, int] | None = None, **more: Any
    ) -> None:
        """Send statistics; `more` are further fields of `Stats`."""
        tables = [version for version, _ in self.tables.values()]
        counts = {"stun_integrity": 0} if dropped is None else dropped
        await self.send(
            Stats(0.0, 1.0, 0.001, 10, 20, 3000, 6000, counts, list(figures), tables, **more)
        )

    def table(self, scope: str) -> Table:
        """The routes that the node holds for a scope."""
        held = self.tables.get(Scope(scope))
        return held[1] if held is not None else {}

    def of_port(self, port: str, direction: str) -> list[SessionInfo]:
        """The sessions of a port."""
        wanted = (port, direction)
        return [one for one in self.sessions.values() if (one.port, one.direction) == wanted]

    async def receive(self, frame: str) -> None:
        """See `Dialler`."""
        message = decode_signaling_message(frame)
        if self.answers:
            match message:
                case OpenSession():
                    await self._open(message)
                case PatchSession():
                    await self._patch(message)
                case OpenTrunk():
                    await self._open_trunk(message)
                case ConnectTrunk():
                    self.connected.append(message)
                    await self.send(Done(message.request))
                    await self.edge(message.session, "connected")
                case CloseSession():
                    await self._close(message)
                case Routes():
                    await self._apply(message)
        elif isinstance(message, OpenSession):
            self.opened.append(message)
        elif isinstance(message, CloseSession):
            self.closed.append((message.session, message.reason))

    async def _open(self, message: OpenSession) -> None:
        self.opened.append(message)
        if self.refuse is not None:
            await self.send(
                Refused(message.request, self.refuse, "by the test", self.refuse_params)
            )
            return
        self._count += 1
        session = SessionId(f"{self.boot_id}-{self._count}")
        self.sessions[session] = SessionInfo(
            session,
            message.scope,
            message.port,
            message.direction,
            "connecting",
            message.slots,
            message.shared,
        )
        await self.send(SessionOpened(message.request, session, "v=0\r\n"))

    async def _patch(self, message: PatchSession) -> None:
        self.patched.append(message)
        if self.refuse is not None:
            await self.send(Refused(message.request, self.refuse, "by the test"))
            return
        restarts = "*" in message.if_match
        told = ("second", "a=ice-lite\r\n") if restarts else ("first", None)
        await self.send(SessionPatched(message.request, *told))

    async def _open_trunk(self, message: OpenTrunk) -> None:
        self._count += 1
        session = SessionId(f"{self.boot_id}-{self._count}")
        self.sessions[session] = SessionInfo(
            session,
            message.scope,
            message.port,
            "publish",
            "connecting",
            relayed_from=message.source,
        )
        await self.send(TrunkOffered(message.request, session, f"offer of {session}"))

    async def _close(self, message: CloseSession) -> None:
        self.closed.append((message.session, message.reason))
        info = self.sessions.pop(message.session, None)
        await self.send(Done(message.request))
        if info is not None:
            await self.send(
                SessionEdge(
                    message.session, info.scope, info.port, info.direction, "closed", message.reason
                )
            )

    async def _apply(self, message: Routes) -> None:
        self.updates.append(message)
        held = self.tables.get(message.scope)
        epoch, revision = (held[0].epoch, held[0].revision) if held is not None else (0, 0)
        fits = message.base is None or (message.epoch, message.base) == (epoch, revision)
        if message.epoch >= epoch and fits:
            table = dict(held[1]) if held is not None and message.base is not None else {}
            for gone in message.drop:
                table.pop((gone.port, gone.slot), None)
            for route in message.put:
                table[(route.port, route.slot)] = _source(route)
            epoch, revision = message.epoch, message.revision
            self.speakers[message.scope] = message.speakers
            self.tables[message.scope] = (TableVersion(message.scope, epoch, revision), table)
        await self.send(RoutesHeld(message.request, message.scope, epoch, revision))


def _source(route: Route) -> tuple[Port, Track]:
    return route.source, route.track
