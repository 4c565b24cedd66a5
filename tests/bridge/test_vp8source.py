"""A published stream of VP8 made uniform: every picture has an id, and keyframes are seen."""

import pytest

from bridge.source import Source, Verdict
from tests.fakes.streams import Camera


@pytest.mark.parametrize("bits", [7, 15])
def test_picture_ids_are_extended_over_their_wrap(bits: int) -> None:
    camera = Camera(
        1, picture=(1 << bits) - 3, picture_ids="short" if bits == 7 else "long", tl0=False
    )
    source = camera.source()
    pictures = []
    for n in range(6):
        for packet in camera.frame(keyframe=n == 0):
            assert source.receive(n * 0.1, packet) is Verdict.TAKEN
            pictures.append(source.packet.picture)
    start = (1 << bits) - 2
    assert pictures == [start + n // 2 for n in range(12)]
    assert source.packet.descriptor & 0x8080 == 0x8080
    assert source.packet.tl0_picture == -1


def test_frames_of_a_publisher_without_picture_ids_are_counted() -> None:
    camera = Camera(1, picture_ids="none", tl0=False)
    source = camera.source()
    frames = [camera.frame(keyframe=True), camera.frame(), camera.frame(), camera.frame()]
    one, two, three, four = frames
    arrivals = [*one, two[0], *three, two[1], *four]
    pictures = []
    for n, packet in enumerate(arrivals):
        assert source.receive(n * 0.05, packet) is Verdict.TAKEN
        pictures.append(source.packet.picture)
    assert pictures == [0, 0, 1, 2, 2, 1, 3, 3]
    assert source.packet.descriptor & 0x8080 == 0x8080


def test_keyframes_are_noticed_and_counted_once() -> None:
    camera = Camera(1)
    source = camera.source()
    starts = []
    for packet in [*camera.frame(keyframe=True), *camera.frame(), *camera.frame(keyframe=True)]:
        source.receive(0.0, packet)
        starts.append(source.packet.starts_keyframe)
    assert starts == [True, False, False, False, True, False]
    assert source.keyframes == 2


def _running() -> tuple[Camera, Source]:
    camera = Camera(1, picture=32_000)
    source = camera.source()
    for packet in camera.frame(keyframe=True):
        source.receive(0.0, packet)
    return camera, source


def _new_pictures(camera: Camera) -> None:
    camera.picture -= 50


def _same_picture(camera: Camera) -> None:
    camera.picture -= 1


def _other_descriptor(camera: Camera) -> None:
    camera.picture_ids = "short"


@pytest.mark.parametrize("change", [_new_pictures, _same_picture, _other_descriptor])
def test_a_stream_whose_pictures_jump_is_restarted_and_goes_on(change) -> None:
    camera, source = _running()
    change(camera)
    packets = camera.frame()
    picture = source.last_picture
    assert source.receive(0.1, packets[0]) is Verdict.RESTARTED
    assert source.last_picture == picture  # runs end where they stood
    source.restart()
    assert source.packet.picture == source.last_picture
    assert source.receive(0.1, packets[1]) is Verdict.TAKEN


def test_a_late_packet_with_a_picture_of_the_future_is_dropped() -> None:
    camera, source = _running()
    camera.picture += 2000
    (liar,) = camera.frame(parts=1)
    camera.picture -= 2000
    assert source.receive(0.1, camera.frame()[0]) is Verdict.TAKEN
    assert source.receive(0.1, liar) is Verdict.DROPPED
    assert source.dropped == {"late": 1}
