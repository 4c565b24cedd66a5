"""When was each seat last heard, by its socket or its media? Pure.

A seat counts as heard when its conference was loaded, so that after a restart of the service every
device has as long to come back as after a cut of its own line.
"""

from __future__ import annotations

from collections.abc import Iterable

from signaling.wire.ids import SiteCode

SILENCE_S = 10.0
"""How long a device may be silent before its seat is free for another."""


class Presence:
    """The seats of one conference. Times are monotonic seconds."""

    def __init__(self, now: float, silence_s: float = SILENCE_S) -> None:
        self._since = now
        self._silence_s = silence_s
        self._heard: dict[SiteCode, float] = {}

    def heard(self, site: SiteCode, at: float) -> None:
        """A frame of the seat's page, or a consent check of its media, arrived at `at`."""
        self._heard[site] = max(at, self._heard.get(site, at))

    def silent(self, present: Iterable[SiteCode], now: float) -> list[SiteCode]:
        """Which of the `present` seats have not been heard for too long."""
        return [
            site for site in present if now - self._heard.get(site, self._since) >= self._silence_s
        ]
