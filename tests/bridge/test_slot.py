"""Continuity of one receive stream over switches of its source."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import rtp
from bridge.codecs import OPUS, VP8
from bridge.hotpath_choice import choose
from bridge.metrics import Counters
from bridge.slot import Slot
from bridge.source import Source, Verdict
from tests.fakes.matrix import Matrix
from tests.fakes.streams import Camera, Microphone, Received, ReceivingLeg

PATH = choose()(Counters(), lambda: 0.0, lambda: None)


def _slot(codec=VP8, leg: ReceivingLeg | None = None) -> Slot:
    return Slot(
        codec,
        (leg or ReceivingLeg()).leg.outlet(
            0xAA, 111 if codec is OPUS else 97, urgent=codec is OPUS, nack=False
        ),
        first_sequence=10,
        first_timestamp=20,
        first_picture_id=30,
    )


def _carry(slot: Slot, source: Source, now: float, packets: list[bytes], begin=False) -> None:
    for packet in packets:
        assert source.receive(now, packet) is Verdict.TAKEN
        if begin:
            slot.begin(now, source)
            begin = False
        PATH.forward(now, source.packet, [slot])


def test_begin_starts_with_the_numbers_it_was_given() -> None:
    leg = ReceivingLeg()
    camera = Camera(1)
    _carry(_slot(leg=leg), camera.source(), 5.0, camera.frame(keyframe=True), begin=True)
    first, second = leg.received()
    assert (first.sequence, first.timestamp, first.picture) == (10, 20, 30)
    assert (second.sequence, second.timestamp, second.picture) == (11, 20, 30)


def test_begin_continues_all_numbers_and_advances_time_by_the_clock() -> None:
    leg = ReceivingLeg()
    slot = _slot(leg=leg)
    one, two = Camera(1), Camera(2, sequence=40_000, timestamp=7, picture=3, tl0_picture=200)
    _carry(slot, one.source(), 0.0, one.frame(keyframe=True), begin=True)
    _carry(slot, two.source(), 0.25, two.frame(keyframe=True), begin=True)
    before, after = leg.received()[1:3]
    assert after.label.source == 2
    assert after.sequence == before.sequence + 1
    assert after.timestamp == before.timestamp + 22_500
    assert after.picture == before.picture + 1
    assert after.tl0_picture == before.tl0_picture + 1
    assert slot.switches == 2


def test_begin_at_the_same_instant_still_advances_the_timestamp() -> None:
    leg = ReceivingLeg()
    slot = _slot(leg=leg)
    for n in (1, 2, 3):
        camera = Camera(n)
        _carry(slot, camera.source(), 1.0, camera.frame(keyframe=True, parts=1), begin=True)
    stamps = [one.timestamp for one in leg.received()]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("pause_s", "ticks"), [(0.0, 960), (0.009, 960), (0.03, 1920), (0.1234, 5760), (10.0, 480_000)]
)
def test_begin_of_sound_stays_on_the_grid_of_its_frames(pause_s: float, ticks: int) -> None:
    leg = ReceivingLeg()
    slot = _slot(OPUS, leg)
    one, two = Microphone(1), Microphone(2, timestamp=12_345)
    _carry(slot, one.source(), 0.0, [one.frame()], begin=True)
    _carry(slot, two.source(), pause_s, [two.frame()], begin=True)
    before, after = leg.received()
    assert after.timestamp - before.timestamp == ticks


def test_begin_goes_on_from_a_publisher_with_picture_ids_to_one_without_and_back() -> None:
    leg = ReceivingLeg()
    slot = _slot(leg=leg)
    cameras = [
        Camera(1, picture=32_766),
        Camera(2, picture_ids="none", tl0=False),
        Camera(3, picture_ids="short", picture=126),
    ]
    for n, camera in enumerate(cameras):
        packets = camera.frame(keyframe=True) + camera.frame()
        _carry(slot, camera.source(), float(n), packets, begin=True)
    assert [one.picture for one in leg.received()[::2]] == [30, 31, 32, 33, 34, 35]


def test_layer_numbers_go_on_past_a_publisher_that_stops_sending_them() -> None:
    matrix = Matrix()
    _, leg = matrix.receive()
    matrix.route("r stage:1 1")
    one, two = Camera(1, tl0_picture=77), Camera(2, tl0_picture=5)
    source = matrix.publish(one)
    matrix.send(source, *one.frame(keyframe=True))
    one.tl0, one.picture = False, one.picture - 60
    matrix.send(source, *one.frame(keyframe=True))
    matrix.send(matrix.publish(two, port="1"), *two.frame(keyframe=True))
    assert [one.tl0_picture for one in leg.received()[::2]] == [1, -1, 2]


def test_end_without_a_run_changes_nothing() -> None:
    slot = _slot()
    slot.end()
    assert slot.timestamp(3.0) is None


def test_timestamp_of_a_report_is_extrapolated_to_now() -> None:
    slot = _slot()
    camera = Camera(1)
    source = camera.source()
    assert slot.timestamp(0.0) is None
    _carry(slot, source, 1.0, camera.frame(keyframe=True), begin=True)
    assert slot.timestamp(1.5) == 20 + 45_000
    slot.end()
    assert slot.timestamp(1.5) == 20 + 45_000


def test_timestamps_of_reports_stay_on_one_time_line_over_a_switch() -> None:
    slot = _slot()
    one, two = Camera(1), Camera(2, timestamp=2**32 - 10_000)
    _carry(slot, one.source(), 1.0, one.frame(keyframe=True), begin=True)
    before = slot.timestamp(1.25)
    _carry(slot, two.source(), 1.25, two.frame(keyframe=True), begin=True)
    assert before is not None
    assert slot.timestamp(1.25) == before


def test_sound_stays_on_its_grid_over_the_wrap_of_both_clocks() -> None:
    leg = ReceivingLeg()
    outlet = leg.leg.outlet(0xAA, 111, urgent=True, nack=False)
    slot = Slot(OPUS, outlet, first_sequence=0, first_timestamp=2**32 - 3 * 960 + 7)
    now = 0.0
    for number in range(4):
        microphone = Microphone(number, timestamp=2**32 - 2 * 960 + number)
        source = microphone.source()
        _carry(slot, source, now, [microphone.frame()], begin=True)
        for _ in range(4):
            now += 0.0213
            _carry(slot, source, now, [microphone.frame()])
        now += 0.0137
    stamps = [rtp.parse(packet)[3] for packet in leg.packets]
    steps = [(after - before) & 0xFFFFFFFF for before, after in pairwise(stamps)]
    assert min(stamps) < 2**31 < max(stamps)
    assert all(step and step % 960 == 0 for step in steps)
    assert max(steps) < 3 * 960


# --- any course of events -------------------------------------------------------------------------


cameras = st.builds(
    Camera,
    number=st.just(0),
    sequence=st.sampled_from([0, 1000, 32_760, 65_530]),
    timestamp=st.sampled_from([0, 2**31 - 20_000, 2**32 - 20_000]),
    picture=st.sampled_from([0, 100, 125, 32_765]),
    tl0_picture=st.sampled_from([0, 253]),
    picture_ids=st.sampled_from(["none", "short", "long"]),
    tl0=st.booleans(),
)
steps = st.one_of(
    st.tuples(st.just("frame"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("keyframe"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("padding"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("route"), st.integers(0, 3), st.just(0)),
)


def _run(
    publishers: list[Camera],
    course: list[tuple[str, int, int]],
    fates: st.DataObject | None,
) -> tuple[list[Received], int]:
    """What a receiver got, and how many packets were lost or overtaken on the way in."""
    matrix = Matrix()
    for number, publisher in enumerate(publishers):
        publisher.number = number
    sources = [matrix.publish(publisher) for publisher in publishers]
    leg = matrix.receive(first_sequence=32_767, first_timestamp=2**32 - 1, first_picture_id=32_766)[
        1
    ]
    held: list[tuple[int, bytes]] = []
    disturbed = 0
    matrix.route("r stage:1 0")
    for what, which, parts in course:
        matrix.pass_time(0.033)
        if what == "route":
            matrix.route(*([f"r stage:1 {which}"] if which < len(publishers) else []))
            continue
        camera = publishers[which]
        if what == "padding":
            packets = [camera.padding()]
        else:
            packets = camera.frame(keyframe=what == "keyframe", parts=parts)
        for packet in packets:
            fate = fates.draw(st.sampled_from(["", "", "", "lose", "hold"])) if fates else ""
            disturbed += fate != ""
            if fate == "hold":
                held.append((which, packet))
            elif fate == "":
                matrix.send(sources[which], packet)
        if fates and held and fates.draw(st.booleans()):
            late, packet = held.pop()
            matrix.send(sources[late], packet)
    return leg.received(), disturbed


@settings(max_examples=200)
@given(st.lists(cameras, min_size=3, max_size=3), st.lists(steps, max_size=40))
def test_an_undisturbed_stream_is_gapless_whatever_is_switched(
    publishers: list[Camera], course: list[tuple[str, int, int]]
) -> None:
    received, _ = _run(publishers, course, None)
    for before, after in pairwise(received):
        assert after.sequence == before.sequence + 1
        same_frame = after.label[:2] == before.label[:2]
        assert (after.timestamp == before.timestamp) is same_frame
        assert after.timestamp >= before.timestamp
        assert after.picture == before.picture + (0 if same_frame else 1)
        if after.label.source != before.label.source:
            assert after.starts_keyframe
    if received:
        assert received[0].starts_keyframe


@settings(max_examples=200)
@given(st.lists(cameras, min_size=3, max_size=3), st.lists(steps, max_size=40), st.data())
def test_loss_and_reordering_leave_holes_but_no_disorder(
    publishers: list[Camera], course: list[tuple[str, int, int]], fates: st.DataObject
) -> None:
    received, disturbed = _run(publishers, course, fates)
    numbers = [one.sequence for one in received]
    assert len(numbers) == len(set(numbers))  # no SRTP index is used twice
    if not received:
        return
    ordered = sorted(received, key=lambda one: one.sequence)
    assert numbers[-1] - numbers[0] < len(received) + disturbed
    assert ordered[0] is received[0]
    for before, after in pairwise(ordered):
        same_frame = after.label[:2] == before.label[:2]
        assert (after.timestamp == before.timestamp) is same_frame
        assert after.timestamp >= before.timestamp
        assert (after.picture == before.picture) if same_frame else (after.picture > before.picture)
        if after.label.source != before.label.source:
            assert after.starts_keyframe
        else:
            assert after.label > before.label
