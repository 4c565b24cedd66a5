"""Is it the site, or is it us? A node that hears none of its sites since the same second. Pure.

Sites fail one by one, or by the region. When *all* sites of a node fall silent in one second, the
fault is the node's or its network's: it is named, and no site is blamed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from monitor.health import ALIVE, SiteHealth
from monitor.thresholds import Thresholds
from signaling.wire.ids import NodeId

FEWEST_SITES = 3
"""With fewer, chance is as good an explanation."""
SILENT_S = 1.5
"""A node is suspected before the first of its sites could be lost."""
SAME_MOMENT_S = 1.0


class Suspicion:
    """Pardons the sites of suspected nodes, and accuses them again when their node hears any of
    them, or has been excused for too long."""

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self._since: dict[NodeId, float] = {}
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
        if node in self._since or node in self._spent or len(heard) < FEWEST_SITES:
            return False
        if now - max(heard) < SILENT_S or max(heard) - min(heard) > SAME_MOMENT_S:
            return False
        self._since[node] = now
        return True

    def _clear(self, now: float, node: NodeId, members: list[SiteHealth]) -> bool:
        if now - self._since[node] > self._limits.pardon_s:
            self._spent[node] = now
            return True
        return any(site.media_at and now - site.media_at < SILENT_S for site in members)


def _by_node(sites: Iterable[SiteHealth]) -> dict[NodeId, list[SiteHealth]]:
    served = defaultdict(list)
    for site in sites:
        if site.node is not None:
            served[site.node].append(site)
    return served
