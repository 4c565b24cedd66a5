"""The last 15 minutes of every site, second by second, in memory that does not grow. Pure.

A ring of one row a second for each site that was ever more than offline: 42 bytes a row, 4 MB for
100 sites. A conference is dropped 15 minutes after its last report.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from signaling.wire.figures import ControlState, HealthState, SiteFigures
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.rest import HistoryPoint, SiteHistory
from signaling.wire.samples import HealthReport

SPAN_S = 900
STEP_S = 5

_STATES: tuple[HealthState, ...] = ("good", "offline", "fair", "connecting", "poor", "lost")
"""Worst last: of the states of a step the last one is shown."""
_CONTROLS: tuple[ControlState, ...] = ("none", "good", "lost")
_FIGURES = (
    "rtt_s",
    "loss_ratio",
    "jitter_s",
    "bitrate_bps",
    "receive_loss_ratio",
    "quality",
    "freeze_ratio",
)
_ROW = np.dtype(
    [("second", "i8"), ("state", "u1"), ("control", "u1"), ("figures", "f4", len(_FIGURES))]
)
_NEVER = np.iinfo(np.int64).min
assert set(_STATES) == set(get_args(HealthState))

Ring = NDArray[np.void]

_MOST = float(np.finfo(np.float32).max)
"""What a ring can hold; a node that lies could say more."""


class History:
    """Takes in reports, and answers for one site. Times are Unix seconds."""

    def __init__(self, span_s: int = SPAN_S) -> None:
        self._span_s = span_s
        self._rings: dict[ConferenceId, dict[SiteCode, Ring]] = {}
        self._recorded: dict[ConferenceId, float] = {}

    def record(self, report: HealthReport) -> None:
        """Keep a report; of several in one second the last figures, and the worst state."""
        rings = self._rings.setdefault(report.conference, {})
        self._recorded[report.conference] = report.at
        for site, figures in report.sites.items():
            ring = rings.get(site)
            if ring is None:
                if figures.state == "offline":
                    continue
                ring = rings[site] = np.zeros(self._span_s, _ROW)
                ring["second"] = _NEVER
            _write(ring, int(report.at), figures)
        self._drop_old(report.at)

    def query(
        self, conference: ConferenceId, site: SiteCode, now: float, step_s: int = STEP_S
    ) -> SiteHistory:
        """What is known of a site in the last 15 minutes; no points if it was never there."""
        begin = int(now) - self._span_s + 1
        ring = self._rings.get(conference, {}).get(site)
        if ring is None:
            return SiteHistory(step_s, begin, [])
        rows = ring[(ring["second"] >= begin) & (ring["second"] <= now)]
        rows = rows[np.argsort(rows["second"])]
        steps = rows["second"] // step_s
        parts = np.split(rows, np.flatnonzero(np.diff(steps)) + 1) if len(rows) else []
        return SiteHistory(step_s, begin, [_point(part, step_s) for part in parts])

    def _drop_old(self, now: float) -> None:
        for conference, at in list(self._recorded.items()):
            if now - at > self._span_s:
                del self._recorded[conference], self._rings[conference]


def _write(ring: Ring, second: int, figures: SiteFigures) -> None:
    row = ring[second % len(ring)]
    state, control = _STATES.index(figures.state), _CONTROLS.index(figures.control)
    if row["second"] == second:
        state, control = max(state, int(row["state"])), max(control, int(row["control"]))
    known = [getattr(figures, name) for name in _FIGURES]
    row["second"], row["state"], row["control"] = second, state, control
    row["figures"] = [
        np.nan if figure is None else np.clip(figure, -_MOST, _MOST) for figure in known
    ]


def _point(rows: Ring, step_s: int) -> HistoryPoint:
    figures = {name: _mean(rows["figures"][:, column]) for column, name in enumerate(_FIGURES)}
    return HistoryPoint(
        at=float(rows["second"][0] // step_s * step_s),
        state=_STATES[int(rows["state"].max())],
        control=_CONTROLS[int(rows["control"].max())],
        **figures,
    )


def _mean(column: NDArray[np.float32]) -> float | None:
    known = column[~np.isnan(column)]
    return float(np.mean(known, dtype=np.float64)) if len(known) else None
