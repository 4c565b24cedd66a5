"""Many wishes for keyframes, few requests."""

from itertools import pairwise

import pytest

from bridge.keyframes import (
    BURST,
    MIN_INTERVAL_S,
    PATIENT_REPEATS,
    REPEAT_S,
    SLOW_REPEAT_S,
    KeyframeAsker,
)
from bridge.source import Source
from tests.fakes.streams import Camera


@pytest.fixture
def source() -> Source:
    return Camera(1).source()


def test_want_asks_at_once_and_merges_further_wishes(source: Source) -> None:
    asker = KeyframeAsker()
    assert asker.want(0.0, source) == [source]
    assert asker.want(0.01, source) == []
    assert source.keyframe_requests == 1


def test_each_source_is_asked_for_itself(source: Source) -> None:
    other = Camera(2).source()
    asker = KeyframeAsker()
    assert asker.want(0.0, source) == [source]
    assert asker.want(0.0, other) == [other]


def test_a_request_is_repeated_until_the_keyframe_comes(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    assert asker.next_deadline() == REPEAT_S
    assert asker.handle_timeout(REPEAT_S - 0.01) == []
    assert asker.handle_timeout(REPEAT_S) == [source]
    assert asker.next_deadline() == 2 * REPEAT_S
    asker.content(source)
    assert asker.next_deadline() is None
    assert asker.handle_timeout(10.0) == []


def test_a_new_wish_soon_after_the_last_request_waits_its_turn(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asker.content(source)
    assert asker.want(0.1, source) == []
    assert asker.next_deadline() == MIN_INTERVAL_S
    assert asker.handle_timeout(MIN_INTERVAL_S) == [source]
    asker.content(source)
    assert asker.want(2 * MIN_INTERVAL_S, source) == [source]


def test_who_begins_needs_not_wait_after_an_answered_request(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asker.content(source)
    assert asker.want(0.1, source, begins=True) == [source]
    asker.content(source)
    assert asker.next_deadline() is None


def test_who_begins_needs_not_wait_for_one_who_does(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asker.content(source)
    assert asker.want(0.1, source) == []
    assert asker.want(0.15, source, begins=True) == [source]


def test_an_unanswered_request_serves_who_begins_too(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    assert asker.want(0.1, source, begins=True) == []
    assert asker.next_deadline() == REPEAT_S


def test_an_encoder_that_passes_over_a_quick_request_is_asked_when_its_interval_is_over(
    source: Source,
) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asker.content(source)
    asker.want(0.1, source, begins=True)
    assert asker.next_deadline() == MIN_INTERVAL_S
    assert asker.handle_timeout(MIN_INTERVAL_S) == [source]
    assert asker.next_deadline() == MIN_INTERVAL_S + REPEAT_S


def test_quick_requests_are_rationed(source: Source) -> None:
    asker = KeyframeAsker()
    asked = []
    for step in range(100):
        now = step * 0.01
        if asker.want(now, source, begins=True) or asker.handle_timeout(now):
            asked.append(now)
            asker.content(source)
    assert asked[:BURST] == [0.0, 0.01, 0.02]
    assert len(asked) <= BURST + 1.0 / MIN_INTERVAL_S
    assert all(after - before > 0.25 for before, after in pairwise(asked[BURST - 1 :]))


def test_a_source_that_never_obeys_is_asked_less_often(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asked = [0.0]
    while len(asked) < PATIENT_REPEATS + 2:
        deadline = asker.next_deadline()
        assert deadline is not None
        assert asker.handle_timeout(deadline) == [source]
        asked.append(deadline)
    steps = [round(after - before, 6) for before, after in pairwise(asked)]
    assert steps == [REPEAT_S] * (PATIENT_REPEATS - 1) + [SLOW_REPEAT_S] * 2


def test_a_keyframe_restores_the_quick_repeats(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    for n in range(1, PATIENT_REPEATS):
        asker.handle_timeout(n * REPEAT_S)
    asker.content(source)
    asker.want(100.0, source)
    assert asker.next_deadline() == 100.0 + REPEAT_S


def test_a_forgotten_source_is_asked_no_more(source: Source) -> None:
    asker = KeyframeAsker()
    asker.want(0.0, source)
    asker.forget(source)
    assert asker.next_deadline() is None
    asker.forget(source)
    asker.content(source)
