"""Routes from a position of the floor, over all scopes."""

from bridge.floors import Floors
from bridge.routes import Origin
from bridge.speakers import JUDGE_S
from signaling.wire.ids import Port, Scope
from signaling.wire.ports import floor_port

A, B = Scope("a"), Scope("b")
LISTENER = Port("op/1")


def _mic(port: str) -> Origin:
    return Origin(Port(port), "mic")


def _floor(position: int) -> Origin:
    return Origin(floor_port(position), "mic")


def test_a_position_leads_to_its_holder_and_for_the_holder_to_nobody() -> None:
    floors = Floors()
    assert floors.open(0.0, A, [Port("1"), Port("2")]) == [_floor(1), _floor(2)]
    assert floors.behind(A, _floor(2), LISTENER) == _mic("2")
    assert floors.behind(A, _floor(2), Port("2")) is None
    assert floors.behind(A, _floor(3), LISTENER) is None
    assert floors.behind(B, _floor(1), LISTENER) is None


def test_the_mix_of_a_site_is_heard_with_its_ears() -> None:
    floors = Floors()
    floors.open(0.0, A, [Port("48/main"), Port("01/main")])
    heard = [floors.behind(A, _floor(place), Port("mix/48")) for place in (1, 2)]
    assert heard == [None, _mic("01/main")]
    assert floors.behind(A, _floor(1), Port("mix/program")) == _mic("48/main")
    assert floors.behind(A, _floor(1), Port("mix/4")) == _mic("48/main")


def test_what_is_no_position_is_itself() -> None:
    floors = Floors()
    assert floors.behind(A, _mic("1"), LISTENER) == _mic("1")
    assert floors.behind(A, None, LISTENER) is None
    assert floors.behind(A, _mic("@floor/9"), LISTENER) is None
    assert floors.behind(A, _mic("@floor/x"), LISTENER) is None


def test_an_origin_is_called_by_itself_and_by_its_position() -> None:
    floors = Floors()
    floors.open(0.0, A, [Port("1")])
    assert floors.origins(A, _mic("1")) == [_mic("1"), _floor(1)]
    assert floors.origins(A, _mic("2")) == [_mic("2")]
    camera = Origin(Port("1"), "camera")
    assert floors.origins(A, camera) == [camera]
    assert floors.origins(B, _mic("1")) == [_mic("1")]


def test_each_scope_judges_its_own() -> None:
    floors = Floors()
    assert floors.next_deadline() is None
    ports = [Port(name) for name in "12345"]
    floors.open(1.0, A, ports)
    floors.open(2.0, B, ports)
    assert floors.next_deadline() == 1.0 + JUDGE_S

    def level(now: float, scope: Scope, port: Port) -> float:
        return -30.0 if (scope, port) == (B, "5") else -80.0

    assert floors.judge(1.0 + JUDGE_S, level) == []
    assert floors.judge(3.0, level) == [(B, _floor(1))]
    assert (floors.position(A, Port("5")), floors.position(B, Port("5"))) == (None, 1)
