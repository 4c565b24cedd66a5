"""Figures of a site and of a session, for tests that only pass them on."""

from __future__ import annotations

from typing import Any

from signaling.wire.control import SessionInfo, SessionStats, StreamStats
from signaling.wire.figures import SiteFigures

FIGURES = SiteFigures("good", 1.0, 0.5, 0.4, 0.1, 0.03, 0.0, 0.002, 900_000.0, 0.01)


def stats_of(
    info: SessionInfo, consent_age_s: float | None = 0.2, lost: int = 0, **mic: Any
) -> SessionStats:
    """What a node reports of a session; `mic` are further fields of its sound's `StreamStats`."""
    stream = StreamStats("audio", "mic", 50, 4000, 32_000.0, lost=lost, **mic)
    return SessionStats(
        info.session,
        info.scope,
        info.port,
        info.direction,
        info.state,
        consent_age_s,
        0.1,
        0.03,
        [stream],
    )
