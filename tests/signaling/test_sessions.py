"""Which of a port's sessions counts."""

from __future__ import annotations

from dataclasses import replace

from signaling.sessions import Session, newest
from signaling.wire.ids import NodeId, Port, Scope, SessionId

PAGE = Session(
    NodeId("node-1"),
    SessionId("page"),
    Scope("c"),
    Port("48/main"),
    "receive",
    "connected",
    frozenset(),
)


def test_the_newest_connected_session_counts() -> None:
    newer = replace(PAGE, session=SessionId("newer"))
    opening = replace(PAGE, session=SessionId("opening"), state="connecting")
    assert newest([PAGE, newer, opening]) == [newer]
    assert newest([replace(PAGE, state="lost"), opening]) == [opening]


def test_players_that_share_a_port_never_count() -> None:
    player = replace(PAGE, session=SessionId("player"), shared=True)
    assert newest([PAGE, player]) == [PAGE]
    assert newest([player]) == []
