"""H.264 through the routing matrix: cut at its parameter sets, never mixed with another codec."""

import pytest

from tests.fakes.matrix import Matrix
from tests.fakes.streams import Camera, Encoder


@pytest.fixture
def matrix() -> Matrix:
    return Matrix()


def test_h264_is_cut_at_the_parameter_sets_of_a_keyframe(matrix: Matrix) -> None:
    first, second = Encoder(1), Encoder(2, sequence=77, timestamp=5)
    sources = [matrix.publish(one) for one in (first, second)]
    _, leg = matrix.receive(h264=True)
    matrix.route("r stage:1 1")
    matrix.send(sources[0], *first.frame(), *first.frame(keyframe=True))
    matrix.route("r stage:1 2")
    matrix.send(sources[0], *first.frame())
    matrix.send(sources[1], *second.frame(), *second.frame(keyframe=True))
    matrix.send(sources[0], *first.frame())
    received = leg.received()
    assert [(one.label.source, one.label.part) for one in received] == [
        *[(1, part) for part in range(4)],
        (1, 0),
        *[(2, part) for part in range(4)],
    ]
    assert [one.sequence for one in received] == list(range(10, 19))
    assert received[5].starts_keyframe
    assert received[5].timestamp > received[4].timestamp


def test_a_source_in_another_codec_than_the_slots_is_not_bound(matrix: Matrix) -> None:
    camera = Camera(1)
    source = matrix.publish(camera)
    _, leg = matrix.receive(h264=True)
    matrix.route("r stage:1 1")
    matrix.send(source, *camera.frame(keyframe=True))
    assert leg.packets == []


def test_who_begins_at_a_keyframe_without_parameter_sets_is_given_them(matrix: Matrix) -> None:
    encoder = Encoder(1)
    source = matrix.publish(encoder)
    _, first = matrix.receive("a", h264=True)
    _, second = matrix.receive("b", h264=True)
    matrix.route("a stage:1 1")
    matrix.send(source, *encoder.frame(keyframe=True), *encoder.frame())
    matrix.route("a stage:1 1", "b stage:1 1")
    matrix.send(source, *encoder.frame(), *encoder.frame(keyframe=True, sets=False))
    matrix.send(source, *encoder.frame())
    begun, joined = first.received(), second.received()
    assert len(joined) == 4, "sets, two fragments, one more picture"
    assert [one.starts_keyframe for one in joined] == [True, True, False, False]
    assert joined[0].timestamp == joined[1].timestamp
    assert [one.label for one in begun[-4:]] == [one.label for one in joined]
    for received in (begun, joined):
        numbers = [one.sequence for one in received]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_who_begins_where_a_stream_of_bare_keyframes_jumped_is_given_sets(matrix: Matrix) -> None:
    encoder = Encoder(1)
    source = matrix.publish(encoder)
    _, leg = matrix.receive(h264=True)
    matrix.route("r stage:1 1")
    matrix.send(source, *encoder.frame(keyframe=True))
    matrix.send(source, *encoder.frame(keyframe=True, sets=False))
    encoder.sequence += 500
    matrix.send(source, *encoder.frame(keyframe=True, sets=False))
    received = leg.received()
    numbers = [one.sequence for one in received]
    assert numbers == list(range(numbers[0], numbers[0] + 4 + 3 + 3))
