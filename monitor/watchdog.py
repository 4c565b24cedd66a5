"""The monitor's shell: reads samples, ticks, publishes reports, logs each change once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import get_args

import structlog

from monitor.board import TICK_S, Board, Change, NodeSuspected
from monitor.health import ALIVE, CodecEdge, ControlEdge, Edge
from monitor.history import History
from monitor.metrics import SiteMetrics
from signaling.wire.samples import ConferenceClosed, HealthReport, Sample

log = structlog.get_logger("monitor")


class Watchdog:
    """Runs a board. `publish` takes each report, `clock` gives Unix seconds; metrics and history
    are kept current."""

    def __init__(
        self,
        board: Board,
        publish: Callable[[HealthReport], None],
        clock: Callable[[], float],
        metrics: SiteMetrics,
        history: History | None = None,
    ) -> None:
        self._board = board
        self._publish = publish
        self._clock = clock
        self._metrics = metrics
        self._history = history or History()

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
        for change in self._board.handle(self._clock(), sample):
            _log(change)

    async def _tick(self, ticks: AsyncIterable[None]) -> None:
        async for _ in ticks:
            changes, reports = self._board.tick(self._clock())
            for change in changes:
                _log(change)
            for report in reports:
                self._metrics.update(report)
                self._history.record(report)
                self._publish(report)


async def every_half_second() -> AsyncIterator[None]:
    """Ticks for `Watchdog.run`. Late ones are not made up for: a stall shows as one gap."""
    while True:
        await asyncio.sleep(TICK_S)
        yield None


def _log(change: Change) -> None:
    if isinstance(change, NodeSuspected):
        _log_node(change)
        return
    names = {"conference": change.conference, "site": change.site}
    if isinstance(change.edge, ControlEdge):
        _log_control(change.edge, names)
    elif isinstance(change.edge, CodecEdge):
        log.warning(
            "site's encoder has another codec",
            **names,
            since=change.edge.at,
            offered=change.edge.offered,
            codec=change.edge.codec,
            next_step=f"have the encoder set to {change.edge.codec}",
        )
    else:
        _log_state(change.edge, names)


def _log_state(edge: Edge, names: dict[str, str]) -> None:
    fields = names | {"before": edge.before, "cause": edge.cause}
    match edge.after:
        case "lost":
            next_step = "call the site's contact if it stays away"
            log.warning("site lost", **fields, since=edge.at, next_step=next_step)
        case "poor":
            next_step = "look at the site's line before it speaks"
            log.warning("site poor", **fields, since=edge.at, next_step=next_step)
        case _:
            log.info(f"site {edge.after}", **fields, since=edge.at)


def _log_control(edge: ControlEdge, names: dict[str, str]) -> None:
    if edge.after == "lost" and edge.state in ALIVE:
        log.warning(
            "control lost, media good",
            **names,
            since=edge.at,
            next_step="sound and picture go on; the page comes back by itself, or reload it",
        )
    else:
        log.info(f"control {edge.after}", **names, since=edge.at, before=edge.before)


def _log_node(change: NodeSuspected) -> None:
    if change.suspected:
        log.error(
            "bridge node hears nobody",
            node=change.node,
            since=change.at,
            next_step="look at this node and its network, not at the sites",
        )
    else:
        log.info("bridge node is no longer suspected", node=change.node, since=change.at)
