"""Keeps the bridge at what the conferences want: routes, and no session without a right to be.

Receivers are what the nodes hold, seen together with what each page watches; routes are computed
anew from them at every change. After a restart the tables of a scope are left alone until its
operator windows have said what they watch, or two seconds, unless the conference itself changes.
In these two seconds media workers' sessions are left alone: who listens may be on a node that is
still to come.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from signaling import orders, routing
from signaling.clock import Clock
from signaling.conference.state import Conference
from signaling.conferences import Conferences
from signaling.mixwatch import MixWatch
from signaling.nodes import Nodes
from signaling.owner import Owner
from signaling.relaying import Trunks
from signaling.routing import Receiver
from signaling.sessions import Session
from signaling.trunks import is_trunk
from signaling.wire.ids import ConferenceId, Port, Scope, SiteCode, SlotName
from signaling.wire.ports import is_mix, is_window, is_worker_port, mix_port, site_of
from signaling.wire.recordings import PROGRAM
from signaling.wishes import Wishes

WINDOW_GRACE_S = 30.0
"""How long an operator window's sessions outlive its socket."""
SETTLE_S = 2.0
"""How long after a restart the tables found on the nodes are left as they are."""
ECHO_S = 1.0
"""After a microphone was shut its voice is still on its way through a mix: so long its own site is
given none with it."""

log = structlog.get_logger("signaling.reconciler")

WishesOf = Callable[[ConferenceId], dict[Port, Wishes]]
"""What each connected page of a conference wants to see and hear beside the program."""


class Reconciler:
    """Computes routes and closes sessions. Its methods never block."""

    def __init__(
        self,
        conferences: Conferences,
        nodes: Nodes,
        wishes: WishesOf,
        clock: Clock,
        trunks: Trunks,
        mixes: MixWatch,
        *,
        settle_s: float = SETTLE_S,
        window_grace_s: float = WINDOW_GRACE_S,
    ) -> None:
        self._conferences = conferences
        self._nodes = nodes
        self._wishes = wishes
        self._clock = clock
        self._trunks, self._mixes = trunks, mixes
        self._settle_until = clock.monotonic() + settle_s
        self._settled: set[ConferenceId] = set()
        self._window_grace_s = window_grace_s
        self._started_at = clock.monotonic()
        self._echoes: dict[tuple[ConferenceId, SiteCode], float] = {}
        """Until when a site may not hear the program's mix."""
        self._window_seen: dict[tuple[ConferenceId, Port], float] = {}

    def changed(self, before: Conference | None, after: Conference) -> None:
        """A conference changed: its routes follow at once."""
        if before is not None:
            self._settled.add(after.conference)
            self._close_given_up(before, after)
            until = self._clock.monotonic() + ECHO_S
            for site in set(before.floor).difference(after.floor):
                self._echoes[after.conference, site] = until
        self.refresh(after.conference)

    def refresh(self, conference: ConferenceId) -> None:
        """Sessions, watches or the state changed: compute the routes anew."""
        owner = self._conferences.find(conference)
        if owner is None or not self._may_push(owner):
            return
        state, scope = owner.current(), Scope(conference)
        table = routing.routes(state, self.receivers(owner))
        speakers = routing.speakers(state)
        table |= self._trunks.routes(scope, table, speakers)
        self._nodes.want_routes(scope, owner.epoch, table, speakers)

    def receivers(self, owner: Owner) -> list[Receiver]:
        """Every receiving port of the conference, with all slots that its sessions declared."""
        wishes = self._wishes(owner.conference)
        slots: dict[Port, frozenset[SlotName]] = {}
        published: set[Port] = set()
        for session in self._nodes.sessions(Scope(owner.conference)):
            if session.direction == "receive" and not is_trunk(session.port):
                slots[session.port] = slots.get(session.port, frozenset()) | session.slots
            elif session.state == "connected":
                published.add(session.port)
        mixes = frozenset(port for port in published if is_mix(port))
        return [
            _receiver(
                port, held, wishes.get(port, Wishes()), self._without_echo(owner, port, mixes)
            )
            for port, held in slots.items()
        ]

    def _without_echo(self, owner: Owner, port: Port, mixes: frozenset[Port]) -> frozenset[Port]:
        site = site_of(port)
        echoes = site is not None and (owner.conference, site) in self._echoes
        return mixes - {mix_port(PROGRAM)} if echoes else mixes

    def tick(self) -> None:
        """Once a second: close what nobody has a right to, and settle after a restart."""
        for link in self._nodes.links:
            for session in self._all_of(link.node):
                reason = self.why_invalid(session)
                if reason is not None and not session.closing:
                    if not session.told:
                        log.info("closing session", session=session.session, reason=reason)
                    self._nodes.close_later(session, reason)
        # older ones count for as much as none
        since = self._clock.monotonic() - self._window_grace_s
        self._window_seen = {key: at for key, at in self._window_seen.items() if at > since}
        over = [key for key, until in self._echoes.items() if until <= self._clock.monotonic()]
        for key in over:
            del self._echoes[key]
        faded = {conference for conference, _ in over}
        for owner in self._conferences.all():
            if owner.conference not in self._settled or owner.conference in faded:
                self.refresh(owner.conference)

    def why_invalid(self, session: Session) -> str | None:
        """Why a session has no right to be, None if it has."""
        owner = self._conferences.find(session.scope)
        if owner is None:
            return "not_found"
        state = owner.current()
        if state.phase == "ended":
            return "ended"
        if is_worker_port(session.port):
            if self._clock.monotonic() < self._settle_until:
                return None
            ports = orders.ports(state, self._mixes.wanted(state))
            return None if session.port in ports else "not_wanted"
        if session.relayed_from is not None or is_trunk(session.port):
            # whether a trunk is wanted, `relaying` knows
            return None
        site = site_of(session.port)
        if site is None:
            return None if self._window_alive(owner.conference, session.port) else "window_gone"
        seat = state.seats.get(site)
        if seat is None:
            return "not_found"
        if session.device is not None and session.device != seat.device:
            return "seat_taken"
        return None

    def _all_of(self, node: str) -> list[Session]:
        return [session for session in self._nodes.all_sessions() if session.node == node]

    def _window_alive(self, conference: ConferenceId, port: Port) -> bool:
        now = self._clock.monotonic()
        if port in self._wishes(conference):
            self._window_seen[(conference, port)] = now
            return True
        seen = self._window_seen.get((conference, port), self._started_at)
        return now - seen < self._window_grace_s

    def _may_push(self, owner: Owner) -> bool:
        """Whether the tables may be touched: an operator's thumbnails go on until it is back."""
        scope = Scope(owner.conference)
        if owner.conference in self._settled:
            return True
        if not any(scope in link.held_before for link in self._nodes.links):
            if self._nodes.links:
                self._settled.add(owner.conference)
            return True
        windows = {
            session.port
            for session in self._nodes.sessions(scope)
            if session.direction == "receive" and is_window(session.port)
        }
        wishes = self._wishes(owner.conference)
        back = all(wishes.get(port, Wishes()).watch is not None for port in windows)
        if back or self._clock.monotonic() >= self._settle_until:
            self._settled.add(owner.conference)
            return True
        return False

    def _close_given_up(self, before: Conference, after: Conference) -> None:
        """A seat that changed hands: the sessions of its former device end now."""
        for site, seat in after.seats.items():
            former = before.seats[site].device
            if former is None or former == seat.device:
                continue
            for session in self._nodes.sessions(Scope(after.conference)):
                if site_of(session.port) == site and not session.shared:
                    self._nodes.close_later(session, "seat_taken" if seat.device else "left")


def _receiver(
    port: Port, slots: frozenset[SlotName], wishes: Wishes, mixes: frozenset[Port]
) -> Receiver:
    if is_worker_port(port):
        return Receiver(port, "system", None, slots)
    site = site_of(port)
    if site is None:
        return Receiver(port, "operator", None, slots, wishes.watch or (), wishes.cue, mixes)
    return Receiver(port, "site", site, slots, mixes=mixes)
