"""Which node takes a new session."""

from __future__ import annotations

from itertools import count

from signaling.placement import SESSION_PACKETS_PER_S, STEP_PACKETS_PER_S, NodeLoad, place
from signaling.sessions import Session
from signaling.wire.control import SessionStats
from signaling.wire.ids import NodeId, Port, Scope, SessionId

A, B, C = NodeId("a"), NodeId("b"), NodeId("c")
NEW = Scope("s"), Port("48/main")
ids = count()


def session(node, port="1", *, relayed_from=None, reported=True):
    made = SessionId(str(next(ids)))
    stats = SessionStats(made, Scope("s"), Port(port), "publish", "connected") if reported else None
    return Session(
        node, made, Scope("s"), Port(port), "publish", "connected", frozenset(),
        stats=stats, relayed_from=relayed_from,
    )  # fmt: skip


def idle(*nodes):
    return [NodeLoad(node) for node in nodes]


def test_a_port_stays_on_its_node_however_loaded():
    sessions = [session(B, "48/main"), session(B), session(A, "48/main", relayed_from=B)]
    nodes = [NodeLoad(A), NodeLoad(B, 60_000.0, 2)]

    assert place(*NEW, nodes, sessions) == B
    assert place(Scope("other"), Port("48/main"), nodes, sessions) == A


def test_a_new_port_goes_where_least_is_carried_whoever_has_more_sessions():
    sessions = [session(A), session(A), session(A), session(B)]

    assert place(*NEW, [NodeLoad(A, 1_000.0), NodeLoad(B, 40_000.0)], sessions) == A


def test_of_nodes_that_carry_about_the_same_the_fewest_sessions_count():
    sessions = [session(A), session(A), session(B)]
    little = STEP_PACKETS_PER_S / 2

    assert place(*NEW, [NodeLoad(A), NodeLoad(B, little)], sessions) == B
    assert place(*NEW, idle(A, B, C), sessions) == C


def test_sessions_that_no_report_has_counted_yet_count_as_load():
    busy = NodeLoad(A, 3 * STEP_PACKETS_PER_S)
    come = [session(B, reported=False) for _ in range(100)]
    enough = int(4 * STEP_PACKETS_PER_S / SESSION_PACKETS_PER_S) + 1

    assert place(*NEW, [busy, NodeLoad(B)], come[:5]) == B
    assert place(*NEW, [busy, NodeLoad(B)], come[:enough]) == A


def test_a_full_node_takes_nobody_while_another_has_room():
    full = NodeLoad(A, 0.0, 1)

    assert place(*NEW, [full, NodeLoad(B, 50_000.0, 400)], [session(A)]) == B
    assert place(*NEW, [full], [session(A)]) == A


def test_a_port_whose_node_is_gone_goes_elsewhere():
    assert place(*NEW, idle(A), [session(B, "48/main")]) == A
    assert place(*NEW, [], [session(B, "48/main")]) is None
