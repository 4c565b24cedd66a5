"""Quantiles of histograms."""

import math

import pytest

from tests.bench.quantiles import NOTHING, quantiles

INF = math.inf


def test_only_what_came_between_the_readings_counts():
    before = {0.001: 50, 0.002: 50, INF: 50}
    found = quantiles(before, {0.001: 50, 0.002: 150, INF: 150})
    assert found.packets == 100
    assert found.p50_ms == pytest.approx(1.5)
    assert found.p99_ms == pytest.approx(1.99)


def test_beyond_the_last_edge_it_is_that_edge():
    assert quantiles({}, {0.5: 0, INF: 3}).p99_ms == 500


def test_nothing_came():
    assert quantiles({0.5: 3, INF: 3}, {0.5: 3, INF: 3}) is NOTHING
