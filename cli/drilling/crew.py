"""The people of a drill: synthetic sites that join by their links, and an operator's window."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp

from bridge.endpoint import doors
from bridge.endpoint.loops import Loop
from bridge.endpoint.page import PageSocket
from bridge.endpoint.synthetic import Player
from bridge.endpoint.watcher import Watcher
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from signaling.wire.commands import PageCommand
from signaling.wire.ids import ConferenceId, SiteCode, SlotName, parse_slots, slot_name
from signaling.wire.pages import ConferenceRow, FloorRow, Layers, SeatRow
from signaling.wire.rest import (
    ConferenceSummary,
    CreateConference,
    Me,
    SignInRequest,
    SiteLink,
)

SITE_SLOTS = tuple(parse_slots("stage:4,floor:4"))
FLOOR_SLOTS = tuple(slot_name("floor", index) for index in range(1, 5))
STAGE = slot_name("stage", 1)
_DELETE_S = 5.0


class Member:
    """A page of the conference with what it receives. Sites and the operator are members."""

    def __init__(self, name: str, slots: tuple[SlotName, ...], wheel: Wheel, own: Certificate):
        self.name = name
        self.closed_sessions: list[str] = []
        self.http = doors.session()
        self.watcher = Watcher(slots, wheel, own)
        self._page: PageSocket | None = None
        self._resources: list[doors.Resource] = []

    @property
    def page(self) -> PageSocket:
        """The page socket, after joining."""
        assert self._page is not None, f"{self.name} has not joined"
        return self._page

    @property
    def conference(self) -> ConferenceRow:
        """The conference as this member sees it."""
        row = self.page.rows.get("conference")
        assert isinstance(row, ConferenceRow), row
        return row

    @property
    def floor(self) -> list[str]:
        """Whose microphones are open, as this member is told."""
        row = self.page.rows.get("floor")
        return [named.site for named in row.seats] if isinstance(row, FloorRow) else []

    def seat(self, site: str) -> SeatRow | None:
        """A seat's row, if this member may see it."""
        row = self.page.rows.get(f"seat/{site}")
        return row if isinstance(row, SeatRow) else None

    async def command(self, command: PageCommand) -> None:
        """Run a command. Raises as `PageSocket.command`."""
        await self.page.command(command)

    async def leave(self) -> None:
        """End the sessions and close the page; what is gone already does not matter."""
        for resource in self._resources:
            with contextlib.suppress(
                aiohttp.ClientError, OSError, TimeoutError, doors.RefusedError
            ):
                async with asyncio.timeout(_DELETE_S):
                    await resource.delete()
        self.watcher.close()
        if self._page is not None:
            await self._page.close()
        await self.http.close()

    async def _enter(self, url: str) -> None:
        self._page = PageSocket(
            self.http,
            url,
            self.name,
            lambda told: self.closed_sessions.append(told.reason),
            self._watched,
        )
        await self._page.open()

    def _watched(self, layers: Layers) -> None:
        """These layers of what it sends are watched; who sends none does not care."""

    def _door(self, url: str, slots: tuple[SlotName, ...] = ()) -> doors.Resource:
        full = urljoin(self._base, url)
        resource = doors.Resource(self.http, full, self.page.snapshot.doors.token, slots)
        self._resources.append(resource)
        return resource

    async def _receive(self) -> None:
        whep = self.page.snapshot.doors.whep
        assert whep is not None, f"{self.name} was given no door to receive"
        await self.watcher.open(self._door(whep, self.watcher.slots))

    @property
    def _base(self) -> str:
        raise NotImplementedError


class SyntheticSite(Member):
    """A site that joins by its link: exchange, page socket, WHIP, WHEP."""

    def __init__(self, link: SiteLink, loop: Loop, wheel: Wheel, certificate: Certificate) -> None:
        super().__init__(f"{link.site} {link.name}", SITE_SLOTS, wheel, certificate)
        self.code, self.label, self.tone_hz = link.site, loop.key.label, loop.key.tone_hz
        self.player = Player(loop, wheel, certificate)
        self._link = doors.read_link(link.url)
        self._loop, self._wheel, self._certificate = loop, wheel, certificate

    async def join(self) -> None:
        """Come in and send and receive. Raises what its parts raise."""
        await doors.exchange(self.http, self._link)
        await self._come_in()

    async def _come_in(self) -> None:
        await self._enter(self._link.socket)
        whip = self.page.snapshot.doors.whip
        assert whip is not None, f"{self.name} was given no door to publish"
        await self.player.open(self._door(whip))
        await self._receive()

    def _watched(self, layers: Layers) -> None:
        if layers.track == "camera":
            self.player.want(layers.layers)

    def offline(self, cut: bool) -> None:
        """Cut its network, or mend it: sound, picture and page, both ways."""
        self.player.offline(cut)
        self.watcher.offline(cut)
        self.page.offline(cut)

    async def vanish(self) -> None:
        """End as a killed process does: every socket closes, and nothing is said on any of them."""
        self.player.vanish()
        self.watcher.vanish()
        connector = self.http.connector
        assert connector is not None
        await connector.close()
        await self.page.close()

    async def revive(self) -> None:
        """Start anew after `vanish`, as the same device. Raises as `join`."""
        cookies = self.http.cookie_jar
        await self.http.close()
        self.http = doors.session(cookies)
        self._resources.clear()
        self.player = Player(self._loop, self._wheel, self._certificate)
        self.watcher = Watcher(SITE_SLOTS, self._wheel, self._certificate)
        await self._come_in()

    async def leave(self) -> None:
        """See `Member.leave`."""
        self.player.close()
        await super().leave()

    @property
    def sending(self) -> bool:
        """Whether both its sessions stand."""
        return self.player.state == "connected" and self.watcher.state == "connected"

    @property
    def _base(self) -> str:
        return self._link.base + "/"


class Operator(Member):
    """An operator's window: signs in, makes the conference, commands, watches all sites."""

    def __init__(self, url: str, thumbs: int, wheel: Wheel, certificate: Certificate) -> None:
        slots = tuple(parse_slots(f"stage:4,floor:4,preview:4,cue:1,thumb:{thumbs}"))
        super().__init__("operator", slots, wheel, certificate)
        self._url = url

    async def sign_in(self, link: str) -> Me:
        """Use a one-time sign-in link. Raises as `doors.call`."""
        codes = parse_qs(urlsplit(link).fragment).get("code", [""])
        return await doors.call(
            self.http, "POST", f"{self._url}/api/sign-in", Me, SignInRequest(codes[0])
        )

    async def create(self, template: str, title: str) -> ConferenceSummary:
        """A new conference from a template. Raises as `doors.call`."""
        # its loops are VP8, whatever the template's rooms have
        body = CreateConference(template, title, "VP8")
        url = f"{self._url}/api/conferences"
        return await doors.call(self.http, "POST", url, ConferenceSummary, body)

    async def links(self, conference: ConferenceId) -> list[SiteLink]:
        """All its sites' links. Raises as `doors.call`."""
        url = f"{self._url}/api/conferences/{conference}/links"
        return await doors.call(self.http, "GET", url, list[SiteLink])

    async def enter(self, conference: ConferenceId) -> None:
        """Open the page and receive. Raises what its parts raise."""
        await self._enter(f"{self._url}/api/conferences/{conference}/socket")
        await self._receive()

    def watch(self, sites: Sequence[SiteCode]) -> None:
        """Have these sites in the thumbnail slots, in this order."""
        self.page.watch(tuple(sites))

    @property
    def _base(self) -> str:
        return self._url + "/"
