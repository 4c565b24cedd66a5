"""How each part of the service is, for ``/healthz``."""

from __future__ import annotations

from signaling.bus import Bus
from signaling.clock import Clock
from signaling.conferences import Conferences
from signaling.database import Database
from signaling.hub import Hub
from signaling.metrics import ServiceMetrics
from signaling.mixwatch import MixWatch
from signaling.nodes import Nodes
from signaling.wire.rest import ComponentHealth, ServiceHealth

STALE_S = 5.0
"""A node reports once a second, and so does the monitor."""
SLOW_S = 0.5
"""From here the event loop is too late for what has to happen within a second."""


class Health:
    """Asks every part. `monitored_at` is when the monitor last spoke, None before it has."""

    def __init__(
        self,
        version: str,
        clock: Clock,
        database: Database,
        conferences: Conferences,
        nodes: Nodes,
        hub: Hub,
        bus: Bus,
        metrics: ServiceMetrics,
        mixes: MixWatch,
    ) -> None:
        self.monitored_at: float | None = None
        self._version = version
        self._clock = clock
        self._database = database
        self._conferences = conferences
        self._nodes = nodes
        self._hub = hub
        self._bus = bus
        self._metrics = metrics
        self._mixes = mixes

    async def ask(self) -> ServiceHealth:
        """All of them, now."""
        parts = {
            "database": await self._ask_database(),
            "event_loop": self._ask_event_loop(),
            "conferences": self._ask_conferences(),
            "bridge": self._ask_bridge(),
            "monitor": self._ask_monitor(),
            "bus": ComponentHealth(True, figures={"lost": self._bus.lost}),
            "pages": self._ask_pages(),
            "mixes": self._ask_mixes(),
        }
        ok = all(part.ok for part in parts.values())
        return ServiceHealth(ok, self._version, self._clock.wall(), parts)

    async def _ask_database(self) -> ComponentHealth:
        begun = self._clock.monotonic()
        answers = await self._database.answers()
        figures = {"answer_s": self._clock.monotonic() - begun}
        return ComponentHealth(answers, "" if answers else "it does not answer", figures)

    def _ask_event_loop(self) -> ComponentHealth:
        lag_s = self._metrics.event_loop_lag_s
        slow = lag_s >= SLOW_S
        return ComponentHealth(not slow, "too late" if slow else "", {"lag_s": lag_s})

    def _ask_conferences(self) -> ComponentHealth:
        owners = self._conferences.all()
        stopped = [owner.conference for owner in owners if owner.stopped]
        damaged = self._conferences.damaged
        detail = ", ".join(
            [f"{one}: its journal is damaged" for one in damaged]
            + [f"{one}: another process owns it" for one in stopped]
        )
        figures: dict[str, float] = {
            "loaded": len(owners),
            "open": sum(owner.current().phase != "ended" for owner in owners),
        }
        return ComponentHealth(not detail, detail, figures)

    def _ask_bridge(self) -> ComponentHealth:
        now = self._clock.monotonic()
        silent = [
            link.node
            for link in self._nodes.links
            if link.stats is not None and now - link.stats_at > STALE_S
        ]
        detail = f"no word from {', '.join(silent)}" if silent else ""
        if not self._nodes.links:
            detail = "no node is connected"
        figures: dict[str, float] = {
            "nodes": len(self._nodes.links),
            "sessions": len(self._nodes.all_sessions()),
        }
        return ComponentHealth(not detail, detail, figures)

    def _ask_monitor(self) -> ComponentHealth:
        """Nothing is watched before there is a conference, so silence may be right."""
        if self.monitored_at is None:
            return ComponentHealth(True, "it has not spoken yet")
        age_s = self._clock.monotonic() - self.monitored_at
        watching = any(owner.current().phase != "ended" for owner in self._conferences.all())
        silent = watching and age_s > STALE_S
        detail = "it has fallen silent" if silent else ""
        return ComponentHealth(not silent, detail, {"age_s": age_s})

    def _ask_mixes(self) -> ComponentHealth:
        """Of the media worker, for players that take one sound; none may be wanted."""
        missing = len(self._mixes.missing)
        detail = f"conferences whose players hear one speaker only: {missing}" if missing else ""
        held = self._mixes.all_figures()
        figures: dict[str, float] = {
            "wanted": sum(one.wanted for one in held),
            "flowing": sum(one.flowing for one in held),
        }
        return ComponentHealth(not missing, detail, figures)

    def _ask_pages(self) -> ComponentHealth:
        figures: dict[str, float] = dict(self._hub.connected_by_role().items())
        return ComponentHealth(True, figures=figures)
