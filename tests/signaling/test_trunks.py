"""Which trunks the sessions of a scope need, and what flows in them."""

from __future__ import annotations

from itertools import count

from signaling.sessions import Session
from signaling.trunks import Trunk, is_trunk, node_of, routes, wanted
from signaling.wire.ids import NodeId, Port, Scope, SessionId, SlotName

A, B, C = NodeId("a"), NodeId("b"), NodeId("c")
ids = count()


def session(node, port, direction="publish", state="connected", relayed_from=None):
    return Session(
        node, SessionId(str(next(ids))), Scope("s"), Port(port), direction, state, frozenset(),
        relayed_from=relayed_from,
    )  # fmt: skip


def test_a_port_is_wanted_on_every_other_node_that_has_receivers():
    sessions = [
        session(A, "48/main"),
        session(A, "48/main", "receive"),
        session(B, "01/main", "receive"),
        session(C, "92/main"),
    ]

    assert wanted(sessions) == {
        Trunk(B, "48/main", A),
        Trunk(A, "92/main", C),
        Trunk(B, "92/main", C),
    }


def test_one_node_needs_no_trunk():
    assert wanted([session(A, "48/main"), session(A, "01/main", "receive")]) == set()


def test_trunks_need_no_trunks():
    trunk = Trunk(B, Port("48/main"), A)
    sessions = [
        session(A, "48/main"),
        session(B, "01/main", "receive"),
        session(B, "48/main", relayed_from=A),
        session(A, trunk.receiver, "receive"),
        session(C, "79/main", "receive"),
    ]

    assert wanted(sessions) == {trunk, Trunk(C, "48/main", A)}
    assert is_trunk(trunk.receiver)
    assert node_of(trunk.receiver) == B


def test_of_a_port_that_has_moved_the_newest_node_counts():
    sessions = [
        session(A, "48/main"),
        session(B, "48/main"),
        session(A, "01/main", "receive"),
    ]

    assert wanted(sessions) == {Trunk(A, "48/main", B)}


def test_a_port_that_is_not_connected_yet_is_not_wanted():
    assert wanted([session(A, "48/main", state="connecting"), session(B, "x", "receive")]) == set()


TRUNK = Trunk(B, Port("48/main"), A)
HOMES = {Port("01/main"): B, Port("00/main"): A}


def of(table, speakers=()):
    """What flows in the trunk: slot → track."""
    table = {(Port(port), SlotName(slot)): (Port(one), track) for port, slot, one, track in table}
    found = routes([TRUNK], table, HOMES, speakers)
    assert {port for port, _ in found} <= {TRUNK.receiver}
    assert {port for port, _ in found.values()} <= {"48/main"}
    return {slot: track for (_, slot), (_, track) in found.items()}


def test_on_a_stage_both_pictures_flow():
    assert of([("01/main", "stage:2", "48/main", "camera")]) == {
        "thumb:1": "camera",
        "stage:1": "camera",
    }


def test_on_a_wall_the_small_picture_flows():
    assert of([("01/main", "thumb:9", "48/main", "camera")]) == {"thumb:1": "camera"}


def test_slides_and_cued_sound_have_slots_of_their_own():
    table = [("01/main", "stage:1", "48/main", "slides"), ("01/main", "cue:1", "48/main", "mic")]

    assert of(table) == {"stage:2": "slides", "floor:1": "mic"}


def test_what_the_source_itself_receives_flows_in_no_trunk():
    assert of([("00/main", "stage:1", "48/main", "camera")]) == {}


def test_what_nobody_receives_does_not_flow():
    assert of([("01/main", "stage:1", "92/main", "camera")]) == {}


def test_open_microphones_flow_to_where_the_floor_is_heard():
    floor = [("01/main", "floor:1", "@floor/1", "mic")]

    assert of(floor, speakers=["48/main"]) == {"floor:1": "mic"}
    assert of(floor, speakers=["92/main"]) == {}
    # a plain player without its mix
    assert of([("01/main", "mix:1", "@floor/1", "mic")], ["48/main"]) == {"floor:1": "mic"}
    assert of([("01/main", "mix:1", "mix/01", "mic")], ["48/main"]) == {}
    assert of([("01/main", "stage:1", "92/main", "camera")], speakers=["48/main"]) == {}
