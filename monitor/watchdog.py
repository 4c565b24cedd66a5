"""The monitor's shell: reads samples, ticks, publishes reports, logs each change once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import get_args

import structlog

from monitor.board import TICK_S, Board, SiteEdge
from monitor.metrics import SiteMetrics
from signaling.wire.samples import ConferenceClosed, HealthReport, Sample

log = structlog.get_logger("monitor")


class Watchdog:
    """Runs a board. `publish` takes each report, `clock` gives Unix seconds."""

    def __init__(
        self,
        board: Board,
        publish: Callable[[HealthReport], None],
        clock: Callable[[], float],
        metrics: SiteMetrics,
    ) -> None:
        self._board = board
        self._publish = publish
        self._clock = clock
        self._metrics = metrics

    async def run(self, samples: AsyncIterable[object], ticks: AsyncIterable[None]) -> None:
        """Watch until `samples` ends (the bus closes) or the task is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(self._tick(ticks))
            async for sample in samples:
                self.take_in(sample)
            ticking.cancel()

    def take_in(self, sample: object) -> None:
        """One message of the bus; what is no sample is passed over."""
        if not isinstance(sample, get_args(Sample)):
            return
        if isinstance(sample, ConferenceClosed):
            self._metrics.forget(sample.conference)
        for edge in self._board.handle(self._clock(), sample):
            _log(edge)

    async def _tick(self, ticks: AsyncIterable[None]) -> None:
        async for _ in ticks:
            edges, reports = self._board.tick(self._clock())
            for edge in edges:
                _log(edge)
            for report in reports:
                self._metrics.update(report)
                self._publish(report)


async def every_second() -> AsyncIterator[None]:
    """Ticks for `Watchdog.run`. Late ones are not made up for: a stall shows as one gap."""
    while True:
        await asyncio.sleep(TICK_S)
        yield None


def _log(change: SiteEdge) -> None:
    edge = change.edge
    fields = {
        "conference": change.conference,
        "site": change.site,
        "before": edge.before,
        "since": edge.at,
        "cause": edge.cause,
    }
    if edge.after == "lost":
        log.warning("site lost", **fields, next_step="call the site's contact if it stays away")
    else:
        log.info(f"site {edge.after}", **fields)
