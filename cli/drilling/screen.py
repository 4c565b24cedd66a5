"""What the person who runs the drill sees: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.drilling.report import Result, Verdict

_MARKS: dict[Verdict, str] = {
    "passed": "[green]passed[/]",
    "failed": "[red]failed[/]",
    "timed out": "[red]timed out[/]",
    "not run": "[yellow]not run[/]",
}
MAX_FAULTS = 12
"""Faults shown for one step; the JSON report has all."""


class Screen:
    """Shows the progress of so many steps. Use it as a context manager; then `summary`."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._steps = self._progress.add_task("drill", total=steps)
        self._part: TaskID | None = None

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def preparing(self, what: str, done: int, total: int) -> None:
        """Something long before the first step, so far done."""
        if self._part is None:
            self._part = self._progress.add_task(what, total=total)
        self._progress.update(self._part, completed=done, visible=done < total)

    def begins(self, step: str) -> None:
        """A step has begun."""
        self._progress.update(self._steps, description=step)

    def ends(self, result: Result) -> None:
        """A step is over."""
        self._progress.advance(self._steps)
        if not self._console.is_terminal:
            figures = "".join(f", {name} {_number(value)}" for name, value in _figures(result))
            self._line(f"{result.verdict:9} {result.step} ({result.seconds:.1f} s{figures})")

    def summary(self, results: Sequence[Result], ok: bool, words: str) -> None:
        """The table of all steps, each fault, and the verdict in one line."""
        if self._console.is_terminal:
            self._console.print(_table(results))
        for result in results:
            for fault in result.faults[:MAX_FAULTS]:
                self._line(f"  {result.step} — {fault}")
            if len(result.faults) > MAX_FAULTS:
                self._line(f"  {result.step} — and {len(result.faults) - MAX_FAULTS} more")
        self._line(f"drill {'PASSED' if ok else 'FAILED'}: {words}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _table(results: Sequence[Result]) -> Table:
    table = Table(title="Drill")
    table.add_column("step")
    table.add_column("verdict")
    table.add_column("s", justify="right")
    table.add_column("figures")
    for result in results:
        figures = "\n".join(f"{name} {_number(value)}" for name, value in _figures(result))
        mark = _MARKS[result.verdict]
        table.add_row(result.step, mark, f"{result.seconds:.1f}", figures)
    return table


def _figures(result: Result) -> list[tuple[str, float]]:
    return [(name, value) for name, value in result.figures.items() if not math.isnan(value)]


def _number(value: float) -> str:
    return f"{value:g}"
