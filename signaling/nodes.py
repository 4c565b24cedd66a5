"""The bridge nodes that have dialled in: their sessions, requests to them, and their route tables.

The bridge is the only truth about sessions. What a node says in `Hello` replaces what was believed
of it; while its link is down its sessions are still believed, because it keeps forwarding.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from signaling import mixes
from signaling.nodelink import REPLY_TIMEOUT_S, Link, Send
from signaling.placement import NodeLoad, place
from signaling.routetable import RouteTable, Table
from signaling.sessions import Session
from signaling.wantedlayers import WantedLayers
from signaling.wire.control import (
    CloseSession,
    ConnectTrunk,
    Done,
    Hello,
    LayersWanted,
    NodeMessage,
    OpenSession,
    OpenTrunk,
    PatchSession,
    Refused,
    Routes,
    RoutesHeld,
    SessionEdge,
    SessionInfo,
    SessionOpened,
    SessionPatched,
    Stats,
    TrunkOffered,
)
from signaling.wire.errors import WireError
from signaling.wire.ids import (
    DeviceId,
    Direction,
    NodeId,
    Port,
    ProgramCodec,
    Scope,
    SessionId,
    SlotName,
)

log = structlog.get_logger("signaling.nodes")


@dataclass(slots=True)
class Listeners:
    """Who is told what of nodes; none of these may block."""

    session_closed: Callable[[Session, str], None]
    sessions_changed: Callable[[Scope], None]
    node_ready: Callable[[NodeId], None]
    node_gone: Callable[[NodeId], None]
    stats: Callable[[NodeId, Stats], None]
    layers_wanted: Callable[[LayersWanted], None]


class Opened(NamedTuple):
    """A session that a node has opened: its SDP answer, and the name of its ICE generation."""

    session: Session
    answer: str
    etag: str


class Nodes:
    """Registry of nodes, sessions and route tables."""

    def __init__(self, listeners: Listeners, reply_timeout_s: float = REPLY_TIMEOUT_S) -> None:
        self._listeners = listeners
        self._reply_timeout_s = reply_timeout_s
        self._links: dict[NodeId, Link] = {}
        self._boots: dict[NodeId, str] = {}
        self._sessions: dict[tuple[NodeId, SessionId], Session] = {}
        self.layers = WantedLayers()

    # --- what is there --------------------------------------------------------------------------

    @property
    def links(self) -> list[Link]:
        """The nodes that are connected."""
        return list(self._links.values())

    def sessions(self, scope: Scope) -> list[Session]:
        """The sessions of a scope, oldest first."""
        return [session for session in self._sessions.values() if session.scope == scope]

    def listening(self, scope: Scope) -> frozenset[Port]:
        """The ports of a scope that take the floor as one stream."""
        return mixes.listeners(self.sessions(scope))

    def all_sessions(self) -> list[Session]:
        """The sessions of every scope, oldest first."""
        return list(self._sessions.values())

    def session(self, node: str, session: str) -> Session:
        """One session. Raises WireError ``not_found``."""
        found = self._sessions.get((NodeId(node), SessionId(session)))
        if found is None:
            raise WireError("not_found", f"no session {session[:64]!r} on node {node[:64]!r}")
        return found

    # --- a link's life --------------------------------------------------------------------------

    async def connected(
        self, hello: Hello, send: Send, close: Callable[[str], Awaitable[None]]
    ) -> Link:
        """A node has said hello. A link that it had before is closed as ``replaced``."""
        older = self._links.get(hello.node)
        link = Link(
            hello.node,
            hello.boot_id,
            hello.version,
            send,
            close,
            held_before=frozenset(version.scope for version in hello.tables),
            packet_path=hello.packet_path[:16],
            max_sessions=hello.max_sessions,
        )
        self._links[hello.node] = link
        if older is not None:
            older.abandon()
            await older.close("replaced")
        known = self._boots.get(hello.node)
        self._boots[hello.node] = hello.boot_id
        log.info(
            "node connected",
            node=hello.node,
            version=hello.version,
            packet_path=hello.packet_path,
            sessions=len(hello.sessions),
            restarted=known is not None and known != hello.boot_id,
        )
        self.layers.forget_node(hello.node)
        self._adopt(hello, "node_restarted" if known != hello.boot_id else "closed")
        self._listeners.node_ready(hello.node)
        return link

    def disconnected(self, link: Link) -> None:
        """The link is closed; requests under way fail with ``no_bridge``."""
        link.abandon()
        if self._links.get(link.node) is link:
            del self._links[link.node]
            log.warning(
                "node disconnected",
                node=link.node,
                next_step="it keeps forwarding and dials in again",
            )
            self._listeners.node_gone(link.node)

    def received(self, link: Link, message: NodeMessage, now: float) -> None:
        """One message of a node; `now` is monotonic seconds."""
        match message:
            case Hello():
                raise WireError("bad_message", "hello again on the same link")
            case SessionEdge():
                self._edge(link, message)
            case Stats():
                self._stats(link, message, now)
            case LayersWanted():
                if self._publishes(message.scope, message.port, link.node):
                    self.layers.heard(link.node, message)
                    self._listeners.layers_wanted(message)
            case (
                SessionOpened()
                | SessionPatched()
                | TrunkOffered()
                | Done()
                | RoutesHeld()
                | Refused()
            ):
                link.replied(message)

    # --- requests -------------------------------------------------------------------------------

    async def open_session(
        self,
        scope: Scope,
        port: Port,
        direction: Direction,
        offer: str,
        slots: list[SlotName],
        device: DeviceId | None = None,
        codec: ProgramCodec = "VP8",
        *,
        shared: bool = False,
        node: NodeId | None = None,
    ) -> Opened:
        """Have a node answer an offer; `placement` decides which, unless one is named. `shared`
        lets it live beside others of its port.

        Raises:
            WireError: ``no_bridge``, ``bridge_timeout``, or what the node refused it with.
        """
        if node is None:
            loads = [NodeLoad(one.node, one.packets_per_s, one.max_sessions) for one in self.links]
            node = place(scope, port, loads, self._sessions.values())
        link = self._link(node)
        request = link.next_request()
        message = OpenSession(request, scope, port, direction, offer, slots, codec, shared)
        reply = await link.request(message, self._reply_timeout_s)
        if not isinstance(reply, SessionOpened):
            raise WireError("internal", f"node {link.node} answered {type(reply).__name__}")
        key = (link.node, reply.session)
        if key not in self._sessions:
            # the edge may have come before the reply
            self._sessions[key] = Session(
                link.node, reply.session, scope, port, direction, "connecting", frozenset()
            )
        session = self._sessions[key]
        session.slots = frozenset(slots)
        session.device = device
        session.shared = shared
        self._listeners.sessions_changed(scope)
        return Opened(session, reply.answer, reply.etag or reply.session)

    async def patch_session(
        self, session: Session, fragment: str, if_match: list[str]
    ) -> SessionPatched:
        """Pass an SDP fragment on to the session's node.

        Raises:
            WireError: ``no_bridge``, ``bridge_timeout``, or what the node refused it with.
        """
        link = self._links.get(session.node)
        if link is None:
            raise WireError("no_bridge", f"node {session.node} is away")
        message = PatchSession(link.next_request(), session.session, fragment, if_match)
        reply = await link.request(message, self._reply_timeout_s)
        if not isinstance(reply, SessionPatched):
            raise WireError("internal", f"node {link.node} answered {type(reply).__name__}")
        return reply

    async def open_trunk(
        self, node: NodeId, scope: Scope, port: Port, source: NodeId
    ) -> tuple[Session, str]:
        """Have a node offer to take a port from another one; returns its session and the offer.

        Raises:
            WireError: ``no_bridge``, ``bridge_timeout``, or what the node refused it with.
        """
        link = self._link(node)
        message = OpenTrunk(link.next_request(), scope, port, source)
        reply = await link.request(message, self._reply_timeout_s)
        if not isinstance(reply, TrunkOffered):
            raise WireError("internal", f"node {node} answered {type(reply).__name__}")
        session = self._sessions.setdefault(
            (node, reply.session),
            Session(node, reply.session, scope, port, "publish", "connecting", frozenset()),
        )
        session.relayed_from = source
        return session, reply.offer

    async def connect_trunk(self, trunk: Session, answer: str) -> None:
        """Hand a trunk the answer of its source. Raises WireError as `open_trunk`."""
        link = self._link(trunk.node)
        message = ConnectTrunk(link.next_request(), trunk.session, answer)
        await link.request(message, self._reply_timeout_s)

    async def close_session(self, session: Session, reason: str) -> None:
        """End a session; one whose node is away is ended when the node is back. Never raises."""
        link = self._links.get(session.node)
        if link is None:
            return
        message = CloseSession(link.next_request(), session.session, reason)
        session.closing = True
        try:
            await link.request(message, self._reply_timeout_s)
        except WireError as error:
            if not session.told:
                session.told = True
                log.warning("session not closed", session=session.session, reason=str(error))
            return
        finally:
            session.closing = False
        self._remove(session, reason)

    def close_later(self, session: Session, reason: str) -> None:
        """As `close_session`, without waiting for it."""
        link = self._links.get(session.node)
        if link is not None:
            link.spawn(self.close_session(session, reason))

    def _link(self, node: NodeId | None) -> Link:
        link = self._links.get(node) if node is not None else None
        if link is None:
            raise WireError("no_bridge")
        return link

    # --- routes ---------------------------------------------------------------------------------

    def want_routes(
        self, scope: Scope, epoch: int, table: Table, speakers: tuple[Port, ...] = ()
    ) -> None:
        """Bring every node that has to do with the scope to this table and these open microphones,
        now and after any loss."""
        holding = {session.node for session in self.sessions(scope)}
        for link in self.links:
            held = link.tables.get(scope)
            if held is None or held.epoch != epoch:
                if link.node not in holding and scope not in link.held_before and not table:
                    continue
                held_before = scope in link.held_before or held is not None
                link.tables[scope] = RouteTable(scope, epoch, held_before=held_before)
            here = link.node in holding
            link.tables[scope].want(table if here else {}, speakers if here else ())
            self._push(link, link.tables[scope])

    def _push(self, link: Link, table: RouteTable) -> None:
        update = table.update(link.last_request + 1)
        if update is not None:
            link.next_request()
            link.spawn(self._send_routes(link, table, update))

    async def _send_routes(self, link: Link, table: RouteTable, update: Routes) -> None:
        try:
            reply = await link.request(update, self._reply_timeout_s)
        except WireError as error:
            # the next report of the node tries again
            table.failed()
            log.warning("routes not applied", node=link.node, reason=str(error))
            return
        if not isinstance(reply, RoutesHeld):
            table.failed()
            return
        table.answered(reply.epoch, reply.revision)
        if table.outranked_by is not None:
            log.error(
                "node obeys a newer owner", node=link.node, scope=table.scope, epoch=table.epoch
            )
        self._push(link, table)

    # --- inside ---------------------------------------------------------------------------------

    def _edge(self, link: Link, edge: SessionEdge) -> None:
        key = (link.node, edge.session)
        session = self._sessions.get(key)
        if edge.state == "closed":
            if session is not None:
                self._remove(session, edge.reason or "closed")
            return
        if session is None:
            self._sessions[key] = Session(
                link.node,
                edge.session,
                edge.scope,
                edge.port,
                edge.direction,
                edge.state,
                frozenset(),
                relayed_from=edge.relayed_from,
            )
            return
        session.state = edge.state
        self._listeners.sessions_changed(session.scope)

    def _stats(self, link: Link, stats: Stats, now: float) -> None:
        link.reported(stats, now)
        for figures in stats.sessions:
            session = self._sessions.get((link.node, figures.session))
            if session is not None:
                session.stats = figures
        held = {version.scope: (version.epoch, version.revision) for version in stats.tables}
        for scope, table in list(link.tables.items()):
            if table.idle and scope not in held:
                # an empty table is forgotten on the node once its last session has gone
                del link.tables[scope]
                continue
            table.reported(held.get(scope))
            self._push(link, table)
        self._listeners.stats(link.node, stats)

    def _adopt(self, hello: Hello, reason: str) -> None:
        told = {info.session for info in hello.sessions}
        mine = [session for session in self._sessions.values() if session.node == hello.node]
        gone = [session for session in mine if session.session not in told]
        # all of it before anybody is told: half a truth would have trunks opened for who is gone
        for session in gone:
            del self._sessions[(session.node, session.session)]
        for info in hello.sessions:
            self._sessions[(hello.node, info.session)] = self._adopted(hello.node, info)
        self._tell_gone(gone, reason)

    def _adopted(self, node: NodeId, info: SessionInfo) -> Session:
        known = self._sessions.get((node, info.session))
        return Session(
            node,
            info.session,
            info.scope,
            info.port,
            info.direction,
            info.state,
            frozenset(info.slots),
            device=known.device if known is not None else None,
            told=known.told if known is not None else False,
            shared=info.shared,
            relayed_from=info.relayed_from,
        )

    def _remove(self, session: Session, reason: str) -> None:
        if self._sessions.pop((session.node, session.session), None) is not None:
            self._tell_gone([session], reason)

    def _tell_gone(self, gone: list[Session], reason: str) -> None:
        for session in gone:
            if session.direction == "publish" and not self._publishes(session.scope, session.port):
                self.layers.forget_port(session.scope, session.port)
            self._listeners.session_closed(session, reason)
        for scope in dict.fromkeys(session.scope for session in gone):
            self._listeners.sessions_changed(scope)

    def _publishes(self, scope: Scope, port: Port, node: NodeId | None = None) -> bool:
        """Whether the port itself is on this node, or on any; where a trunk brings it does not
        count."""
        return any(
            (one.scope, one.port, one.direction) == (scope, port, "publish")
            and one.relayed_from is None
            and node in (None, one.node)
            for one in self._sessions.values()
        )
