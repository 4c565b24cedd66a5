"""Prometheus figures of the sites, made from the newest reports when they are asked for.

A collector and not gauges, so that a conference that is over leaves no series behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from signaling.wire.figures import ControlState, HealthState, SiteFigures
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.samples import HealthReport

LABELS = ["conference", "site"]
_CONTROL_UP: dict[ControlState, float | None] = {"good": 1.0, "lost": 0.0, "none": None}


class SiteMetrics(Collector):
    """``diemcau_site_up``, ``_state``, ``_control_up``, ``_quality_ratio``, ``_rtt_seconds``,
    ``_jitter_seconds``, ``_loss_ratio``, ``_freeze_ratio``, ``_bitrate_bits_per_second``,
    ``_microphone_level_dbov``, ``_microphone_heard``, ``_microphone_clipping_ratio`` and
    ``diemcau_node_suspected``; a figure that is not known has no sample."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reports: dict[ConferenceId, HealthReport] = {}
        registry.register(self)

    def update(self, report: HealthReport) -> None:
        """Show this report from now on, in place of its conference's older one."""
        self._reports[report.conference] = report

    def forget(self, conference: ConferenceId) -> None:
        """The conference is over."""
        self._reports.pop(conference, None)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The families without samples; what a registry asks at registration."""
        return self._families().values()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All families with one sample per site, or per site and state."""
        families = self._families()
        suspected = GaugeMetricFamily(
            "diemcau_node_suspected",
            "1 while all sites of a bridge node are silent since the same second.",
            labels=["node"],
        )
        nodes: dict[str, bool] = {}
        for conference, report in self._reports.items():
            for site, figures in report.sites.items():
                _add(families, conference, site, figures)
            nodes |= {node: node in report.suspects for node in report.nodes}
        for node, suspect in sorted(nodes.items()):
            suspected.add_metric([node], float(suspect))
        return [*families.values(), suspected]

    @staticmethod
    def _families() -> dict[str, GaugeMetricFamily]:
        return {
            name: GaugeMetricFamily(f"diemcau_site_{name}", help_text, labels=[*LABELS, *more])
            for name, help_text, more in (
                ("up", "1 while the site's state is good, fair or poor.", []),
                ("state", "1 for the state that the site is in.", ["state"]),
                ("control_up", "1 while its page or agent is heard, 0 when it no longer is.", []),
                ("quality_ratio", "0 (useless) to 1, of loss, delay, jitter and freezes.", []),
                ("freeze_ratio", "Share of time in which its received picture stood still.", []),
                ("rtt_seconds", "Round trip between bridge node and site.", []),
                ("jitter_seconds", "Interarrival jitter of the site's worst stream.", ["kind"]),
                ("loss_ratio", "Loss of what the site sends and of what it gets.", ["direction"]),
                ("bitrate_bits_per_second", "What the site sends.", []),
                ("microphone_level_dbov", "The loudest packet of the last second, 0 to -127.", []),
                ("microphone_heard", "1 while somebody speaks into it, muted or not.", []),
                ("microphone_clipping_ratio", "Share of packets at the end of the scale.", []),
            )
        }


def _as_float(known: bool | None) -> float | None:
    return None if known is None else float(known)


def _add(
    families: dict[str, GaugeMetricFamily],
    conference: ConferenceId,
    site: SiteCode,
    figures: SiteFigures,
) -> None:
    labels = [conference, site]
    families["up"].add_metric(labels, float(figures.state in ("good", "fair", "poor")))
    for state in get_args(HealthState):
        families["state"].add_metric([*labels, state], float(figures.state == state))
    known = (
        ("rtt_seconds", labels, figures.rtt_s),
        ("jitter_seconds", [*labels, "all"], figures.jitter_s),
        ("loss_ratio", [*labels, "publish"], figures.loss_ratio),
        ("loss_ratio", [*labels, "receive"], figures.receive_loss_ratio),
        ("bitrate_bits_per_second", labels, figures.bitrate_bps),
        ("quality_ratio", labels, figures.quality),
        ("freeze_ratio", labels, figures.freeze_ratio),
        ("microphone_level_dbov", labels, figures.mic_level_dbov),
        ("microphone_heard", labels, _as_float(figures.mic_heard)),
        ("microphone_clipping_ratio", labels, figures.mic_clipping_ratio),
        ("control_up", labels, _CONTROL_UP[figures.control]),
    )
    for name, values, figure in known:
        if figure is not None:
            families[name].add_metric(values, figure)
