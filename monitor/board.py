"""All sites of all conferences that are watched, and the age of each bridge node's report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.health import AnyEdge, SiteHealth
from monitor.suspicion import Suspicion
from monitor.thresholds import Thresholds
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    HealthReport,
    NodeGone,
    NodeHeard,
    Sample,
)

TICK_S = 0.5
"""How often `tick` is meant to be called: a change is shown within half a second."""
REPORT_S = 1.0
"""How often a conference in which nothing changes is reported."""
STALL_S = 1.5
"""A longer gap between two ticks means that this process itself did not run."""


@dataclass(frozen=True, slots=True)
class SiteEdge:
    """A site's change of state or of its control link, or what its encoder does wrong."""

    conference: ConferenceId
    site: SiteCode
    edge: AnyEdge


@dataclass(frozen=True, slots=True)
class NodeSuspected:
    """A node hears none of its sites since the same second, or (not `suspected`) again some."""

    node: NodeId
    at: float
    suspected: bool


Change = SiteEdge | NodeSuspected


class Board:
    """Hands samples to the sites that they are about, and reports all of them once a second.

    Asks "is it me?" first. When its own ticks come late, or the clock jumps, nobody gets older;
    when all sites of a node fall silent in the same second, the node is named and no site blamed.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._suspicion = Suspicion(self._thresholds)
        self._sites: dict[ConferenceId, dict[SiteCode, SiteHealth]] = {}
        self._nodes: dict[NodeId, float] = {}
        self._changed: set[ConferenceId] = set()
        self._reported: dict[ConferenceId, float] = {}
        self._ticked_at: float | None = None

    def handle(self, now: float, sample: Sample) -> list[Change]:
        """Take in one sample; those about unknown conferences or sites change nothing."""
        if isinstance(sample, ConferenceOpened):
            self._open(now, sample)
            return []
        if isinstance(sample, ConferenceClosed):
            self._close(sample.conference)
            return []
        if isinstance(sample, NodeHeard | NodeGone):
            return self._node(now, sample)
        health = self._sites.get(sample.conference, {}).get(sample.site)
        if health is None:
            return []
        edges = health.handle(now, sample)
        return self._noted(SiteEdge(sample.conference, sample.site, edge) for edge in edges)

    def tick(self, now: float) -> tuple[list[Change], list[HealthReport]]:
        """Half a second has passed: what changed by silence, and a report of each conference whose
        last one is a second old or in which something has changed."""
        self._forgive_stall(now)
        raised, cleared = self._suspicion.look(now, (health for *_, health in self._all()))
        nodes: list[Change] = [NodeSuspected(node, now, True) for node in raised]
        nodes += [NodeSuspected(node, now, False) for node in cleared]
        edges = self._noted(
            SiteEdge(conference, site, edge)
            for conference, site, health in self._all()
            for edge in health.handle(now, None)
        )
        due = [conference for conference in self._sites if nodes or self._due(now, conference)]
        self._changed.clear()
        return nodes + edges, [self._report(now, conference) for conference in due]

    def _open(self, now: float, sample: ConferenceOpened) -> None:
        known = self._sites.get(sample.conference, {})
        self._sites[sample.conference] = {
            site: known.get(site) or SiteHealth(now, self._thresholds) for site in sample.sites
        }

    def _close(self, conference: ConferenceId) -> None:
        self._sites.pop(conference, None)
        self._reported.pop(conference, None)
        self._changed.discard(conference)

    def _node(self, now: float, sample: NodeHeard | NodeGone) -> list[Change]:
        if isinstance(sample, NodeHeard):
            self._nodes[sample.node] = sample.at
        return self._noted(
            SiteEdge(conference, site, edge)
            for conference, site, health in self._all()
            for edge in health.handle(now, sample)
        )

    def _due(self, now: float, conference: ConferenceId) -> bool:
        reported = self._reported.get(conference)
        old = reported is None or not 0 <= now - reported < REPORT_S - TICK_S / 4
        return old or conference in self._changed

    def _report(self, now: float, conference: ConferenceId) -> HealthReport:
        self._reported[conference] = now
        return HealthReport(
            conference,
            now,
            {node: max(0.0, now - at) for node, at in self._nodes.items()},
            {site: one.figures(now) for site, one in self._sites[conference].items()},
            list(self._suspicion.nodes),
        )

    def _noted(self, edges: Iterator[SiteEdge]) -> list[Change]:
        found: list[Change] = []
        for edge in edges:
            self._changed.add(edge.conference)
            found.append(edge)
        return found

    def _all(self) -> Iterator[tuple[ConferenceId, SiteCode, SiteHealth]]:
        for conference, sites in self._sites.items():
            for site, health in sites.items():
                yield conference, site, health

    def _forgive_stall(self, now: float) -> None:
        gap = TICK_S if self._ticked_at is None else now - self._ticked_at
        self._ticked_at = now
        if 0 <= gap <= STALL_S:
            return
        for *_, health in self._all():
            health.forgive(now, gap - TICK_S)
