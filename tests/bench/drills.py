"""Runs `diemcau drill` as anyone would, and reads its report and what its processes took."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.runfile import read_run
from tests.bench import proc
from tests.bench.quiet import come_first

LIMIT_S = 180.0
_LOOK_EVERY_S = 0.5
PARTS = ("bridge", "signaling")


@dataclass(frozen=True)
class DrillRun:
    """One drill. `faults` has a line for each step that did not pass; `figures` are by step and
    name; `peak_kib` by process; `bridge_busiest` is a share of one core, over half a second.
    """

    passed: bool
    faults: list[str]
    figures: Mapping[tuple[str, str], float]
    peak_kib: Mapping[str, int]
    bridge_busiest: float


@dataclass
class Watch:
    """Looks at the drill's own service through its run file, while there is one."""

    folder: Path
    peak_kib: dict[str, int] = field(default_factory=dict)
    busiest: float = 0.0
    _before: tuple[int, float, float] | None = None

    def look(self) -> None:
        """Take one reading; processes may come and go meanwhile."""
        for data_dir in self.folder.glob("diemcau-drill-*/data"):
            run = read_run(data_dir)
            for part in PARTS:
                if run is not None and part in run.pids:
                    with contextlib.suppress(OSError, KeyError, ValueError):
                        self._read(part, run.pids[part])

    def _read(self, part: str, pid: int) -> None:
        peak = proc.memory(pid).peak_kib
        self.peak_kib[part] = max(peak, self.peak_kib.get(part, 0))
        if part != "bridge":
            return
        now, used = time.monotonic(), proc.cpu_s(pid)
        if self._before is not None and self._before[0] == pid:
            _, at, before = self._before
            self.busiest = max(self.busiest, (used - before) / (now - at))
        self._before = (pid, now, used)


def drill(sites: int, cache: Path) -> DrillRun:
    """Run one. Raises subprocess.TimeoutExpired, or OSError if it wrote no report."""
    with tempfile.TemporaryDirectory(prefix="diemcau-bench-") as name:
        folder = Path(name)
        report = folder / "report.json"
        command = [sys.executable, "-m", "cli", "drill", "--sites", str(sites)]
        command += ["--json", str(report), "--cache", str(cache)]
        with (folder / "drill.log").open("wb") as log:
            running = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": name},
                start_new_session=True,
                preexec_fn=come_first,
            )
        watch = Watch(folder)
        try:
            deadline = time.monotonic() + LIMIT_S
            while running.poll() is None:
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired(command, LIMIT_S)
                watch.look()
                time.sleep(_LOOK_EVERY_S)
        finally:
            if running.poll() is None:
                running.terminate()
                running.wait()
        return read_report(json.loads(report.read_text()), watch)


def read_report(data: dict[str, Any], watch: Watch) -> DrillRun:
    """A drill's report, with what was watched beside it."""
    steps = data["steps"]
    return DrillRun(
        passed=bool(data["passed"]),
        faults=[_fault(step) for step in steps if step["verdict"] not in ("passed", "not run")],
        figures={
            (step["step"], name): float(value)
            for step in steps
            for name, value in step["figures"].items()
        },
        peak_kib=dict(watch.peak_kib),
        bridge_busiest=watch.busiest,
    )


def _fault(step: dict[str, Any]) -> str:
    """A step that did not pass, and the first of what was wrong."""
    found = step.get("faults", [])
    first = f": {found[0]['site']}: {found[0]['seen']}" if found else ""
    return f"{step['step']} {step['verdict']}, {len(found)} faults{first}"
