"""Figures of the sites as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from monitor.metrics import SiteMetrics
from signaling.wire.figures import HealthState, SiteFigures
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.samples import HealthReport

A = ConferenceId("a")


def report(state: HealthState, rtt_s: float | None = None) -> HealthReport:
    figures = SiteFigures(
        *(state, 0.0, 0.1, 0.1, 0.1, rtt_s, 0.05, 0.01, 120_000.0, None),
        control="lost",
        quality=0.8,
        mic_level_dbov=-31.0,
        mic_heard=True,
        mic_clipping_ratio=0.0,
    )
    nodes = {"node-1": 0.5, "node-2": 0.5}
    return HealthReport(A, 1.0, nodes, {SiteCode("48"): figures}, ["node-2"])


def test_a_report_becomes_figures_with_conference_and_site() -> None:
    registry = CollectorRegistry()
    SiteMetrics(registry).update(report("good", rtt_s=0.04))
    labels = {"conference": "a", "site": "48"}
    value = registry.get_sample_value
    assert value("diemcau_site_up", labels) == 1
    assert value("diemcau_site_state", {**labels, "state": "good"}) == 1
    assert value("diemcau_site_state", {**labels, "state": "lost"}) == 0
    assert value("diemcau_site_rtt_seconds", labels) == 0.04
    assert value("diemcau_site_jitter_seconds", {**labels, "kind": "all"}) == 0.01
    assert value("diemcau_site_loss_ratio", {**labels, "direction": "publish"}) == 0.05
    assert value("diemcau_site_bitrate_bits_per_second", labels) == 120_000
    assert value("diemcau_site_quality_ratio", labels) == 0.8
    assert value("diemcau_site_control_up", labels) == 0
    assert value("diemcau_site_microphone_level_dbov", labels) == -31
    assert value("diemcau_site_microphone_heard", labels) == 1
    assert value("diemcau_site_microphone_clipping_ratio", labels) == 0
    assert value("diemcau_node_suspected", {"node": "node-1"}) == 0
    assert value("diemcau_node_suspected", {"node": "node-2"}) == 1


def test_an_unknown_figure_has_no_sample() -> None:
    registry = CollectorRegistry()
    SiteMetrics(registry).update(report("lost"))
    labels = {"conference": "a", "site": "48"}
    assert registry.get_sample_value("diemcau_site_up", labels) == 0
    assert registry.get_sample_value("diemcau_site_rtt_seconds", labels) is None
    assert registry.get_sample_value("diemcau_site_freeze_ratio", labels) is None


def test_a_conference_that_is_over_leaves_no_series() -> None:
    registry = CollectorRegistry()
    metrics = SiteMetrics(registry)
    metrics.update(report("good"))
    metrics.forget(A)
    metrics.forget(A)
    assert b'conference="a"' not in generate_latest(registry)
