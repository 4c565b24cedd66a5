"""The routing matrix: who gets what, when it may begin, and who is asked for keyframes."""

import pytest

from bridge.keyframes import REPEAT_S
from bridge.source import MAX_GAP
from bridge.wiring import PATIENCE_S
from signaling.wire.control import Route, Routes, RoutesHeld, TableVersion
from tests.fakes.matrix import SCOPE, Matrix
from tests.fakes.streams import Camera, Microphone, ReceivingLeg


@pytest.fixture
def matrix() -> Matrix:
    return Matrix()


def _sources(leg: ReceivingLeg) -> list[int]:
    """Whose packets came, each change once."""
    found: list[int] = []
    for one in leg.received():
        if not found or found[-1] != one.label.source:
            found.append(one.label.source)
    return found


def _playing(matrix: Matrix, port: str = "r"):
    """A camera 1 on port 1, shown in the port's first stage slot."""
    camera = Camera(1)
    source = matrix.publish(camera)
    slot, leg = matrix.receive(port)
    matrix.route(f"{port} stage:1 1")
    matrix.send(source, *camera.frame(keyframe=True))
    assert len(leg.packets) == 2
    return camera, source, slot, leg


# --- binding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", ["route source slot", "route slot source", "source slot route", "slot source route"]
)
def test_route_source_and_slot_may_come_in_any_order(matrix: Matrix, order: str) -> None:
    camera = Camera(1)
    source = leg = None
    for part in order.split():
        if part == "route":
            matrix.route("r stage:1 1")
        elif part == "source":
            source = matrix.publish(camera)
        else:
            _, leg = matrix.receive()
    assert source is not None
    assert leg is not None
    assert matrix.asked == [(0.0, source)]
    matrix.send(source, *camera.frame(keyframe=True))
    assert len(leg.packets) == 2


def test_one_source_feeds_many_slots_of_many_ports(matrix: Matrix) -> None:
    camera = Camera(1)
    legs = [matrix.receive(port, name)[1] for port in "ab" for name in ("stage:1", "thumb:3")]
    matrix.route(*[f"{port} {name} 1" for port in "ab" for name in ("stage:1", "thumb:3")])
    source = matrix.publish(camera)
    assert len(matrix.asked) == 1
    matrix.send(source, *camera.frame(keyframe=True))
    assert [len(leg.packets) for leg in legs] == [2, 2, 2, 2]


def test_slots_of_one_name_all_get_the_packets(matrix: Matrix) -> None:
    camera, source, slot, leg = _playing(matrix)
    _, newer = matrix.receive()
    matrix.send(source, *camera.frame(keyframe=True))
    assert (len(leg.packets), len(newer.packets)) == (4, 2)
    matrix.unreceive(slot)
    matrix.send(source, *camera.frame())
    assert (len(leg.packets), len(newer.packets)) == (4, 4)


def test_scopes_do_not_see_each_other(matrix: Matrix) -> None:
    camera, source, _, leg = _playing(matrix)
    other = Camera(2)
    foreign = other.source()
    matrix.crosspoint.add_source(0.0, "other", "1", "camera", foreign)
    matrix.send(foreign, *other.frame(keyframe=True))
    matrix.send(source, *camera.frame())
    assert _sources(leg) == [1]


def test_a_slot_without_a_route_gets_nothing(matrix: Matrix) -> None:
    microphone = Microphone(1)
    source = matrix.publish(microphone)
    _, leg = matrix.receive(name="floor:1")
    matrix.send(source, microphone.frame())
    assert leg.packets == []


def test_a_route_from_sound_to_a_picture_slot_is_never_bound(matrix: Matrix) -> None:
    microphone = Microphone(1)
    source = matrix.publish(microphone)
    _, leg = matrix.receive()
    put = [Route("r", "stage:1", "1", "mic")]
    matrix.crosspoint.apply(0.0, Routes(1, SCOPE, 1, 1, None, put))
    matrix.send(source, microphone.frame())
    assert leg.packets == []
    assert matrix.asked == []


def test_strangers_are_ignored(matrix: Matrix) -> None:
    camera = Camera(1)
    matrix.send(camera.source(), *camera.frame(keyframe=True))
    matrix.unpublish(camera.source())
    slot, _ = Matrix().receive()
    matrix.unreceive(slot)
    matrix.picture_loss(slot)
    assert matrix.asked == []


# --- tables ---------------------------------------------------------------------------------------


def test_apply_answers_with_the_table_that_is_held(matrix: Matrix) -> None:
    crosspoint = matrix.crosspoint
    assert crosspoint.tables() == []
    held, _ = crosspoint.apply(0.0, Routes(5, SCOPE, 2, 1, None))
    assert held == RoutesHeld(5, SCOPE, 2, 1)
    held, _ = crosspoint.apply(0.0, Routes(6, SCOPE, 1, 9, None))
    assert held == RoutesHeld(6, SCOPE, 2, 1)
    held, _ = crosspoint.apply(0.0, Routes(7, "unknown", 1, 9, 8))
    assert held == RoutesHeld(7, "unknown", 0, 0)
    assert crosspoint.tables() == [TableVersion(SCOPE, 2, 1)]


def test_a_refused_table_moves_no_picture(matrix: Matrix) -> None:
    camera, source, _, leg = _playing(matrix)
    matrix.crosspoint.apply(0.0, Routes(1, SCOPE, 0, 9, None))
    matrix.crosspoint.apply(0.0, Routes(1, SCOPE, 1, 9, 7))
    matrix.send(source, *camera.frame())
    assert len(leg.packets) == 4


# --- pictures begin at keyframes ------------------------------------------------------------------


def test_a_picture_begins_at_a_keyframe_only(matrix: Matrix) -> None:
    camera = Camera(1)
    source = matrix.publish(camera)
    _, leg = matrix.receive()
    matrix.route("r stage:1 1")
    matrix.send(source, *camera.frame())
    assert leg.packets == []
    matrix.send(source, *camera.frame(keyframe=True), *camera.frame())
    assert [one.label.frame for one in leg.received()] == [2, 2, 3, 3]


def test_a_keyframe_whose_start_was_overtaken_is_a_beginning(matrix: Matrix) -> None:
    camera = Camera(1)
    source = matrix.publish(camera)
    slot, leg = matrix.receive()
    matrix.route("r stage:1 1")
    matrix.send(source, *camera.frame())
    start, second, third = camera.frame(keyframe=True, parts=3)
    matrix.send(source, third, second, start, *camera.frame())
    received = leg.received()
    assert [(one.label.frame, one.label.part) for one in received] == [
        (2, 0),
        (2, 1),
        (2, 2),
        (3, 0),
        (3, 1),
    ]
    assert [one.sequence for one in received] == [10, 11, 12, 13, 14]
    assert slot.source is source
    assert matrix.crosspoint.next_deadline() is None  # a second one is not asked for


def test_an_overtaken_start_whose_followers_were_not_kept_is_no_beginning(matrix: Matrix) -> None:
    camera = Camera(1)
    source = matrix.publish(camera)
    _, leg = matrix.receive()
    start, rest = camera.frame(keyframe=True)
    matrix.send(source, rest)
    matrix.route("r stage:1 1")
    matrix.send(source, start)
    assert leg.packets == []
    matrix.pass_time(REPEAT_S)
    assert len(matrix.asked) == 2  # still wanted


def test_who_carries_it_already_gets_an_overtaken_start_once(matrix: Matrix) -> None:
    camera, source, _, leg = _playing(matrix)
    _, newer = matrix.receive("new")
    matrix.route("r stage:1 1", "new stage:1 1")
    start, rest = camera.frame(keyframe=True)
    matrix.send(source, rest, start)
    assert len(leg.packets) == 4
    assert len(newer.packets) == 2


def test_the_old_picture_goes_on_until_the_new_keyframe(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    two = Camera(2)
    second = matrix.publish(two)
    matrix.pass_time(1.0)
    matrix.route("r stage:1 2")
    assert matrix.asked[-1] == (1.0, second)
    matrix.send(first, *one.frame())
    matrix.send(second, *two.frame())
    assert _sources(leg) == [1]
    matrix.send(second, *two.frame(keyframe=True))
    matrix.send(first, *one.frame())
    assert _sources(leg) == [1, 2]
    assert len(leg.packets) == 6


def test_a_late_packet_of_the_old_source_does_not_come_after_the_switch(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    two = Camera(2)
    second = matrix.publish(two)
    held, sent = one.frame()
    matrix.send(first, sent)
    matrix.route("r stage:1 2")
    matrix.send(second, *two.frame(keyframe=True))
    matrix.send(first, held)
    assert _sources(leg) == [1, 2]


def test_a_switch_back_before_the_keyframe_changes_nothing(matrix: Matrix) -> None:
    one, first, slot, leg = _playing(matrix)
    two = Camera(2)
    second = matrix.publish(two)
    matrix.route("r stage:1 2")
    matrix.route("r stage:1 1")
    matrix.send(second, *two.frame(keyframe=True))
    matrix.send(first, *one.frame())
    assert _sources(leg) == [1]
    assert slot.switches == 1
    matrix.pass_time(PATIENCE_S + 1)
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 6


def test_an_old_picture_ends_when_its_successor_never_comes(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    two = Camera(2)
    second = matrix.publish(two)
    matrix.route("r stage:1 2")
    matrix.pass_time(PATIENCE_S - 0.01)
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 4
    matrix.pass_time(0.02)
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 4
    matrix.send(second, *two.frame(keyframe=True))
    assert _sources(leg) == [1, 2]


def test_patience_is_not_renewed_by_further_switches(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    matrix.publish(Camera(2))
    matrix.publish(Camera(3))
    for source in "23232":
        matrix.route(f"r stage:1 {source}")
        matrix.pass_time(PATIENCE_S / 4)
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 2


def test_a_switch_to_a_port_that_publishes_nothing_stops_at_once(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    matrix.route("r stage:1 9")
    matrix.send(first, *one.frame(keyframe=True))
    assert len(leg.packets) == 2


def test_a_dropped_route_stops_at_once_and_begins_anew_at_a_keyframe(matrix: Matrix) -> None:
    one, first, slot, leg = _playing(matrix)
    matrix.route()
    assert slot.source is None
    matrix.send(first, *one.frame(keyframe=True))
    assert len(leg.packets) == 2
    matrix.route("r stage:1 1")
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 2
    matrix.send(first, *one.frame(keyframe=True))
    assert len(leg.packets) == 4
    assert slot.source is first


def test_a_route_that_is_put_again_unchanged_disturbs_nothing(matrix: Matrix) -> None:
    one, first, slot, leg = _playing(matrix)
    matrix.route("r stage:1 1")
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 4
    assert slot.switches == 1


# --- sessions end and are replaced ----------------------------------------------------------------


def test_a_removed_source_stops_and_its_route_waits_for_the_next_session(matrix: Matrix) -> None:
    _, first, slot, leg = _playing(matrix)
    matrix.unpublish(first)
    assert slot.source is None
    again = Camera(5)
    source = matrix.publish(again, port="1")
    matrix.send(source, *again.frame(keyframe=True))
    assert _sources(leg) == [1, 5]


def test_a_replaced_source_flows_until_the_new_sessions_keyframe(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    again = Camera(5)
    second = matrix.publish(again, port="1")
    assert matrix.asked[-1][1] is second
    matrix.send(first, *one.frame())
    matrix.send(second, *again.frame(keyframe=True))
    matrix.unpublish(first)
    matrix.send(second, *again.frame())
    assert _sources(leg) == [1, 5]
    assert len(leg.packets) == 8


def test_removing_the_old_session_first_keeps_the_slot_waiting_for_the_new(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    again = Camera(5)
    second = matrix.publish(again, port="1")
    matrix.unpublish(first)
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 2
    matrix.send(second, *again.frame(keyframe=True))
    assert _sources(leg) == [1, 5]


def test_a_removed_slot_is_sent_nothing_and_leaves_nothing_behind(matrix: Matrix) -> None:
    one, first, slot, leg = _playing(matrix)
    matrix.picture_loss(slot)
    matrix.unreceive(slot)
    assert matrix.crosspoint.next_deadline() is None
    matrix.send(first, *one.frame(keyframe=True))
    assert len(leg.packets) == 2


def test_a_source_that_restarts_begins_anew_at_its_next_keyframe(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    matrix.pass_time(1.0)
    one.sequence += MAX_GAP + 1
    matrix.send(first, *one.frame())
    assert len(leg.packets) == 2
    assert matrix.asked[-1] == (1.0, first)
    matrix.send(first, *one.frame(keyframe=True))
    received = leg.received()
    assert [one.sequence for one in received] == [10, 11, 12, 13]


def test_an_old_source_that_restarts_ends_and_its_successor_still_comes(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    two = Camera(2)
    second = matrix.publish(two)
    matrix.route("r stage:1 2")
    one.sequence += MAX_GAP + 1
    matrix.send(first, *one.frame(keyframe=True), *one.frame())
    assert _sources(leg) == [1]
    assert len(leg.packets) == 2
    matrix.send(second, *two.frame(keyframe=True), *two.frame())
    matrix.send(first, *one.frame(keyframe=True))
    assert _sources(leg) == [1, 2]
    assert len(leg.packets) == 6


def test_a_source_that_restarts_with_a_keyframe_goes_on_at_once(matrix: Matrix) -> None:
    one, first, _, leg = _playing(matrix)
    matrix.pass_time(1.0)
    asked = len(matrix.asked)
    one.picture -= 60
    matrix.send(first, *one.frame(keyframe=True))
    received = leg.received()
    assert [one.picture for one in received] == [30, 30, 31, 31]
    assert len(matrix.asked) == asked


# --- sound ----------------------------------------------------------------------------------------


def test_sound_begins_with_the_next_packet_and_asks_for_nothing(matrix: Matrix) -> None:
    microphone = Microphone(1)
    source = matrix.publish(microphone)
    _, leg = matrix.receive(name="floor:1")
    matrix.route("r floor:1 1")
    matrix.send(source, microphone.frame())
    assert len(leg.packets) == 1
    assert matrix.asked == []


def test_sound_does_not_begin_with_a_late_packet(matrix: Matrix) -> None:
    one = Microphone(1)
    source = matrix.publish(one)
    _, leg = matrix.receive(name="floor:1")
    first, late, third, fourth = (one.frame() for _ in range(4))
    matrix.send(source, first, third)
    matrix.route("r floor:1 1")
    matrix.send(source, late)
    assert leg.packets == []
    matrix.send(source, fourth)
    assert len(leg.packets) == 1


def test_sound_leaves_its_old_source_at_once(matrix: Matrix) -> None:
    one, two = Microphone(1), Microphone(2)
    first, second = matrix.publish(one), matrix.publish(two)
    _, leg = matrix.receive(name="floor:1")
    matrix.route("r floor:1 1")
    matrix.send(first, one.frame())
    matrix.route("r floor:1 2")
    matrix.send(first, one.frame())
    matrix.send(second, two.frame())
    assert _sources(leg) == [1, 2]
    assert len(leg.packets) == 2


def test_a_mute_is_a_route_that_is_gone(matrix: Matrix) -> None:
    one = Microphone(1)
    source = matrix.publish(one)
    _, leg = matrix.receive(name="floor:1")
    matrix.route("r floor:1 1")
    matrix.send(source, one.frame())
    matrix.route()
    matrix.send(source, one.frame(), one.frame())
    assert len(leg.packets) == 1


def test_sound_that_restarts_goes_on_with_the_packet_in_hand(matrix: Matrix) -> None:
    one = Microphone(1)
    source = matrix.publish(one)
    _, leg = matrix.receive(name="floor:1")
    matrix.route("r floor:1 1")
    matrix.send(source, one.frame())
    one.timestamp -= 100_000
    matrix.pass_time(0.02)
    matrix.send(source, one.frame())
    before, after = leg.received()
    assert (after.sequence - before.sequence, after.timestamp - before.timestamp) == (1, 960)
