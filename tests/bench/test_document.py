from datetime import UTC, datetime

import pytest

from cli.drilling.rehearsal import STEP_NAMES
from tests.bench.badlines import BadLines, Distance, read_bad_lines
from tests.bench.conference import Held
from tests.bench.document import STEPS, document
from tests.bench.drills import Watch, read_report
from tests.bench.fanout import Phase, Run
from tests.bench.markdown import filled
from tests.bench.quantiles import Quantiles
from tests.bench.results import Results


def phase(rate, cpu_s):
    return Phase(rate, 3.0, 10, 1000, cpu_s, 0.3, 0.03, 1000, 5, 5, 0, 0.5, 1.5)


def run(server, cpu_s):
    return Run(server, ["GCM"], 0.5, 1024, 2048, 2048, 1, 5.0, 0, {}, [phase(160, cpu_s)])


@pytest.fixture
def results():
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return Results(at, "2 cores", True, 62, [160], 63, "1.1.2")


def test_the_page_shows_medians_ranges_and_ratios(results):
    for bridge, janus in ((0.010, 0.020), (0.012, 0.020), (0.011, 0.022)):
        results.runs += [run("bridge", bridge), run("janus", janus)]
    page = document(results)
    assert "| 210 | DiemCau's bridge | 333 | 11.00 (10.00–12.00) |" in page
    assert "| 210 | 0.55 |" in page
    assert "0.50 | 0.5 | 1.5 |" in page
    assert "1 % of a core meanwhile" in " ".join(page.split())
    assert "02 January 2026, 03:04 UTC" in page
    assert "medians of 3 runs" in page
    assert "did nothing else" in page


def test_what_is_missing_is_said(results):
    results.janus = None
    results.failures.append("the drill: it broke")
    results.parts, results.disturbed = 18, 4
    page = document(results)
    assert "Janus was not installed" in page
    assert "Failed in this run: the drill: it broke" in page
    assert "In 4 of 18 parts" in page
    assert page.count("Not measured.") == 4


def test_the_conference_and_the_drill_are_told(results):
    results.held.append(
        Held(
            64,
            6.0,
            1.2,
            0.12,
            1.3,
            60_000,
            0,
            120 * 1024,
            100 * 1024,
            Quantiles(9, 0.8, 3.2),
            Quantiles(3, 4.0, 20.0),
        )
    )
    step = "takes: all see the site on air"
    steps = [{"step": step, "verdict": "passed", "figures": {"first_frame_p50_ms": 132}}]
    results.drills.append(read_report({"passed": True, "steps": steps}, Watch(None)))
    assert results.drills[0].faults == []
    page = document(results)
    assert "| bridge, share of a core | 0.200 |" in page
    assert "| bridge CPU per forwarded packet, µs | 20.0 |" in page
    assert "outside bursts, p50 / p99, ms | 0.80 / 3.20 |" in page
    assert "takes), p50 / p99, ms | 4.00 / 20.00 |" in page
    assert "| take → first frame of the new source | 132 | – |" in page


def test_the_steps_that_are_shown_are_steps_of_the_drill():
    assert {step for step, _, _ in STEPS} <= set(STEP_NAMES)


def test_lines_are_filled_but_not_those_of_tables():
    table = "| a | b |\n| --- | --- |\n| " + "x" * 120 + " | 2 |"
    page = filled(f"# Title\n\n{'word ' * 40}\n\n- one\n  more\n- two\n\n{table}")
    assert all(len(line) <= 100 for line in page.splitlines() if not line.startswith("|"))
    assert "- one more\n- two\n" in page
    assert page.endswith(table)


def test_a_step_that_did_not_pass_is_told_with_its_first_fault():
    fault = {"site": "48", "expected": "a picture", "seen": "no picture decoded"}
    steps = [
        {"step": "takes", "verdict": "failed", "figures": {}, "faults": [fault, fault]},
        {"step": "mute", "verdict": "timed out", "figures": {}},
        {"step": "end", "verdict": "passed", "figures": {}},
    ]
    found = read_report({"passed": False, "steps": steps}, Watch(None))
    assert found.faults == [
        "takes failed, 2 faults: 48: no picture decoded",
        "mute timed out, 0 faults",
    ]


def test_bad_lines_are_told_with_the_ratio_that_counts(results):
    results.lines.append(
        BadLines(
            free_fps=[20.0, 19.0],
            lossy_fps=[16.0, 17.5],
            source_fps=20,
            low_s=1.1,
            begin_s=6.1,
            begin_fps=18.2,
            begin_concealed=0.023,
            slow_s=30.2,
            slow_fps=19.6,
            slow_concealed=0.014,
            slow_switches=0,
            back_s=20.7,
            after_s=30,
            after_switches=2,
            alone_s=0.6,
            alone_concealed=0,
            returned_s=9,
            distances=[Distance("up", "RTT 200 ms", 18.24, 0.031, 0.12)],
        )
    )
    page = document(results)
    assert "| of those without loss, % | 86 |" in page
    assert "| sound made up by the browser meanwhile, % | 1.4 |" in page
    assert "| changes of the layer in the 30 s after that | 2 |" in page
    assert "| from Chromium | RTT 200 ms | 18.2 | 3.1 | 12 |" in page


def test_what_is_no_run_of_bad_lines_is_refused():
    with pytest.raises(ValueError, match="missing"):
        read_bad_lines("{}")
