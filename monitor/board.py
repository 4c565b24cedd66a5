"""All sites of all conferences that are watched, and the age of each bridge node's report."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.health import Edge, SiteHealth, Thresholds
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    HealthReport,
    NodeGone,
    NodeHeard,
    Sample,
)

TICK_S = 1.0
"""How often `tick` is meant to be called."""
STALL_S = 2.5
"""A longer gap between two ticks means that this process itself did not run."""


@dataclass(frozen=True, slots=True)
class SiteEdge:
    """A site's change of state."""

    conference: ConferenceId
    site: SiteCode
    edge: Edge


class Board:
    """Hands samples to the sites that they are about, and reports all of them once a second.

    Asks "is it me?" first: when its own ticks come late, or the clock jumps, nobody gets older.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._sites: dict[ConferenceId, dict[SiteCode, SiteHealth]] = {}
        self._nodes: dict[NodeId, float] = {}
        self._ticked_at: float | None = None

    def handle(self, now: float, sample: Sample) -> list[SiteEdge]:
        """Take in one sample; those about unknown conferences or sites change nothing."""
        if isinstance(sample, ConferenceOpened):
            self._open(now, sample)
            return []
        if isinstance(sample, ConferenceClosed):
            self._sites.pop(sample.conference, None)
            return []
        if isinstance(sample, NodeHeard | NodeGone):
            return self._node(now, sample)
        health = self._sites.get(sample.conference, {}).get(sample.site)
        if health is None:
            return []
        edges = health.handle(now, sample)
        return [SiteEdge(sample.conference, sample.site, edge) for edge in edges]

    def tick(self, now: float) -> tuple[list[SiteEdge], list[HealthReport]]:
        """A second has passed: what changed by silence, and one report per conference."""
        self._forgive_stall(now)
        edges = [
            SiteEdge(conference, site, edge)
            for conference, sites in self._sites.items()
            for site, health in sites.items()
            for edge in health.handle(now, None)
        ]
        nodes: dict[str, float] = {node: max(0.0, now - at) for node, at in self._nodes.items()}
        reports = [
            HealthReport(
                conference, now, nodes, {site: one.figures(now) for site, one in sites.items()}
            )
            for conference, sites in self._sites.items()
        ]
        return edges, reports

    def _open(self, now: float, sample: ConferenceOpened) -> None:
        known = self._sites.get(sample.conference, {})
        self._sites[sample.conference] = {
            site: known.get(site) or SiteHealth(now, self._thresholds) for site in sample.sites
        }

    def _node(self, now: float, sample: NodeHeard | NodeGone) -> list[SiteEdge]:
        if isinstance(sample, NodeHeard):
            self._nodes[sample.node] = sample.at
        return [
            SiteEdge(conference, site, edge)
            for conference, sites in self._sites.items()
            for site, health in sites.items()
            for edge in health.handle(now, sample)
        ]

    def _forgive_stall(self, now: float) -> None:
        gap = TICK_S if self._ticked_at is None else now - self._ticked_at
        self._ticked_at = now
        if 0 <= gap <= STALL_S:
            return
        for sites in self._sites.values():
            for health in sites.values():
                health.forgive(now, gap - TICK_S)
