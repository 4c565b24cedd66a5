"""The part of the page about bad lines."""

from __future__ import annotations

from tests.bench.badlines import BadLines
from tests.bench.markdown import table
from tests.bench.results import Results
from tests.bench.spread import show, spread


def bad_lines(results: Results) -> str:
    """Real Chromium behind slow, lossy and long lines."""
    title = "## Bad lines: real Chromium"
    if not results.lines:
        return f"{title}\n\nNot measured."
    one = results.lines[-1]
    return "\n\n".join((title, _losses(one), _distances(one), _slow(one)))


def _losses(one: BadLines) -> str:
    free, lossy = spread(one.free_fps), spread(one.lossy_fps)
    assert free is not None
    assert lossy is not None
    rows = [
        ("decoded pictures/s without loss", show(one.free_fps)),
        ("decoded pictures/s with 5 % random loss", show(one.lossy_fps)),
        ("of those without loss, %", f"{100 * lossy.median / free.median:.0f}"),
    ]
    return f"""`.venv/bin/python -m tests.bench.badlines`, or `make bench`.
The bridge and a publisher with pre-encoded VP8 ({one.source_fps:.0f} pictures a second, layers of
120, 400 and 1,200 kbit/s; Opus at 24 kbit/s without in-band FEC) in one network namespace, Chromium
in another, a cable between them that a process of its own makes slow, long and lossy
(`tests/network/relay.py`); one run. Losses are at random. Figures in brackets are
lowest–highest of {len(one.free_fps)}; both take turns.

{table(("towards Chromium, 5 % lost on the way down", "median (lowest–highest)"), rows)}"""


def _distances(one: BadLines) -> str:
    rows = [
        (
            {"down": "towards Chromium", "up": "from Chromium"}[run.way],
            run.line,
            f"{run.fps:.1f}",
            f"{100 * run.concealed:.1f}",
            f"{100 * run.frozen:.0f}",
        )
        for run in one.distances
    ]
    head = ("", "line, jitter 30 ms", "decoded pictures/s", "sound made up, %", "frozen, %")
    return f"""Far away, with losses in both directions. *From Chromium*: it publishes 20 pictures
a second and receives them itself; nothing is lost on the way back. Frozen is what Chromium counts
as such: a picture that comes 150 ms later than usual.

{table(head, rows)}"""


def _slow(one: BadLines) -> str:
    rows = [
        ("until the low layer is shown, s", f"{one.low_s:.1f}"),
        (f"decoded pictures/s in the first {one.begin_s:.0f} s", f"{one.begin_fps:.1f}"),
        ("sound made up by the browser meanwhile, %", f"{100 * one.begin_concealed:.1f}"),
        (f"decoded pictures/s over the next {one.slow_s:.0f} s", f"{one.slow_fps:.1f}"),
        ("sound made up by the browser meanwhile, %", f"{100 * one.slow_concealed:.1f}"),
        ("changes of the layer meanwhile", f"{one.slow_switches}"),
        ("line free again → best layer, s", f"{one.back_s:.1f}"),
        (f"changes of the layer in the {one.after_s:.0f} s after that", f"{one.after_switches}"),
        ("single layer: until the sound is alone, s", f"{one.alone_s:.1f}"),
        ("single layer: sound made up by the browser then, %", f"{100 * one.alone_concealed:.1f}"),
        ("single layer: line free again → picture, s", f"{one.returned_s:.1f}"),
    ]
    return f"""With 400 kbit/s towards the browser and a queue of 0.3 s, all three layers, or
that of 1,200 kbit/s alone:

{table(("400 kbit/s towards Chromium", ""), rows)}"""
