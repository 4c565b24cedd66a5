"""The E-model, at points that its sources give, and its order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score import BEST_R, CODEC_DELAY_S, Impairments, delay_cost, loss_cost, quality
from monitor.thresholds import Thresholds


def test_nothing_known_is_no_quality() -> None:
    assert quality(Impairments()) is None


def test_a_line_without_faults_is_nearly_one() -> None:
    best = quality(Impairments(0.0, 0.0, 0.0, 0.0))
    assert best == pytest.approx(0.99, abs=0.01)


@pytest.mark.parametrize(("one_way_ms", "points"), [(100, 2.4), (177.3, 4.2552), (400, 34.097)])
def test_delay_costs_what_cole_and_rosenbluth_give(one_way_ms: float, points: float) -> None:
    rtt_s = 2 * (one_way_ms / 1000 - CODEC_DELAY_S)
    assert delay_cost(rtt_s, 0.0) == pytest.approx(points)


@pytest.mark.parametrize(("percent", "points"), [(0, 0.0), (1, 3.6398), (5, 15.7807), (100, 75.94)])
def test_loss_costs_what_g107_gives(percent: float, points: float) -> None:
    assert loss_cost(percent / 100) == pytest.approx(points, abs=0.01)


def test_a_picture_that_stands_half_of_the_time_halves_it() -> None:
    moving = quality(Impairments(rtt_s=0.02, freeze_ratio=0.0))
    assert moving is not None
    assert quality(Impairments(rtt_s=0.02, freeze_ratio=0.5)) == pytest.approx(moving / 2)


@pytest.mark.parametrize(
    ("seen", "grade"),
    [
        (Impairments(loss_ratio=0.02, rtt_s=0.1, jitter_s=0.01), "good"),
        (Impairments(rtt_s=0.25, jitter_s=0.02), "good"),
        (Impairments(loss_ratio=0.05, rtt_s=0.1), "fair"),
        (Impairments(rtt_s=0.6), "fair"),
        (Impairments(loss_ratio=0.2), "poor"),
        (Impairments(rtt_s=1.2), "poor"),
        (Impairments(freeze_ratio=0.5), "poor"),
        (Impairments(loss_ratio=1.0, rtt_s=60.0, jitter_s=9.0, freeze_ratio=1.0), "poor"),
    ],
)
def test_where_the_grades_lie(seen: Impairments, grade: str) -> None:
    value, limits = quality(seen), Thresholds()
    assert value is not None
    below = (value < limits.fair_below) + (value < limits.poor_below)
    assert ("good", "fair", "poor")[below] == grade


anything = st.none() | st.floats(-1e9, 1e9)


@given(st.builds(Impairments, anything, anything, anything, anything))
def test_it_is_a_share_whatever_comes_in(seen: Impairments) -> None:
    value = quality(seen)
    assert value is None or 0.0 <= value <= 1.0


@given(st.floats(0, 1), st.floats(0, 5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_loss_is_never_better(
    loss: float, rtt_s: float, jitter_s: float, freeze: float, more: float
) -> None:
    less = quality(Impairments(loss * more, rtt_s, jitter_s, freeze))
    worse = quality(Impairments(loss, rtt_s, jitter_s, freeze))
    assert less is not None
    assert worse is not None
    assert worse <= less
    assert BEST_R > 0
