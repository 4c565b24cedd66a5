"""``python -m tests.bench``: all measurements, a table, and docs/measurements.md."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bench import (
    badlines,
    conference,
    drills,
    fanout,
    janusserver,
    proc,
)
from tests.bench.badlines import BadLines
from tests.bench.conference import Held
from tests.bench.document import document
from tests.bench.drills import DrillRun
from tests.bench.fanout import Job, Run
from tests.bench.namespace import Place, place
from tests.bench.packets import AUDIO_PER_S
from tests.bench.quiet import Patience, come_first
from tests.bench.results import NAMES, Results
from tests.bench.sections import kept
from tests.bench.spread import rotated, show

PAGE = Path(__file__).parents[2] / "docs" / "measurements.md"
LIMIT_S = 12 * 60.0
"""What has not begun by then is left out."""
RECEIVERS = 62
RATES = [160, 500, 1000]
SITES = 63
SECONDS = 5.0
HOLD_S = 6.0

Work = tuple[str, Callable[[], Run | Held | DrillRun | BadLines]]


def main() -> int:
    """Measure, show and write; 1 if something failed."""
    options = _options()
    console = Console()
    results = Results(
        at=datetime.now(UTC),
        machine=proc.machine(),
        isolated=False,
        receivers=RECEIVERS,
        rates=RATES,
        sites=SITES,
        janus=_janus_version(),
    )
    if results.janus is None:
        console.print(f"Janus is not installed, so it is left out: {janusserver.INSTALL}")
    # so that the namespace goes, too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("stopped"))
    begin = time.monotonic()
    with place() as where, tempfile.TemporaryDirectory(prefix="diemcau-loops-") as cache:
        results.isolated = where.isolated
        if not where.isolated:
            console.print("Without root there is no namespace, and Janus is left out")
        work = list(_work(options, where, Path(cache), results.janus is not None))
        patience = Patience(options.patience)
        _carry_out(work, results, console, begin + LIMIT_S, patience)
    results.took_s = time.monotonic() - begin
    results.disturbed, results.parts = patience.disturbed, len(work)
    _show(results, console)
    before = options.output.read_text() if options.output.exists() else ""
    options.output.write_text(kept(document(results), before))
    console.print(f"Written: {options.output}")
    for failure in results.failures:
        console.print(f"FAILED: {failure}", style="red")
    return 1 if results.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="of everything (3)")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        help="seconds to wait for an idle machine, in all (60)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=("fanout", "conference", "drill", "lines"),
        help="leave out the rest",
    )
    return parser.parse_args()


def _work(options: argparse.Namespace, where: Place, cache: Path, janus: bool) -> Iterator[Work]:
    """What to do, in order: subjects take turns, and begin with another one each repetition."""
    servers = [
        one for one in fanout.SERVERS if not one.startswith("janus") or (janus and where.isolated)
    ]
    for turn in range(options.repetitions):
        parts: list[Work] = [
            (f"S1, {NAMES[server]}", partial(_fanout, where, server))
            for server in rotated(servers, turn)
        ]
        kinds = {"fanout": parts}
        kinds["conference"] = [("S2, the whole conference", partial(_conference, cache))]
        kinds["drill"] = [("the drill", partial(drills.drill, SITES, cache))]
        # it takes minutes, and holds repetitions of its own
        last = turn == options.repetitions - 1
        kinds["lines"] = [("bad lines", _bad_lines)] if last and where.isolated else []
        for kind, found in kinds.items():
            if options.only is None or kind in options.only:
                yield from found


def _carry_out(
    work: list[Work], results: Results, console: Console, deadline: float, patience: Patience
) -> None:
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )
    allowed_s = patience.left_s
    with progress:
        task = progress.add_task("", total=len(work))
        for name, do in work:
            progress.update(task, description=name)
            if time.monotonic() > deadline + allowed_s - patience.left_s:
                results.failures.append(f"{name}: no time was left")
                continue
            try:
                _keep(results, patience.measure(do))
            except (subprocess.SubprocessError, OSError, ValueError) as error:
                results.failures.append(f"{name}: {error}")
            progress.advance(task)


def _keep(results: Results, found: Run | Held | DrillRun | BadLines) -> None:
    match found:
        case Run():
            results.runs.append(found)
        case Held():
            results.held.append(found)
        case BadLines():
            results.lines.append(found)
        case DrillRun():
            results.drills.append(found)
            results.failures += [f"a drill did not pass: {fault}" for fault in found.faults]


def _fanout(where: Place, server: str) -> Run:
    job = Job(server, where.address, RECEIVERS, RATES, SECONDS)
    command = [*where.prefix, *_python("fanout"), json.dumps(asdict(job))]
    return fanout.read_run(_run(command, fanout.LIMIT_S))


def _conference(cache: Path) -> Held:
    command = [*_python("conference"), str(SITES), str(HOLD_S), str(cache)]
    return conference.read_held(_run(command, conference.LIMIT_S))


def _bad_lines() -> BadLines:
    return badlines.read_bad_lines(_run(_python("badlines"), badlines.LIMIT_S))


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.{module}"]


def _run(command: list[str], limit_s: float) -> str:
    """The output of a part, which ends by itself; if not, it is ended with all that it started."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=come_first,
    ) as running:
        try:
            out, err = running.communicate(timeout=limit_s + 15)
        except BaseException:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    if running.returncode != 0:
        raise ValueError(err.strip()[-600:] or f"ended with {running.returncode}")
    return out


def _janus_version() -> str | None:
    if not janusserver.installed():
        return None
    found = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "janus"], capture_output=True, text=True
    )
    return found.stdout.strip() or "of unknown version"


def _show(results: Results, console: Console) -> None:
    shown = Table(title=f"S1: one publisher to {results.receivers} receivers (medians)")
    for head in ("packets/s in", "server", "CPU per packet, µs", "core", "lost, %", "p99, ms"):
        shown.add_column(head, justify="left" if head == "server" else "right")
    for rate in results.rates:
        for server in results.servers:
            phases = results.phases(server, rate)
            figures = (
                ((one.cpu_us for one in phases), 2),
                ((one.server_cpu_s / one.seconds for one in phases), 2),
                ((100 * one.lost / one.expected for one in phases), 2),
                ((one.delay_p99_ms for one in phases), 1),
            )
            shown.add_row(
                f"{rate + AUDIO_PER_S:,}",
                NAMES[server].partition(":")[0].replace("`", ""),
                *(show(values, digits).partition(" ")[0] for values, digits in figures),
            )
        shown.add_section()
    console.print(shown)
    if results.held:
        share = show((one.bridge_cpu_s / one.seconds for one in results.held), 3)
        console.print(f"S2: {results.sites + 1} sites, bridge {share} of a core")
    if results.drills:
        passed = sum(one.passed for one in results.drills)
        console.print(f"drill: {passed} of {len(results.drills)} passed")


if __name__ == "__main__":
    sys.exit(main())
