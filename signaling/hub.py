"""All page sockets: lets pages in, at most one per port, and passes on what concerns each."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from signaling import permissions
from signaling.bus import Bus
from signaling.clock import Clock
from signaling.conference.commands import SYSTEM, Actor, Command, Hear, Join, Lose, LoseStandby
from signaling.conference.state import Conference
from signaling.limits import AWAITING_HELLO
from signaling.owner import Owner
from signaling.sessions import Session
from signaling.socket import ClosedByPeer, Heard, PageSocket
from signaling.wire.commands import Share, Unshare
from signaling.wire.control import LayersWanted, Stats
from signaling.wire.errors import WireError
from signaling.wire.figures import Figures, MixFigures
from signaling.wire.ids import ConferenceId, DeviceId, PageId, Port, Role, SiteCode
from signaling.wire.pages import Doors, Layers, PageHello, Report, SessionClosed
from signaling.wire.ports import operator_port, site_port, standby_port
from signaling.wire.samples import HealthReport, SiteGone, SiteHeard, SiteRefused, SiteReported
from signaling.wishes import Wishes

MakeDoors = Callable[[PageSocket], Doors]
WishesChanged = Callable[[ConferenceId, Port], None]
LayersOf = Callable[[ConferenceId, Port], Sequence[LayersWanted]]
"""Which layers of what a port publishes are worth sending, as far as they are known."""
MixesOf = Callable[[ConferenceId], MixFigures | None]
"""How the mixes of a conference are."""
CountJoin = Callable[[PageSocket], AbstractContextManager[None]]
"""Around a page's way in; sees with what it was refused."""


class Hub:
    """Registry of the connected pages."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        make_doors: MakeDoors,
        wishes_changed: WishesChanged,
        layers_of: LayersOf,
        joins: CountJoin,
        mixes_of: MixesOf,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._make_doors = make_doors
        self._wishes_changed = wishes_changed
        self._layers_of = layers_of
        self._joins = joins
        self._mixes_of = mixes_of
        self._sockets: dict[tuple[ConferenceId, Port], PageSocket] = {}
        self._arming: set[tuple[ConferenceId, SiteCode, DeviceId]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._awaited: Counter[bytes | str | None] = Counter()

    async def serve(self, socket: PageSocket) -> None:
        """Run a page from its hello to its end, and close it with what was wrong, if anything."""
        try:
            hello = await self._hello(socket)
            with self._joins(socket):
                await socket.admit()
                await self._let_in(socket, hello)
                # what it came with may have been withdrawn before it was in the registry
                await socket.admit()
            for wanted in self._layers_of(socket.owner.conference, socket.port):
                socket.watched(Layers(wanted.track, wanted.layers))
            await socket.serve(
                self._make_doors(socket),
                Heard(
                    frame=lambda: self._heard(socket),
                    wishes=lambda: self._wishes_changed(socket.owner.conference, socket.port),
                    report=lambda report: self._reported(socket, report),
                ),
            )
        except WireError as error:
            await socket.close(error.code)
        except ClosedByPeer:
            pass
        finally:
            self._gone(socket)

    async def _hello(self, socket: PageSocket) -> PageHello:
        opened_by = socket.sign_in or socket.jti
        if self._awaited[opened_by] >= AWAITING_HELLO:
            raise WireError("rate_limited")
        self._awaited[opened_by] += 1
        try:
            return await socket.hello()
        finally:
            self._awaited[opened_by] -= 1
            if not self._awaited[opened_by]:
                del self._awaited[opened_by]

    def wishes(self, conference: ConferenceId) -> dict[Port, Wishes]:
        """What each connected page of a conference wants to see and hear beside the program."""
        return {
            port: socket.wishes
            for (held, port), socket in self._sockets.items()
            if held == conference
        }

    def connected(self, conference: ConferenceId, port: Port) -> bool:
        """Whether a page with this port is connected, and not on its way out."""
        socket = self._sockets.get((conference, port))
        return socket is not None and not socket.closing

    def changed(self, before: Conference | None, after: Conference) -> None:
        """A conference changed: its pages get patches, and a device that lost its seat goes."""
        for socket in self._of(after.conference):
            socket.changed()
            site, device = socket.actor.site, socket.actor.device
            if before is None or site is None:
                continue
            held_by = after.seats[site].device
            if socket.standby:
                # a seat that was given up is as good as one that was handed over
                if held_by is None or held_by == device:
                    self._close_later(socket, "promoted")
                elif after.seats[site].standby != device:
                    self._close_later(socket, "seat_taken")
            elif before.seats[site].device == device:
                socket.left = held_by is None
                if held_by is not None and held_by != device:
                    self._close_later(socket, "taken_over")

    def report(self, report: HealthReport) -> None:
        """The monitor's figures: all of them for those who see all sites, else the page's own."""
        mixes = self._mixes_of(report.conference)
        every = Figures(report.at, report.nodes, report.sites, report.suspects, mixes)
        for socket in self._of(report.conference):
            site = socket.actor.site
            if permissions.allowed(socket.actor.role, "see_all_sites"):
                socket.show(every)
            elif site is not None and site in report.sites:
                socket.show(Figures(report.at, report.nodes, {site: report.sites[site]}))

    def layers_wanted(self, wanted: LayersWanted) -> None:
        """The page that publishes under this port is told which layers are watched."""
        socket = self._sockets.get((ConferenceId(wanted.scope), wanted.port))
        if socket is not None:
            socket.watched(Layers(wanted.track, wanted.layers))

    def session_closed(self, session: Session, reason: str) -> None:
        """A session ended: its page is told, so that it can open another. Of trunks it knows
        nothing."""
        if session.relayed_from is not None:
            return
        socket = self._sockets.get((ConferenceId(session.scope), session.port))
        if socket is not None:
            socket.notify(SessionClosed(session.session, reason))

    def thin(self, stats: Stats) -> None:
        """A node's report: pages whose line has no room for some of their pictures are told."""
        for session in stats.sessions:
            if session.direction == "receive" and session.state == "connected":
                socket = self._sockets.get((ConferenceId(session.scope), session.port))
                if socket is not None:
                    socket.thin(session.paused)

    def sign_out(self, sign_in: bytes) -> list[tuple[ConferenceId, Port]]:
        """A sign-in has ended: its pages end too; returns where they were."""
        ended = [place for place, one in self._sockets.items() if one.sign_in == sign_in]
        self._close_where(lambda one: one.sign_in == sign_in, "unauthenticated")
        return ended

    async def stop(self) -> None:
        """Close every page with ``shutting_down``; they come back to the next process."""
        sockets = list(self._sockets.values())
        await asyncio.gather(*(socket.close("shutting_down") for socket in sockets))
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def withdraw(self, owner: Owner, site: SiteCode) -> None:
        """The site's link holds no longer: its devices are out, and the seat is free at once."""
        self._close_where(lambda one: one.owner is owner and one.actor.site == site, "link_revoked")
        seat = owner.current().seats[site]
        if seat.standby is not None:
            await self._submit(owner, LoseStandby(site, seat.standby))
        await self._submit(owner, Lose(site))

    def refused(self, owner: Owner, site: SiteCode, error: WireError) -> None:
        """A site's offer to publish was refused; the monitor is told where its own page or encoder
        cannot help it."""
        problem = error.problem
        if problem.code == "offer_other_codec":
            offered, codec = problem.params.get("offered", ""), problem.params.get("codec", "")
            at = self._clock.wall()
            self._bus.publish(SiteRefused(owner.conference, site, at, str(offered), str(codec)))

    def microphone_heard(self, owner: Owner, site: SiteCode, device: DeviceId) -> None:
        """A bridge node says that voice comes from this device."""
        self._later(self._submit(owner, Hear(site, device)))

    def encoder_shares(self, owner: Owner, site: SiteCode, device: DeviceId, shares: bool) -> None:
        """A bridge node says that slides of this encoder flow, or no longer: said in its name,
        since it has no page."""
        actor = Actor("site", f"site/{site}", site, device)
        self._later(self._submit(owner, Share() if shares else Unshare(), actor))

    def links(self) -> list[tuple[Conference, str]]:
        """The conference and link id of every connected device."""
        return [
            (one.owner.current(), one.jti) for one in self._sockets.values() if one.jti is not None
        ]

    def connected_by_role(self) -> Counter[Role]:
        """How many pages of each role are connected."""
        return Counter(socket.actor.role for socket in self._sockets.values())

    def sign_ins(self) -> set[bytes]:
        """The sign-ins that have a connected page."""
        return {one.sign_in for one in self._sockets.values() if one.sign_in is not None}

    def end_links(self, over: Mapping[str, str]) -> None:
        """These links, by id, hold no longer: error code by which their devices are closed."""
        for socket in list(self._sockets.values()):
            code = over.get(socket.jti or "")
            if code is not None:
                self._close_later(socket, code)

    def lose_absent_standbys(self, owners: Iterable[Owner]) -> None:
        """Free the standby places whose device did not come back after a restart."""
        for owner in owners:
            for site, seat in owner.current().seats.items():
                if seat.standby is None:
                    continue
                sitting = (owner.conference, standby_port(site)) in self._sockets
                if not sitting and (owner.conference, site, seat.standby) not in self._arming:
                    self._later(self._submit(owner, LoseStandby(site, seat.standby)))

    async def _let_in(self, socket: PageSocket, hello: PageHello) -> None:
        socket.page = PageId(hello.page_id)
        site, device = socket.actor.site, socket.actor.device
        if site is None or device is None:
            socket.port = operator_port(socket.page)
            self._register(socket)
            return
        arming = (socket.owner.conference, site, device)
        self._arming.add(arming)
        try:
            await socket.owner.submit(Join(site, device, hello.standby), socket.actor)
            self._sit_down(socket, site)
        finally:
            self._arming.discard(arming)

    def _sit_down(self, socket: PageSocket, site: SiteCode) -> None:
        """In the seat, or beside it."""
        seat = socket.owner.current().seats[site]
        socket.standby = seat.standby is not None and seat.standby == socket.actor.device
        port = standby_port(site) if socket.standby else site_port(site)
        sitting = self._sockets.get((socket.owner.conference, port))
        if (
            sitting is not None
            and sitting.actor.device != socket.actor.device
            and seat.device != socket.actor.device
            and not socket.standby
        ):
            # nobody changes places after the end
            raise WireError("seat_taken", f"site {site}: another device is connected")
        socket.port = port
        self._register(socket)
        self._heard(socket)

    def _register(self, socket: PageSocket) -> None:
        key = (socket.owner.conference, socket.port)
        older = self._sockets.get(key)
        if older is not None and older.sign_in != socket.sign_in:
            raise WireError("forbidden", "this page_id is another sign-in's")
        self._sockets[key] = socket
        if older is None:
            return
        if older.actor.device != socket.actor.device:
            self._close_later(older, "taken_over")
        elif older.page == socket.page:
            self._later(older.supersede())
        else:
            self._close_later(older, "replaced")

    def _heard(self, socket: PageSocket) -> None:
        site = socket.actor.site
        if site is None or not self._holds(socket):
            return
        socket.owner.presence.heard(site, self._clock.monotonic())
        self._bus.publish(SiteHeard(socket.owner.conference, site, self._clock.wall()))

    def _reported(self, socket: PageSocket, report: Report) -> None:
        site = socket.actor.site
        if site is not None and self._holds(socket):
            at = self._clock.wall()
            self._bus.publish(SiteReported(socket.owner.conference, site, at, report))

    @staticmethod
    def _holds(socket: PageSocket) -> bool:
        site = socket.actor.site
        return site is not None and (
            socket.owner.current().seats[site].device == socket.actor.device
        )

    def _gone(self, socket: PageSocket) -> None:
        key = (socket.owner.conference, socket.port)
        if self._sockets.get(key) is not socket:
            return
        del self._sockets[key]
        site, device = socket.actor.site, socket.actor.device
        if site is None or device is None:
            return
        conference = socket.owner.conference
        if socket.standby:
            self._later(self._submit(socket.owner, LoseStandby(site, device)))
        else:
            self._bus.publish(SiteGone(conference, site, self._clock.wall(), socket.left))

    @staticmethod
    async def _submit(owner: Owner, command: Command, actor: Actor = SYSTEM) -> None:
        # a service that stops refuses it; what it is about is found again after the restart
        with contextlib.suppress(WireError):
            await owner.submit(command, actor)

    def _close_where(self, concerned: Callable[[PageSocket], bool], code: str) -> None:
        for socket in list(self._sockets.values()):
            if concerned(socket):
                self._close_later(socket, code)

    def _of(self, conference: ConferenceId) -> list[PageSocket]:
        return [socket for (held, _), socket in self._sockets.items() if held == conference]

    def _close_later(self, socket: PageSocket, code: str) -> None:
        if socket.closing:
            return
        socket.closing = True
        self._later(socket.close(code))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
