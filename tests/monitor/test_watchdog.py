"""The shell: samples in, reports out, until the bus closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.board import Board
from monitor.metrics import SiteMetrics
from monitor.watchdog import Watchdog
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    HealthReport,
    NodeHeard,
    SiteMedia,
)
from tests.monitor.test_health import session

A, DN = ConferenceId("a"), SiteCode("48")


class Feed:
    """An async iterator that a test fills; ends at `None`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[object] = asyncio.Queue()

    def put(self, item: object) -> None:
        self._queue.put_nowait(item)

    async def __aiter__(self) -> AsyncIterator[object]:
        while (item := await self._queue.get()) is not None:
            yield item


class Ticks(Feed):
    """Ticks; `put(True)` is one of them."""

    async def __aiter__(self) -> AsyncIterator[None]:
        async for _ in super().__aiter__():
            yield None


async def test_it_reports_each_tick_until_the_bus_closes() -> None:
    samples, ticks = Feed(), Ticks()
    reports: asyncio.Queue[HealthReport] = asyncio.Queue()
    registry = CollectorRegistry()
    clock = iter(float(second) for second in range(100))
    watchdog = Watchdog(Board(), reports.put_nowait, lambda: next(clock), SiteMetrics(registry))
    running = asyncio.create_task(watchdog.run(samples, ticks))
    watchdog.take_in(ConferenceOpened(A, [DN], 0.0))
    ticks.put(True)
    report = await reports.get()
    assert (report.conference, list(report.sites)) == (A, [DN])
    labels = {"conference": "a", "site": "48", "state": "offline"}
    assert registry.get_sample_value("diemcau_site_state", labels) == 1
    samples.put(None)
    await running


async def test_a_closed_conference_leaves_the_metrics_and_other_messages_are_passed_over() -> None:
    registry = CollectorRegistry()
    metrics = SiteMetrics(registry)
    board = Board()
    watchdog = Watchdog(board, lambda report: None, lambda: 1.0, metrics)
    samples = Feed()
    for message in (ConferenceOpened(A, [DN], 0.0), object(), ConferenceClosed(A, 1.0), None):
        samples.put(message)
    metrics.update(HealthReport(A, 1.0, {}, {}))
    await watchdog.run(samples, Ticks())
    assert board.tick(1.0) == ([], [])


def test_each_change_is_logged_once_and_a_loss_says_what_to_do() -> None:
    now = 0.0
    watchdog = Watchdog(Board(), lambda report: None, lambda: now, SiteMetrics(CollectorRegistry()))
    node = NodeId("node-1")
    with capture_logs() as lines:
        watchdog.take_in(ConferenceOpened(A, [DN], now))
        for second in range(1, 12):
            now = float(second)
            silent = max(0.1, now - 3.0)
            watchdog.take_in(NodeHeard(node, now))
            watchdog.take_in(SiteMedia(A, DN, node, now, session(consent=silent), None))
    assert [line["event"] for line in lines] == ["site connecting", "site good", "site lost"]
    assert lines[-1]["site"] == "48"
    assert lines[-1]["cause"] == "no ICE consent for 4.0 s"
    assert "call" in lines[-1]["next_step"]
