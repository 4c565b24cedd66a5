"""When a queue grows on the way, and what only looks like one."""

from __future__ import annotations

from collections import deque

import pytest

from bridge.delay import MIN_QUEUE_S, DelayDetector
from tests.fakes.bottleneck import Bottleneck


def _feed(path: Bottleneck, seconds: float, rate_bps: float, clock: float = 777.0) -> DelayDetector:
    detector = DelayDetector()
    for step in range(int(seconds / 0.01)):
        now = 50 + step * 0.01
        came = path.send(now, int(rate_bps / 8 * 0.01))
        if came is not None:
            detector.packet(now, came + clock)
            if detector.usage == "over":
                break
    return detector


def test_more_than_the_path_carries_is_overuse_before_the_queue_is_long() -> None:
    detector = _feed(Bottleneck(rate_bps=500e3, queue_s=2), 5, 700e3)
    assert detector.usage == "over"
    assert MIN_QUEUE_S <= detector.queue_s < 0.3


@pytest.mark.parametrize(
    "path",
    [
        Bottleneck(rate_bps=2e6),
        Bottleneck(rate_bps=2e6, loss=0.1),
        Bottleneck(rate_bps=2e6, jitter_s=0.03),
        Bottleneck(rate_bps=2e6, stall_s=0.2),
    ],
    ids=["free", "lossy", "jittery", "stalling"],
)
def test_a_path_that_carries_it_is_never_overused(path: Bottleneck) -> None:
    detector = _feed(path, 60, 700e3)
    assert detector.usage != "over"
    assert not detector.overfull


def test_a_queue_that_stays_long_is_overfull_without_any_slope() -> None:
    detector = DelayDetector()
    detector.packet(1.0, 1.0)
    for step in range(200):
        detector.packet(1.1 + step * 0.02, 1.25 + step * 0.02)
        overfull = detector.overfull
    assert detector.usage != "over"
    assert overfull


def test_another_clock_that_drifts_is_no_queue() -> None:
    detector = DelayDetector()
    for step in range(6000):
        sent = step * 0.02
        # 100 parts in a million: 12 ms in two minutes
        detector.packet(sent, 3000 + sent * 1.0001)
        assert detector.usage != "over"
        assert not detector.overfull


def test_after_a_restart_the_old_slope_is_forgotten_but_the_delay_is_known() -> None:
    detector = _feed(Bottleneck(rate_bps=500e3, queue_s=2), 5, 700e3)
    assert detector.usage == "over"
    detector.restart()
    assert detector.usage == "normal"
    assert detector.queue_s == 0
    for step in range(2):
        detector.packet(60.0 + step, 777 + 60.5 + step)
    assert detector.queue_s > 0.4


def test_a_clock_that_runs_backwards_leaves_nothing_behind() -> None:
    detector = DelayDetector()
    for step in range(20_000):
        detector.packet(step * 0.01, 3000 - step * 0.01)
    before = sum(len(one) for one in vars(detector).values() if isinstance(one, deque))
    assert before < 100
