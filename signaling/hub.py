"""All page sockets: lets pages in, at most one per port, and passes on what concerns each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from signaling import permissions, routing
from signaling.bus import Bus
from signaling.clock import Clock
from signaling.conference.commands import Join
from signaling.conference.state import Conference
from signaling.nodes import Session
from signaling.socket import ClosedByPeer, PageSocket
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, PageId, Port, SiteCode
from signaling.wire.pages import Doors, Figures, SessionClosed
from signaling.wire.samples import HealthReport, SiteGone, SiteHeard

MakeDoors = Callable[[PageSocket], Doors]
WatchChanged = Callable[[ConferenceId, Port], None]


class Hub:
    """Registry of the connected pages."""

    def __init__(
        self, bus: Bus, clock: Clock, make_doors: MakeDoors, watch_changed: WatchChanged
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._make_doors = make_doors
        self._watch_changed = watch_changed
        self._sockets: dict[tuple[ConferenceId, Port], PageSocket] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def serve(self, socket: PageSocket) -> None:
        """Run a page from its hello to its end, and close it with what was wrong, if anything."""
        try:
            hello = await socket.hello()
            await self._let_in(socket, hello.page_id)
        except WireError as error:
            await socket.close(error.code)
            return
        except ClosedByPeer:
            return
        try:
            await socket.serve(
                self._make_doors(socket),
                lambda: self._heard(socket),
                lambda: self._watch_changed(socket.owner.conference, socket.port),
            )
        except WireError as error:
            await socket.close(error.code)
        except ClosedByPeer:
            pass
        finally:
            self._gone(socket)

    def watches(self, conference: ConferenceId) -> dict[Port, tuple[SiteCode, ...] | None]:
        """What each connected page of a conference watches; None: it has not said so yet."""
        return {
            port: socket.watch
            for (held, port), socket in self._sockets.items()
            if held == conference
        }

    def connected(self, conference: ConferenceId, port: Port) -> bool:
        """Whether a page with this port is connected."""
        return (conference, port) in self._sockets

    def changed(self, before: Conference | None, after: Conference) -> None:
        """A conference changed: its pages get patches, and a device that lost its seat goes."""
        for socket in self._of(after.conference):
            socket.changed()
            site, device = socket.actor.site, socket.actor.device
            if before is None or site is None or before.seats[site].device != device:
                continue
            held_by = after.seats[site].device
            socket.left = held_by is None
            if held_by is not None and held_by != device:
                self._close_later(socket, "seat_taken")

    def report(self, report: HealthReport) -> None:
        """The monitor's figures: all of them for those who see all sites, else the page's own."""
        every = Figures(report.at, report.nodes, report.sites)
        for socket in self._of(report.conference):
            site = socket.actor.site
            if permissions.allowed(socket.actor.role, "see_all_sites"):
                socket.show(every)
            elif site is not None and site in report.sites:
                socket.show(Figures(report.at, report.nodes, {site: report.sites[site]}))

    def session_closed(self, session: Session, reason: str) -> None:
        """A session ended: its page is told, so that it can open another."""
        socket = self._sockets.get((ConferenceId(session.scope), session.port))
        if socket is not None:
            socket.notify(SessionClosed(session.session, reason))

    def sign_out(self, sign_in: bytes) -> None:
        """A sign-in has ended: its pages end too."""
        for socket in list(self._sockets.values()):
            if socket.sign_in == sign_in:
                self._close_later(socket, "unauthenticated")

    async def stop(self) -> None:
        """Close every page with ``shutting_down``; they come back to the next process."""
        sockets = list(self._sockets.values())
        await asyncio.gather(*(socket.close("shutting_down") for socket in sockets))
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _let_in(self, socket: PageSocket, page: str) -> None:
        socket.page = PageId(page)
        site, device = socket.actor.site, socket.actor.device
        socket.port = (
            routing.site_port(site) if site is not None else routing.operator_port(socket.page)
        )
        key = (socket.owner.conference, socket.port)
        if site is not None and device is not None:
            await socket.owner.submit(Join(site, device), socket.actor)
            self._heard(socket)
        older = self._sockets.get(key)
        if older is not None and older.sign_in != socket.sign_in:
            raise WireError("forbidden", "this page_id is another sign-in's")
        self._sockets[key] = socket
        if older is not None:
            if older.actor.device != socket.actor.device:
                self._close_later(older, "seat_taken")
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
        site = socket.actor.site
        if site is not None:
            conference = socket.owner.conference
            self._bus.publish(SiteGone(conference, site, self._clock.wall(), socket.left))

    def _of(self, conference: ConferenceId) -> list[PageSocket]:
        return [socket for (held, _), socket in self._sockets.items() if held == conference]

    def _close_later(self, socket: PageSocket, code: str) -> None:
        self._later(socket.close(code))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
