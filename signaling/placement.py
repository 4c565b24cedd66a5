"""Which node takes a new session. Pure.

The ladder: the node that has the port's other session already, so that a site's two streams share
a way; else, of the nodes that have room, the one that carries least; of those that carry about the
same, the one with the fewest sessions. Several nodes of one conference are bound together by
trunks, so each may take any session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from signaling.sessions import Session
from signaling.wire.ids import NodeId, Port, Scope

SESSION_PACKETS_PER_S = 300.0
"""What a session is taken to bring before its node has reported it: a site's two, both ways, are
600. Without it, all sites that come within a second would go to one node."""
STEP_PACKETS_PER_S = 2_000.0
"""Loads within one step count as the same."""


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """What a connected node says of itself: datagrams a second, in and out, and how many sessions
    it takes (None: it does not say)."""

    node: NodeId
    packets_per_s: float = 0.0
    max_sessions: int | None = None


def place(
    scope: Scope, port: Port, nodes: Sequence[NodeLoad], sessions: Iterable[Session]
) -> NodeId | None:
    """One of `nodes`, those that are connected, in the order in which they came; None if there are
    none. `sessions` are all that are known, of every scope. Where all are full it is one of them,
    which refuses."""
    counts: Counter[NodeId] = Counter()
    unreported: Counter[NodeId] = Counter()
    home: NodeId | None = None
    for session in sessions:
        counts[session.node] += 1
        unreported[session.node] += session.stats is None
        if (session.scope, session.port) == (scope, port) and session.relayed_from is None:
            home = session.node

    def rank(one: NodeLoad) -> tuple[bool, int, int]:
        full = one.max_sessions is not None and counts[one.node] >= one.max_sessions
        load = one.packets_per_s + SESSION_PACKETS_PER_S * unreported[one.node]
        return full, int(load // STEP_PACKETS_PER_S), counts[one.node]

    if home in [one.node for one in nodes]:
        return home
    best = min(nodes, key=rank, default=None)
    return None if best is None else best.node
