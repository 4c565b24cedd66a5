"""What places receive, by their scope's table and by who has the floor."""

from bridge.routes import Origin, Place
from bridge.tables import Tables
from signaling.wire.control import Route, Routes
from signaling.wire.ids import Port, Scope, SlotName
from signaling.wire.ports import floor_port

C = Scope("c")
STAGE, FLOOR = (Place(Port("r"), SlotName(slot)) for slot in ("stage:1", "floor:1"))
CAMERA, MIC = (Origin(Port("1"), track) for track in ("camera", "mic"))


def _routes(revision: int, *, speakers: tuple[str, ...] = ()) -> Routes:
    put = [
        Route(STAGE.port, STAGE.slot, CAMERA.port, CAMERA.track),
        Route(FLOOR.port, FLOOR.slot, floor_port(1), "mic"),
    ]
    return Routes(revision, C, 1, revision, None, put, [], [Port(one) for one in speakers])


def test_a_place_receives_what_its_table_says_and_who_has_the_floor():
    tables = Tables()
    held, changed = tables.apply(0.0, _routes(1, speakers=("1",)))
    assert (held.epoch, held.revision) == (1, 1)
    assert set(changed) == {STAGE, FLOOR}
    assert (tables.origin(C, STAGE), tables.origin(C, FLOOR)) == (CAMERA, MIC)
    assert tables.places(C, MIC) == [FLOOR]


def test_who_loses_the_floor_moves_the_places_that_heard_it():
    tables = Tables()
    tables.apply(0.0, _routes(1, speakers=("1",)))
    _, changed = tables.apply(1.0, _routes(2))
    assert changed == [FLOOR]
    assert tables.origin(C, FLOOR) is None


def test_a_scope_with_routes_is_not_forgotten_and_an_empty_one_is_with_its_epoch():
    tables = Tables()
    tables.apply(0.0, _routes(1))
    tables.forget(C)
    assert [one.revision for one in tables.versions()] == [1]
    tables.apply(0.0, Routes(2, C, 1, 2, None, [], [], []))
    tables.forget(C)
    assert tables.versions() == []
