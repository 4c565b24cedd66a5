"""One node's table: differences on firm ground, the whole table on doubt."""

from __future__ import annotations

from signaling.routetable import RouteTable
from signaling.routing import Crosspoint, Source
from signaling.wire.control import Dropped, Route
from signaling.wire.ids import Port, Scope, SlotName

SCOPE = Scope("c")
A: Crosspoint = (Port("48/main"), SlotName("stage:1"))
B: Crosspoint = (Port("op/x"), SlotName("thumb:1"))
CENTRE: Source = (Port("00/main"), "camera")
HUE: Source = (Port("46/main"), "camera")


def table(*, held_before: bool = False) -> RouteTable:
    return RouteTable(SCOPE, 3, held_before=held_before)


def settled(wanted: dict[Crosspoint, Source]) -> RouteTable:
    """A table that the node has confirmed."""
    one = table()
    one.want(wanted)
    update = one.update(1)
    assert update is not None
    one.answered(update.epoch, update.revision)
    return one


def test_nothing_is_sent_for_nothing() -> None:
    one = table()
    one.want({})

    assert one.update(1) is None


def test_first_table_is_whole() -> None:
    one = table()
    one.want({A: CENTRE})

    update = one.update(7)

    assert update is not None
    assert (update.request, update.epoch, update.revision, update.base) == (7, 3, 1, None)
    assert update.put == [Route(*A, *CENTRE)]


def test_empty_table_is_sent_to_a_node_that_held_one() -> None:
    one = table(held_before=True)
    one.want({})

    update = one.update(1)

    assert update is not None
    assert (update.base, update.put, update.drop) == (None, [], [])


def test_change_is_sent_as_difference() -> None:
    one = settled({A: CENTRE, B: CENTRE})
    one.want({A: HUE})

    update = one.update(2)

    assert update is not None
    assert (update.base, update.revision) == (1, 2)
    assert update.put == [Route(*A, *HUE)]
    assert update.drop == [Dropped(*B)]


def test_one_update_at_a_time_and_the_newest_wish_wins() -> None:
    one = table()
    one.want({A: CENTRE})
    one.update(1)
    one.want({A: HUE})
    one.want({B: HUE})

    assert one.update(2) is None
    one.answered(3, 1)
    update = one.update(2)

    assert update is not None
    assert (update.put, update.drop) == ([Route(*B, *HUE)], [Dropped(*A)])


def test_same_table_is_not_sent_again() -> None:
    one = settled({A: CENTRE})
    one.want({A: CENTRE})

    assert one.update(2) is None


def test_answer_with_another_revision_makes_the_table_whole() -> None:
    one = settled({A: CENTRE})
    one.want({A: CENTRE, B: HUE})
    one.update(2)
    one.answered(3, 1)

    update = one.update(3)

    assert update is not None
    assert update.base is None
    assert len(update.put) == 2


def test_lost_reply_makes_the_table_whole() -> None:
    one = settled({A: CENTRE})
    one.want({A: HUE})
    one.update(2)
    one.failed()

    update = one.update(3)

    assert update is not None
    assert (update.base, update.put) == (None, [Route(*A, *HUE)])


def test_report_of_another_table_heals() -> None:
    one = settled({A: CENTRE})
    one.reported((3, 1))
    assert one.update(2) is None

    one.reported((2, 40))
    update = one.update(2)

    assert update is not None
    assert update.base is None


def test_report_without_the_table_heals() -> None:
    one = settled({A: CENTRE})
    one.reported(None)

    assert one.update(2) is not None


def test_report_during_an_update_is_not_believed() -> None:
    one = settled({A: CENTRE})
    one.want({A: HUE})
    one.update(2)
    one.reported((3, 1))
    one.answered(3, 2)

    assert one.update(3) is None


def test_newer_epoch_on_the_node_is_not_fought() -> None:
    one = settled({A: CENTRE})
    one.reported((4, 1))

    assert one.outranked_by == 4
    assert one.update(2) is None


def test_a_mute_alone_is_one_message_with_all_who_may_still_speak() -> None:
    one = table()
    one.want({A: CENTRE}, (Port("48/main"), Port("01/main")))
    update = one.update(1)
    assert update is not None
    assert update.speakers == ["48/main", "01/main"]
    one.answered(update.epoch, update.revision)

    one.want({A: CENTRE}, (Port("01/main"),))
    update = one.update(2)

    assert update is not None
    assert (update.base, update.put, update.drop, update.speakers) == (1, [], [], ["01/main"])
    one.answered(update.epoch, update.revision)
    assert one.update(3) is None


def test_the_whole_table_says_again_who_speaks() -> None:
    one = table()
    one.want({A: CENTRE}, (Port("48/main"),))
    one.update(1)
    one.failed()

    update = one.update(2)

    assert update is not None
    assert (update.base, update.speakers) == (None, ["48/main"])
