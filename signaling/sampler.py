"""What the monitor is told: conferences that open and close, nodes, and each site's media figures.

Also passes consent on to the seats' presence: media that still flows keeps a seat although its
page's socket is gone. And it notices what is a fact and no figure: the first voice of each device,
and slides of an encoder, which has no page to say so.
"""

from __future__ import annotations

from collections.abc import Callable

from signaling.bus import Bus
from signaling.clock import Clock
from signaling.conference.state import Conference
from signaling.conference.state import Seat as SeatState
from signaling.conferences import Conferences
from signaling.encoderslides import EncoderSlides, Seat
from signaling.owner import Owner
from signaling.sessions import Session, newest
from signaling.wire.control import SessionStats, Stats
from signaling.wire.ids import DeviceId, NodeId, SiteCode
from signaling.wire.ports import site_of
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    NodeGone,
    NodeHeard,
    SiteMedia,
)


class Sampler:
    """Turns changes and reports into samples on the bus."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        conferences: Conferences,
        sessions: Callable[[], list[Session]],
        heard: Callable[[Owner, SiteCode, DeviceId], None],
        shares: Callable[[Owner, SiteCode, DeviceId, bool], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._conferences = conferences
        self._sessions = sessions
        self._heard = heard
        self._shares = shares
        self._slides = EncoderSlides()
        self._with_media: dict[NodeId, set[Seat]] = {}

    def changed(self, before: Conference | None, after: Conference) -> None:
        """A conference changed; only its beginning and its end concern the monitor."""
        at = self._clock.wall()
        watched = before is not None and before.phase != "ended"
        if after.phase != "ended" and not watched:
            self._bus.publish(ConferenceOpened(after.conference, list(after.seats), at))
        elif after.phase == "ended" and watched:
            self._bus.publish(ConferenceClosed(after.conference, at))
            self._slides.forget(after.conference)

    def node_gone(self, node: NodeId) -> None:
        """A control link closed."""
        self._bus.publish(NodeGone(node, self._clock.wall()))

    def stats(self, node: NodeId, stats: Stats) -> None:
        """A node's report, already taken in by the sessions."""
        at = self._clock.wall()
        self._bus.publish(NodeHeard(node, at))
        figures = self._by_seat(node)
        for conference, site in self._with_media.get(node, set()) - set(figures):
            self._bus.publish(SiteMedia(conference, site, node, at, None, None))
        for (conference, site), (publish, receive) in figures.items():
            self._bus.publish(SiteMedia(conference, site, node, at, publish, receive))
        self._with_media[node] = set(figures)

    def _by_seat(self, node: NodeId) -> dict[Seat, tuple[SessionStats | None, SessionStats | None]]:
        figures: dict[Seat, tuple[SessionStats | None, SessionStats | None]] = {}
        own = (one for one in self._sessions() if one.node == node and one.relayed_from is None)
        for session in newest(own):
            site = site_of(session.port)
            owner = self._conferences.find(session.scope)
            if site is None or owner is None or session.stats is None:
                continue
            seat = (owner.conference, site)
            publish, receive = figures.get(seat, (None, None))
            if session.direction == "publish":
                publish = session.stats
                self._notice_voice(owner, site, session)
                self._notice_slides(owner, site, session)
            else:
                receive = session.stats
            figures[seat] = (publish, receive)
            age = session.stats.consent_age_s
            if age is not None:
                owner.presence.heard(site, self._clock.monotonic() - age)
        return figures

    def _notice_slides(self, owner: Owner, site: SiteCode, session: Session) -> None:
        seat = _seat_of(owner.current(), site, session)
        if seat is None or seat.device is None or not seat.plain or session.stats is None:
            return
        place, now = (owner.conference, site), self._clock.monotonic()
        shares = self._slides.look(now, place, session.stats, sharing=seat.sharing)
        if shares is not None:
            self._shares(owner, site, seat.device, shares)

    def _notice_voice(self, owner: Owner, site: SiteCode, session: Session) -> None:
        seat = _seat_of(owner.current(), site, session)
        if seat is None or seat.device is None or seat.heard_at is not None:
            return
        if session.stats is not None and any(one.heard for one in session.stats.streams):
            self._heard(owner, site, seat.device)


def _seat_of(state: Conference, site: SiteCode, session: Session) -> SeatState | None:
    """The seat for which this session speaks: its device's, until the end."""
    seat = state.seats.get(site)
    # a session that was adopted after a restart does not know its device
    known = seat is not None and session.device in (None, seat.device)
    return seat if known and state.phase != "ended" else None
