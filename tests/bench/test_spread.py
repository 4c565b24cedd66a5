import math

from tests.bench.spread import Spread, rotated, show, spread


def test_a_spread_is_the_median_and_the_ends():
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
    assert spread([4.0, 2.0]) == Spread(3.0, 2.0, 4.0)


def test_what_was_not_measured_does_not_count():
    assert spread([math.nan, 2.0]) == Spread(2.0, 2.0, 2.0)
    assert spread([math.nan]) is None
    assert show([]) == "–"


def test_the_range_is_shown_where_it_can_be_seen():
    assert show([9.74, 9.5, 10.06], 1) == "9.7 (9.5–10.1)"
    assert show([9.74, 9.71], 1) == "9.7"
    assert show([65_093, 65_093.2], 0) == "65,093"


def test_each_turn_begins_with_another_subject():
    assert [rotated(["a", "b", "c"], turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert sorted(rotated(["a", "b", "c"], 5)) == ["a", "b", "c"]
    assert rotated([], 3) == []
