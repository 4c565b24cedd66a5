"""Hysteresis: so many in a row, and to the nearest of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.grade import Grader
from monitor.thresholds import Thresholds

GOOD, FAIR, POOR = 0.95, 0.75, 0.3
LIMITS = Thresholds(worse_in_a_row=3, better_in_a_row=4)


def grades(*qualities: float | None) -> list[str]:
    grader = Grader(LIMITS)
    return [grader.take_in(quality) for quality in qualities]


def test_three_worse_in_a_row_lower_it() -> None:
    assert grades(FAIR, FAIR, FAIR) == ["good", "good", "fair"]


def test_one_good_between_begins_anew() -> None:
    assert grades(POOR, POOR, GOOD, POOR, POOR)[-1] == "good"


def test_of_mixed_ones_the_mildest_counts() -> None:
    assert grades(POOR, FAIR, POOR, POOR, POOR, POOR) == ["good"] * 2 + ["fair"] * 3 + ["poor"]


def test_it_rises_more_slowly_and_to_the_worst_of_them() -> None:
    assert grades(POOR, POOR, POOR, GOOD, GOOD, FAIR, GOOD)[-2:] == ["poor", "fair"]


def test_better_and_worse_do_not_add_up() -> None:
    assert grades(FAIR, FAIR, FAIR, GOOD, GOOD, POOR, POOR, GOOD, GOOD)[-1] == "fair"


def test_nothing_known_changes_nothing() -> None:
    assert grades(None, None, None, None) == ["good"] * 4
    assert grades(POOR, POOR, None, POOR)[-1] == "good"


def test_restart_forgets_what_was() -> None:
    grader = Grader(LIMITS)
    for _ in range(3):
        grader.take_in(POOR)
    grader.restart()
    assert grader.grade == "good"
    assert grader.take_in(POOR) == "good"


@given(st.lists(st.floats(0, 1), max_size=60))
def test_it_never_moves_twice_within_so_many(qualities: list[float]) -> None:
    seen = ["good", *grades(*qualities)]
    moves = [n for n in range(1, len(seen)) if seen[n] != seen[n - 1]]
    assert all(later - earlier >= 3 for earlier, later in pairwise(moves))
