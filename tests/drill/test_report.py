"""Verdicts, percentiles and what a person reads of them."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.drilling.report import Fault, Result, as_json, passed, percentile, spread
from cli.drilling.screen import MAX_FAULTS, Screen


@pytest.mark.parametrize(
    ("verdicts", "allowed", "ok"),
    [
        (["passed", "passed"], [], True),
        (["passed", "failed"], [], False),
        (["passed", "timed out"], [], False),
        (["passed", "not run"], [], False),
        (["passed", "not run"], ["step 1"], True),
        (["failed", "not run"], ["step 1"], False),
        (["passed", "failed"], ["step 1"], False),
        ([], [], False),
    ],
)
def test_passed_needs_every_step(verdicts: list[str], allowed: list[str], ok: bool) -> None:
    results = [Result(f"step {n}", verdict) for n, verdict in enumerate(verdicts)]  # type: ignore[arg-type]
    assert passed(results, allowed) is ok


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.95) == 95
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    assert percentile(values, share) in values


def test_spread_is_in_milliseconds() -> None:
    assert spread("take", [0.1, 0.2]) == {"take_p50_ms": 100.0, "take_p95_ms": 200.0}
    assert spread("take", []) == {}


def test_as_json_names_site_expected_and_seen() -> None:
    result = Result("start", "failed", 1.234, {"n": 2.0}, [Fault("48 Đà Nẵng", "00", "saw 01")])
    assert as_json([result], 63, False) == {
        "sites": 63,
        "passed": False,
        "steps": [
            {
                "step": "start",
                "verdict": "failed",
                "seconds": 1.23,
                "figures": {"n": 2.0},
                "faults": [{"site": "48 Đà Nẵng", "expected": "00", "seen": "saw 01"}],
            }
        ],
    }


@pytest.mark.parametrize("terminal", [True, False])
def test_screen_says_which_step_which_site_and_the_verdict(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120)
    faults = [Fault(f"{n} Huế", "picture of 00", "saw 01") for n in range(MAX_FAULTS + 3)]
    results = [
        Result("join", "passed", 1.0, {"p50_ms": 5.0}),
        Result("start", "failed", 2.0, {}, faults),
    ]
    screen = Screen(console, 2)
    with screen:
        screen.preparing("pictures", 1, 2)
        for result in results:
            screen.begins(result.step)
            screen.ends(result)
    screen.summary(results, False, "1 of 2 steps")
    text = out.getvalue()
    assert "start — 3 Huế: expected picture of 00; saw 01" in text
    assert "and 3 more" in text
    assert "join" in text
    assert "p50_ms 5" in text
    assert text.rstrip().endswith("drill FAILED: 1 of 2 steps")
    assert ("\x1b[" in text) is terminal
