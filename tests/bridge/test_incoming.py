"""One layer of a track over the SSRCs that it had."""

import pytest

from bridge.incoming import RETIRE_AFTER_S, RETURN_AFTER_S, SSRC_HOLD_S, Incoming, TrackStream
from tests.bridge.test_latching import CAMERA, Latched
from tests.fakes.streams import Camera


@pytest.fixture
def stream():
    return TrackStream(0.0)


def incoming(number):
    camera = Camera(number)
    return camera, Incoming(camera.source(), Latched(CAMERA, "h", False), None)


def send(camera, one, at, keyframe=False):
    for packet in camera.frame(keyframe=keyframe):
        one.source.receive(at, packet)


def test_a_track_changes_its_ssrc_once_a_second_at_most(stream):
    assert stream.may_change(0.0)
    stream.begin(0.0, incoming(1)[1])
    assert not stream.may_change(SSRC_HOLD_S - 0.01)
    assert stream.may_change(SSRC_HOLD_S)


def test_the_one_before_the_last_is_forgotten_and_stays_counted(stream):
    made = [incoming(number) for number in (1, 2, 3)]
    forgotten = []
    for at, (camera, one) in enumerate(made):
        forgotten += stream.begin(at, one)
        send(camera, one, at, keyframe=True)
    assert forgotten == [made[0][1]]
    assert stream.stats(3.0, "camera", "h", None).keyframes == 3


def test_a_publisher_that_goes_back_is_believed_once_the_newer_is_silent(stream):
    (camera, first), (other, second) = incoming(1), incoming(2)
    stream.begin(0.0, first)
    send(camera, first, 0.0, keyframe=True)
    stream.begin(1.0, second)
    send(other, second, 1.0, keyframe=True)
    send(camera, first, 1.0 + RETURN_AFTER_S / 2)
    assert stream.returned(1.5) is None
    send(camera, first, 1.0 + RETURN_AFTER_S)
    assert stream.returned(1.5) is first
    assert stream.current is first


def test_a_silent_predecessor_is_retired(stream):
    (camera, first), (_, second) = incoming(1), incoming(2)
    stream.begin(0.0, first)
    send(camera, first, 0.5, keyframe=True)
    stream.begin(1.0, second)
    assert stream.retired(0.4 + RETIRE_AFTER_S) == []
    assert stream.retired(0.5 + RETIRE_AFTER_S) == [first]
    assert stream.retired(9.0) == []
