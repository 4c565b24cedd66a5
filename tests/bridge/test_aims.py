"""Keyframe requests of receivers, through the crosspoint: merged, spaced, repeated, rationed."""

from itertools import pairwise

import pytest

from bridge import aims
from bridge.keyframes import MIN_INTERVAL_S, REPEAT_S
from bridge.media_worker.darkroom import ASK_AFTER_S
from tests.fakes.matrix import Matrix
from tests.fakes.streams import Camera


@pytest.fixture
def matrix() -> Matrix:
    return Matrix()


def _playing(matrix: Matrix, port: str = "r"):
    """A camera 1 on port 1, shown in the port's first stage slot."""
    camera = Camera(1)
    source = matrix.publish(camera)
    slot, leg = matrix.receive(port)
    matrix.route(f"{port} stage:1 1")
    matrix.send(source, *camera.frame(keyframe=True))
    assert len(leg.packets) == 2
    return camera, source, slot, leg


def test_a_receivers_request_reaches_the_source_it_is_shown(matrix: Matrix) -> None:
    _, first, slot, _ = _playing(matrix)
    matrix.pass_time(1.0)
    matrix.picture_loss(slot)
    assert matrix.asked[-1] == (1.0, first)
    assert slot.keyframe_requests == 1


def test_requests_of_many_receivers_are_merged(matrix: Matrix) -> None:
    camera, source, slot, _ = _playing(matrix)
    others = [matrix.receive("r")[0] for _ in range(20)]
    matrix.send(source, *camera.frame(keyframe=True))
    matrix.pass_time(1.0)
    before = len(matrix.asked)
    for one in (slot, *others):
        matrix.picture_loss(one)
    assert matrix.asked[before:] == [(1.0, source)]


def test_requests_to_one_source_keep_their_distance(matrix: Matrix) -> None:
    camera, source, _, _ = _playing(matrix)
    slots = [matrix.receive("r")[0] for _ in range(100)]
    matrix.send(source, *camera.frame(keyframe=True))
    matrix.pass_time(1.0)
    start = len(matrix.asked)
    for slot in slots:
        matrix.picture_loss(slot)
        matrix.send(source, *camera.frame(keyframe=True))
        matrix.pass_time(0.01)
    times = [at for at, _ in matrix.asked[start:]]
    assert times[0] == 1.0
    assert all(after - before >= MIN_INTERVAL_S - 1e-9 for before, after in pairwise(times))
    assert len(times) == 4


def test_a_receiver_that_asks_without_end_costs_nobody_anything(matrix: Matrix) -> None:
    camera, source, slot, _ = _playing(matrix)
    matrix.pass_time(1.0)
    before = len(matrix.asked)
    for _ in range(10_000):
        matrix.picture_loss(slot)
        matrix.send(source, *camera.frame(keyframe=True))
        matrix.pass_time(0.001)
    assert len(matrix.asked) - before <= aims.REQUESTS + 10 / aims.REQUEST_S
    # and who has lost a picture by misfortune is heard beside it
    other, _ = matrix.receive("other")
    matrix.route("r stage:1 1", "other stage:1 1")
    matrix.send(source, *camera.frame(keyframe=True))
    matrix.pass_time(1.0)
    before = len(matrix.asked)
    matrix.picture_loss(other)
    assert len(matrix.asked) == before + 1


def test_all_slots_of_a_receiver_share_a_budget(matrix: Matrix) -> None:
    cameras = [Camera(number) for number in range(1, 61)]
    sources = [matrix.publish(one) for one in cameras]
    slots = [matrix.receive("r", f"thumb:{one.number}")[0] for one in cameras]
    matrix.route(*[f"r thumb:{one.number} {one.number}" for one in cameras])
    matrix.pass_time(1.0)
    before = len(matrix.asked)
    for _ in range(4):
        for source, camera in zip(sources, cameras, strict=True):
            matrix.send(source, *camera.frame(keyframe=True))
        matrix.pass_time(MIN_INTERVAL_S)
        for slot in slots:
            matrix.picture_loss(slot)
    # the whole wall at once, and a little more
    more = aims.RECEIVER_REQUESTS + 4 * MIN_INTERVAL_S * 60 / aims.RECEIVER_REQUEST_S
    assert 60 <= len(matrix.asked) - before <= 60 + more


def test_who_looks_at_a_whole_wall_now_and_then_is_never_refused(matrix: Matrix) -> None:
    cameras = [Camera(number) for number in range(1, 64)]
    sources = [matrix.publish(one) for one in cameras]
    slots = [matrix.receive("stills", f"thumb:{one.number}")[0] for one in cameras]
    matrix.route(*[f"stills thumb:{one.number} {one.number}" for one in cameras])
    for _ in range(20):
        for source, camera in zip(sources, cameras, strict=True):
            matrix.send(source, *camera.frame(keyframe=True))
        matrix.pass_time(ASK_AFTER_S)
        before = len(matrix.asked)
        for slot in slots:
            matrix.picture_loss(slot)
        assert len(matrix.asked) == before + len(slots)


def test_a_take_needs_not_wait_after_a_request_that_was_answered(matrix: Matrix) -> None:
    camera, source, slot, _ = _playing(matrix)
    matrix.pass_time(1.0)
    matrix.picture_loss(slot)
    matrix.send(source, *camera.frame(keyframe=True))
    matrix.pass_time(0.05)
    before = len(matrix.asked)
    _, leg = matrix.receive("x")
    matrix.route("r stage:1 1", "x stage:1 1")
    assert matrix.asked[before:] == [(1.05, source)]
    matrix.send(source, *camera.frame(keyframe=True))
    assert len(leg.packets) == 2


def test_a_request_is_repeated_until_the_keyframe_and_no_longer(matrix: Matrix) -> None:
    camera, source, slot, _ = _playing(matrix)
    matrix.pass_time(1.0)
    matrix.picture_loss(slot)
    before = len(matrix.asked)
    matrix.pass_time(2 * REPEAT_S + 0.1)
    assert len(matrix.asked) == before + 2
    matrix.send(source, *camera.frame(keyframe=True))
    assert matrix.crosspoint.next_deadline() is None


def test_a_source_that_nobody_sees_is_not_asked(matrix: Matrix) -> None:
    matrix.publish(Camera(1))
    assert matrix.asked == []
    matrix.receive()
    matrix.route("r stage:1 1")
    assert len(matrix.asked) == 1
    matrix.route()
    matrix.pass_time(10.0)
    assert len(matrix.asked) == 1
