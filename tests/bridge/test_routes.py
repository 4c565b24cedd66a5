"""Which change of a routing table is obeyed."""

import pytest

from bridge.routes import Origin, Place, Table
from signaling.wire.control import Dropped, Route, Routes, TableVersion


def _routes(epoch: int, revision: int, base: int | None, put: str = "", drop: str = "") -> Routes:
    """`put` "a1 b2": port a's stage 1 receives port 1's camera, …; `drop` "a"."""
    return Routes(
        request=1,
        scope="c",
        epoch=epoch,
        revision=revision,
        base=base,
        put=[Route(port, "stage:1", source, "camera") for port, source in put.split()],
        drop=[Dropped(port, "stage:1") for port in drop.split()],
    )


def _held(table: Table, ports: str = "abc") -> str:
    found = ((port, table.origin(Place(port, "stage:1"))) for port in ports)
    return " ".join(f"{port}{origin.port}" for port, origin in found if origin)


def test_a_whole_table_is_taken_and_replaces_the_one_before() -> None:
    table = Table("c")
    assert table.version == TableVersion("c", 0, 0)
    table.apply(_routes(3, 7, None, put="a1 b2"))
    changed = table.apply(_routes(3, 8, None, put="b2 c3"))
    assert _held(table) == "b2 c3"
    assert table.version == TableVersion("c", 3, 8)
    assert {place.port for place in changed} == {"a", "c"}


def test_a_difference_on_the_held_revision_is_applied() -> None:
    table = Table("c")
    table.apply(_routes(3, 7, None, put="a1 b2"))
    changed = table.apply(_routes(3, 8, 7, put="a2 c1", drop="b"))
    assert _held(table) == "a2 c1"
    assert {place.port for place in changed} == {"a", "b", "c"}
    assert table.places(Origin("2", "camera")) == [Place("a", "stage:1")]


@pytest.mark.parametrize(("epoch", "base"), [(2, None), (2, 7), (3, 6), (3, 8), (4, 7)], ids=str)
def test_older_epochs_and_other_bases_change_nothing(epoch: int, base: int | None) -> None:
    table = Table("c")
    table.apply(_routes(3, 7, None, put="a1"))
    assert table.apply(_routes(epoch, 9, base, put="b2", drop="a")) == []
    assert _held(table) == "a1"
    assert table.version == TableVersion("c", 3, 7)


def test_a_newer_epoch_brings_its_own_revisions() -> None:
    table = Table("c")
    table.apply(_routes(3, 7, None, put="a1"))
    table.apply(_routes(4, 1, None, put="a2"))
    assert _held(table) == "a2"
    assert table.version == TableVersion("c", 4, 1)


def test_a_place_dropped_and_put_at_once_stands() -> None:
    table = Table("c")
    table.apply(_routes(1, 1, None, put="a1"))
    assert table.apply(_routes(1, 2, 1, put="a1", drop="a")) == []
    assert _held(table) == "a1"


def test_dropping_what_is_not_there_is_no_change() -> None:
    table = Table("c")
    assert table.apply(_routes(1, 1, None, drop="a")) == []
    assert table.version == TableVersion("c", 1, 1)
