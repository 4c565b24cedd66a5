"""Is it the site, or is it us? A node that hears none of its sites since the same second. Pure.

Sites fail one by one, or by the region. When *all* sites of a node that ought to be sending fall
silent in one second, the fault is the node's or its network's: it is named, and no site is blamed.

Only what the node says counts, not how long ago it said so: a report that comes late says nothing
of the sites. And it must say it twice: a node that stood still finds what came meanwhile unread,
and its next report is right again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from monitor.health import ALIVE, SiteHealth
from monitor.thresholds import Thresholds
from signaling.wire.ids import NodeId

FEWEST_SITES = 3
"""With fewer, chance is as good an explanation."""
SILENT_S = 1.0
"""What a node's report calls silence: with a second report after it, the node is suspected before
the first of its sites could be lost (`Thresholds.lost_after_s`)."""
SAME_MOMENT_S = 1.0


class Suspicion:
    """Pardons the sites of suspected nodes, and accuses them again when their node hears any of
    them, or has been excused for too long."""

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self._since: dict[NodeId, float] = {}
        # which report was the first to say that nobody is heard
        self._silent_at: dict[NodeId, float] = {}
        self._spent: dict[NodeId, float] = {}

    @property
    def nodes(self) -> list[NodeId]:
        """Under suspicion now."""
        return sorted(self._since)

    def look(self, now: float, sites: Iterable[SiteHealth]) -> tuple[list[NodeId], list[NodeId]]:
        """Pardon and accuse; returns which nodes came under suspicion, and which are cleared."""
        served = _by_node(sites)
        raised = [node for node, members in served.items() if self._raise(now, node, members)]
        cleared = [node for node in self._since if self._clear(now, node, served.get(node, []))]
        for node in cleared:
            del self._since[node]
        for node, members in served.items():
            for site in members:
                if node in self._since and site.state in ALIVE:
                    site.pardon()
                elif node not in self._since and site.pardoned:
                    site.accuse(now)
        return raised, cleared

    def _raise(self, now: float, node: NodeId, members: list[SiteHealth]) -> bool:
        heard = [site.media_at for site in members if site.state in ALIVE and site.media_at]
        if heard and node in self._spent and max(heard) > self._spent[node]:
            del self._spent[node]
        said_at = max((site.reported_at for site in members if site.reported_at), default=now)
        if len(heard) < FEWEST_SITES or said_at - max(heard) < SILENT_S:
            self._silent_at.pop(node, None)
            return False
        if said_at <= self._silent_at.setdefault(node, said_at):
            return False
        if node in self._since or node in self._spent or max(heard) - min(heard) > SAME_MOMENT_S:
            return False
        self._since[node] = now
        return True

    def _clear(self, now: float, node: NodeId, members: list[SiteHealth]) -> bool:
        if now - self._since[node] > self._limits.pardon_s:
            self._spent[node] = now
            return True
        return any(_is_heard(site) for site in members)


def _is_heard(site: SiteHealth) -> bool:
    """Whether its node's newest report says so."""
    heard, said = site.media_at, site.reported_at
    return heard is not None and said is not None and said - heard < SILENT_S


def _by_node(sites: Iterable[SiteHealth]) -> dict[NodeId, list[SiteHealth]]:
    served = defaultdict(list)
    for site in sites:
        if site.node is not None:
            served[site.node].append(site)
    return served
