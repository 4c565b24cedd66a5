"""A real endpoint without a browser: joins by a site's link, publishes, receives, comes back.

It holds its seat as a page does: the device cookie is kept in a state file, so that after a restart
it is the same device with the same microphone flags. What it publishes outlives every session and
every device (`agentmedia`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import structlog
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from yarl import URL

from bridge.agent import session as agentsession
from bridge.agent.media import AgentMedia
from bridge.agent.report import Freezes, Reporter, totals
from bridge.agent.session import Ended, Sessions
from bridge.agent.state import StateFile
from bridge.agent.status import Status
from bridge.endpoint import doors
from bridge.endpoint.page import PageClosedError, PageSocket
from signaling.wire.commands import Unmute
from signaling.wire.errors import WireError
from signaling.wire.ids import SlotName, parse_slots, slot_media
from signaling.wire.pages import ConferenceRow, SeatRow

COOKIE = "diemcau_device"
SLOTS = tuple(parse_slots("stage:1,floor:4"))
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 10.0
REPORT_S = 5.0
"""Between two reports of our own statistics."""
_UNAUTHENTICATED = 4401
_LATER = {409, 429}
"""Statuses with which the door says not yet: the conference is not open, or too many come."""

log = structlog.get_logger("agent")


class AgentError(Exception):
    """The agent cannot go on; the text says why."""


class Agent:
    """One site's device. `run` holds the seat until cancelled.

    Args:
        link: the site's link.
        state: where the device cookie is kept.
        open_media: makes what to publish; called once, with the site's name.
        unmute: lift the site's own mute flag on each join. The operator's stays its own affair.
    """

    def __init__(
        self,
        link: doors.Link,
        state: StateFile,
        open_media: Callable[[str], AgentMedia],
        *,
        unmute: bool = False,
    ) -> None:
        self._link = link
        self._state = state
        self._open_media = open_media
        self._unmute = unmute
        self._sessions = Sessions()
        self._connections: dict[str, RTCPeerConnection] = {}
        self._shown = Freezes()
        self.status = Status(link.site, time.time())
        self._log = log.bind(site=link.site)

    async def run(self) -> None:
        """Join and stay.

        Raises:
            AgentError: the link is refused, or another page has taken this device's place.
        """
        async with doors.session() as http:
            page = PageSocket(http, self._link.socket, self._link.site, self._sessions.closed)
            try:
                page = await self._enter(http, page)
                await self._live(http, page)
            except* (PageClosedError, AgentError) as ended:
                raise AgentError(str(ended.exceptions[0])) from None
            finally:
                await page.close()

    async def _live(self, http: aiohttp.ClientSession, page: PageSocket) -> None:
        structlog.contextvars.bind_contextvars(site=self._link.site)  # for the sources' lines
        media = self._open_media(page.snapshot.name)
        media.on_trouble = self._trouble
        page.on_layers = lambda told: media.want(told.layers) if told.track == "camera" else None
        self.status.sources = media.supplied
        media.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hold("publish", lambda: self._publish(http, page, media)))
                group.create_task(self._hold("receive", lambda: self._receive(http, page)))
                group.create_task(self._keep_seat(page))
                group.create_task(self._report(page, media))
                group.create_task(page.until(lambda: self._observe(page), None))
        finally:
            media.close()

    def _observe(self, page: PageSocket) -> bool:
        """Take what the page says into the status; never ends."""
        status, seat = self.status, self._seat(page)
        conference = page.rows.get("conference")
        status.name = page.snapshot.name
        if isinstance(conference, ConferenceRow):
            status.conference = conference.title
        if seat is not None:
            status.tally = seat.tally
            status.muted_by_operator = seat.muted_by_operator
            status.muted_by_site = seat.muted_by_site
        if status.connection.connected and not page.connected:
            self._trouble(page.last_loss)
        status.connection.now(page.connected, time.time())
        return False

    def _trouble(self, why: str) -> None:
        self.status.trouble(time.time(), why)

    async def _report(self, page: PageSocket, media: AgentMedia) -> None:
        """Our own statistics, as a browser sends them."""
        loop = asyncio.get_running_loop()
        reporter = Reporter(loop.time())
        while True:
            await asyncio.sleep(REPORT_S)
            found = [
                one for held in self._connections.values() for one in await agentsession.stats(held)
            ]
            sums = totals(found, media.pictures.shown if media.pictures else 0)
            level = media.sounds.level() if media.sounds else None
            report = reporter.report(
                loop.time(), sums, self._shown, level, media.flows("video"), media.flows("audio")
            )
            if report is not None:
                self.status.figures = report
                page.report(report)

    async def _enter(self, http: aiohttp.ClientSession, page: PageSocket) -> PageSocket:
        """Open the page with the kept cookie, else by the link."""
        kept = self._state.load(self._link.page)
        if kept is not None:
            http.cookie_jar.update_cookies({COOKIE: kept}, URL(self._link.page))
            try:
                await page.open(None)
            except PageClosedError as closed:
                if closed.code != _UNAUTHENTICATED:
                    raise
                self._log.info("the kept device cookie is not taken, using the link anew")
            else:
                return page
        await self._exchange(http)
        fresh = PageSocket(http, self._link.socket, self._link.site, self._sessions.closed)
        await fresh.open(None)
        return fresh

    async def _exchange(self, http: aiohttp.ClientSession) -> None:
        told = ""
        for retry_s in _retries():
            try:
                await doors.exchange(http, self._link)
                break
            except doors.RefusedError as error:
                if error.status < 500 and error.status not in _LATER:
                    raise AgentError(f"the link was refused: {error}") from None
                why: Exception = error
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                why = error
            if str(why) != told:
                told = str(why)
                self._log.warning("the service does not let us in yet, trying on", why=told)
                self._trouble(told)
            await asyncio.sleep(retry_s)
        cookie = http.cookie_jar.filter_cookies(URL(self._link.page)).get(COOKIE)
        if cookie is not None:
            self._state.store(self._link.page, cookie.value)

    async def _keep_seat(self, page: PageSocket) -> None:
        """Lift the own mute flag where wanted, on each connection; ends with the page."""
        for number in itertools.count(1):
            await _connected(page, number)
            seat = self._seat(page)
            self._log.info("in the seat", name=page.snapshot.name, muted=not self._is_open(page))
            if self._unmute and seat is not None and seat.muted_by_site:
                try:
                    await page.command(Unmute(self._link.site))
                except (WireError, TimeoutError) as error:
                    self._log.warning("could not lift the own mute flag", why=str(error))

    def _seat(self, page: PageSocket) -> SeatRow | None:
        row = page.rows.get(f"seat/{self._link.site}")
        return row if isinstance(row, SeatRow) else None

    def _is_open(self, page: PageSocket) -> bool:
        """Whether the microphone may sound; without a connection the last known flags hold."""
        seat = self._seat(page)
        return seat is not None and not (seat.muted_by_site or seat.muted_by_operator)

    # --- sessions ---------------------------------------------------------------------------

    async def _hold(
        self, what: str, open_session: Callable[[], contextlib.AbstractAsyncContextManager[Ended]]
    ) -> None:
        """Open the session, and again whenever it ends."""
        retries, lost = _retries(), False
        line = self.status.publish if what == "publish" else self.status.receive
        while True:
            try:
                async with open_session() as ended:
                    self._log.info("session stands", direction=what)
                    line.now(True, time.time())
                    retries, lost = _retries(), False
                    await ended()
                    self._log.warning("session lost, opening another", direction=what)
                    self._trouble(f"{what}: session lost")
            except (aiohttp.ClientError, OSError, TimeoutError, doors.RefusedError) as error:
                if not lost:
                    self._log.warning("no session, trying on", direction=what, why=str(error))
                    self._trouble(f"{what}: {error}")
                lost = True
            finally:
                line.now(False, time.time())
            await asyncio.sleep(next(retries))

    @contextlib.asynccontextmanager
    async def _publish(
        self, http: aiohttp.ClientSession, page: PageSocket, media: AgentMedia
    ) -> AsyncIterator[Ended]:
        whip = page.snapshot.doors.whip
        if whip is None:
            raise AgentError("this seat may not publish")
        async with self._connected("publish", page) as connection:
            for track in media.tracks(lambda: self._is_open(page)):
                connection.addTransceiver(track, direction="sendonly")
            resource = self._resource(http, page, whip)
            codec = page.snapshot.doors.codec
            async with self._sessions.open(connection, resource, codec) as ended:
                yield ended

    @contextlib.asynccontextmanager
    async def _receive(self, http: aiohttp.ClientSession, page: PageSocket) -> AsyncIterator[Ended]:
        whep = page.snapshot.doors.whep
        if whep is None:
            raise AgentError("this seat may not receive")
        sinks: list[asyncio.Task[None]] = []
        async with self._connected("receive", page) as connection:
            connection.on("track", lambda track: sinks.append(self._drain(track)))
            for slot in SLOTS:
                connection.addTransceiver(slot_media(slot), direction="recvonly")
            resource = self._resource(http, page, whep, SLOTS)
            codec = page.snapshot.doors.codec
            try:
                async with self._sessions.open(connection, resource, codec) as ended:
                    yield ended
            finally:
                # a track of a closed connection may neither bring anything nor end
                for sink in sinks:
                    sink.cancel()
                await asyncio.gather(*sinks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _connected(self, what: str, page: PageSocket) -> AsyncIterator[RTCPeerConnection]:
        """A peer connection, closed at the end; known to `_report` meanwhile."""
        connection = self._connections[what] = agentsession.connection(
            page.snapshot.doors.ice_servers
        )
        try:
            yield connection
        finally:
            del self._connections[what]
            await connection.close()

    def _drain(self, track: MediaStreamTrack) -> asyncio.Task[None]:
        return asyncio.create_task(self._sink(track))

    async def _sink(self, track: MediaStreamTrack) -> None:
        """Take what comes, and count the pictures."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                if track.kind == "video":
                    self._shown.came(loop.time())

    def _resource(
        self,
        http: aiohttp.ClientSession,
        page: PageSocket,
        url: str,
        slots: tuple[SlotName, ...] = (),
    ) -> doors.Resource:
        full = url if "://" in url else self._link.base + url
        return doors.Resource(http, full, page.snapshot.doors.token, slots)


async def _connected(page: PageSocket, number: int) -> None:
    """Wait for the page's connection of at least this number."""
    await page.until(lambda: page.connected and page.connections >= number, None)


def _retries() -> Iterator[float]:
    retry_s = FIRST_RETRY_S
    while True:
        yield retry_s
        retry_s = min(2 * retry_s, LAST_RETRY_S)
