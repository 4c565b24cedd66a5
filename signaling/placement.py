"""Which node takes a new session. Pure.

The ladder: the node that has the port's other session already, so that a site's two streams share
a way; else the one with the fewest sessions. Several nodes of one conference are bound together by
trunks, so each may take any session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from signaling.sessions import Session
from signaling.wire.ids import NodeId, Port, Scope


def place(
    scope: Scope, port: Port, nodes: Sequence[NodeId], sessions: Iterable[Session]
) -> NodeId | None:
    """One of `nodes`, those that are connected, in the order in which they came; None if there are
    none. `sessions` are all that are known, of every scope."""
    counts: Counter[NodeId] = Counter()
    home: NodeId | None = None
    for session in sessions:
        counts[session.node] += 1
        if (session.scope, session.port) == (scope, port) and session.relayed_from is None:
            home = session.node
    if home in nodes:
        return home
    return min(nodes, key=lambda node: counts[node], default=None)
