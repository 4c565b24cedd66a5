"""The shell: samples in, reports out, until the bus closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.board import Board
from monitor.history import History
from monitor.metrics import SiteMetrics
from monitor.watchdog import Watchdog
from signaling.wire.control import SessionStats
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    HealthReport,
    NodeHeard,
    SiteHeard,
    SiteMedia,
    SiteRefused,
)
from tests.monitor.room import session

A, DN, NODE = ConferenceId("a"), SiteCode("48"), NodeId("node-1")


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


class Watched:
    """A watchdog in simulated time over one conference, with what it logs."""

    def __init__(self, *sites: SiteCode) -> None:
        self.now = 0.0
        self.history = History()
        self.reports: asyncio.Queue[HealthReport] = asyncio.Queue()
        metrics = SiteMetrics(CollectorRegistry())
        self.watchdog = Watchdog(
            Board(), self.reports.put_nowait, lambda: self.now, metrics, self.history
        )
        self.watchdog.take_in(ConferenceOpened(A, list(sites), 0.0))

    async def second(self, sites: dict[SiteCode, SessionStats], page: bool = False) -> HealthReport:
        self.now += 1.0
        self.watchdog.take_in(NodeHeard(NODE, self.now))
        for site, publish in sites.items():
            if page:
                self.watchdog.take_in(SiteHeard(A, site, self.now))
            self.watchdog.take_in(SiteMedia(A, site, NODE, self.now, publish, None))
        samples, ticks = Feed(), Ticks()
        ticks.put(True)
        running = asyncio.create_task(self.watchdog.run(samples, ticks))
        report = await self.reports.get()
        samples.put(None)
        await running
        return report


async def test_each_change_is_logged_once_and_a_loss_says_what_to_do() -> None:
    watched = Watched(DN)
    with capture_logs() as lines:
        for second in range(1, 10):
            await watched.second({DN: session(media=max(0.1, second - 3.0))})
    assert [line["event"] for line in lines] == ["site connecting", "site good", "site lost"]
    assert lines[-1]["site"] == "48"
    assert lines[-1]["cause"] == "no RTP, though ICE consent is fresh"
    assert "call" in lines[-1]["next_step"]


async def test_control_lost_while_media_are_good_is_a_line_of_its_own() -> None:
    watched = Watched(DN)
    with capture_logs() as lines:
        for second in range(1, 12):
            await watched.second({DN: session()}, page=second < 4 or second > 9)
    assert [line["event"] for line in lines][-2:] == ["control lost, media good", "control good"]
    assert lines[-2]["log_level"] == "warning"


async def test_a_node_that_hears_nobody_is_one_line_for_all_its_sites() -> None:
    sites = [SiteCode(code) for code in ("01", "02", "04")]
    watched = Watched(*sites)
    for _ in range(3):
        await watched.second(dict.fromkeys(sites, session()))
    with capture_logs() as lines:
        for age in range(1, 7):
            report = await watched.second(dict.fromkeys(sites, session(media=float(age))))
    assert [line["event"] for line in lines] == ["bridge node hears nobody"]
    assert lines[0]["node"] == "node-1"
    assert report.suspects == ["node-1"]


async def test_every_report_goes_into_the_history() -> None:
    watched = Watched(DN)
    for _ in range(5):
        await watched.second({DN: session(rtt_s=0.02)})
    points = watched.history.query(A, DN, watched.now, step_s=1).points
    assert [point.state for point in points] == ["connecting", "good", "good", "good", "good"]
    assert points[-1].rtt_s is not None


async def test_an_encoder_of_another_codec_is_told_once_until_its_media_come() -> None:
    watched = Watched(DN)
    with capture_logs() as lines:
        for _ in range(3):
            watched.watchdog.take_in(SiteRefused(A, DN, watched.now, "h264, opus", "VP8"))
            report = await watched.second({})
    (line,) = [one for one in lines if one["event"] == "site's encoder has another codec"]
    assert (line["site"], line["offered"]) == ("48", "h264, opus")
    assert "VP8" in line["next_step"]
    assert report.sites[DN].other_codec == "h264, opus"

    report = await watched.second({DN: session()})
    assert report.sites[DN].other_codec is None


async def test_an_encoder_that_tries_no_more_is_told_of_no_more() -> None:
    watched = Watched(DN)
    watched.watchdog.take_in(SiteRefused(A, DN, 0.0, "h264", "VP8"))
    for _ in range(61):
        report = await watched.second({})
    assert report.sites[DN].other_codec is None
