"""A media session as signaling knows it; the bridge is the only truth about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from signaling.wire.control import SessionState, SessionStats
from signaling.wire.ids import DeviceId, Direction, NodeId, Port, Scope, SessionId, SlotName


@dataclass(slots=True)
class Session:
    """A WHIP or WHEP resource on a node. `device` is None when another run of this service
    opened it, or when it is no site's. `closing` while its node is asked to close it; `told` once a
    try that failed has been logged; `shared` if it is one of several players of its port.
    `relayed_from` is the node that a trunk brings its port from."""

    node: NodeId
    session: SessionId
    scope: Scope
    port: Port
    direction: Direction
    state: SessionState
    slots: frozenset[SlotName]
    device: DeviceId | None = None
    stats: SessionStats | None = None
    closing: bool = False
    told: bool = False
    shared: bool = False
    relayed_from: NodeId | None = None


def newest(sessions: Iterable[Session]) -> list[Session]:
    """Per scope, port and direction the session that counts: the newest connected one, else the
    newest; players that share a port never do. `sessions` come oldest first."""
    best: dict[tuple[str, str, str], Session] = {}
    for session in sessions:
        if session.shared:
            continue
        key = (session.scope, session.port, session.direction)
        held = best.get(key)
        if held is None or session.state == "connected" or held.state != "connected":
            best[key] = session
    return list(best.values())
