"""Whether a plain encoder shares slides: its second picture flows, or has ended. Pure.

An encoder has no page that says so. What it sends is offered as its slides at once; it is over when
none has come for so long that it cannot be a slow picture. While the encoder is gone altogether,
nothing is said: slides come back with their device (`conference.slides`).
"""

from __future__ import annotations

from signaling.wire.control import SessionStats
from signaling.wire.ids import ConferenceId, SiteCode

ENDED_S = 5.0
"""Seconds without a packet after which a second picture has ended: reports come once a second."""

Seat = tuple[ConferenceId, SiteCode]


class EncoderSlides:
    """When the second picture of each seat last flowed. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._flowed_at: dict[Seat, float] = {}

    def look(self, now: float, seat: Seat, stats: SessionStats, *, sharing: bool) -> bool | None:
        """A report of an encoder's session: whether it shares now (True) or no longer (False),
        where that is not what is known (`sharing`); None where it is."""
        if any(one.track == "slides" and one.bitrate_bps > 0 for one in stats.streams):
            self._flowed_at[seat] = now
            return None if sharing else True
        # of before the first report nothing is known
        ended = now - self._flowed_at.setdefault(seat, now) >= ENDED_S
        return False if sharing and ended else None

    def forget(self, conference: ConferenceId) -> None:
        """The conference is over."""
        self._flowed_at = {
            seat: at for seat, at in self._flowed_at.items() if seat[0] != conference
        }
