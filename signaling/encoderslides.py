"""Whether a plain encoder shares slides: its second picture flows, or has ended. Pure.

An encoder has no page that says so. What it sends is offered as its slides at once; it is over when
none has come for so long that it cannot be a slow picture. While the encoder is gone altogether,
nothing is said: slides come back with their device (`conference.slides`).
"""

from __future__ import annotations

from signaling.wire.control import SessionStats
from signaling.wire.ids import ConferenceId, SessionId, SiteCode

ENDED_S = 5.0
"""Seconds without a packet after which a second picture has ended: reports come once a second."""

Seat = tuple[ConferenceId, SiteCode]


class EncoderSlides:
    """When the second picture of each seat last flowed, or could have ended at the earliest.
    `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._flowed: dict[Seat, tuple[SessionId, float]] = {}

    def look(self, now: float, seat: Seat, stats: SessionStats, *, sharing: bool) -> bool | None:
        """A report of an encoder's session: whether it shares now (True) or no longer (False),
        where that is not what is known (`sharing`); None where it is."""
        flowing = {one.track for one in stats.streams if one.bitrate_bps > 0}
        session, flowed_at = self._flowed.get(seat, (None, now))
        if session != stats.session or "slides" in flowing or not flowing:
            # a session that has only begun, or of which nothing comes, says nothing of its slides
            flowed_at = now
        self._flowed[seat] = stats.session, flowed_at
        if "slides" in flowing:
            return None if sharing else True
        return False if sharing and now - flowed_at >= ENDED_S else None

    def forget(self, conference: ConferenceId) -> None:
        """The conference is over."""
        self._flowed = {seat: one for seat, one in self._flowed.items() if seat[0] != conference}
