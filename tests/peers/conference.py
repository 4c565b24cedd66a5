"""A small conference of the running service, in one codec, and what its operator does there."""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from bridge.endpoint import doors
from bridge.endpoint.page import PageSocket
from signaling.wire.commands import Layout, PageCommand, Scene, Start, Take
from signaling.wire.ids import ProgramCodec, SiteCode
from signaling.wire.rest import (
    ConferenceSummary,
    CreateConference,
    Me,
    SignInRequest,
    SiteDevices,
    SiteLink,
)
from tests.service import Service


class Conference:
    """Founded when entered, and live; `desk` is its operator's window."""

    def __init__(self, service: Service, codec: ProgramCodec) -> None:
        self._service, self._codec = service, codec
        self._http = doors.session()
        self._path = ""
        self.desk: PageSocket

    async def __aenter__(self) -> Self:
        url = self._service.url
        [code] = parse_qs(urlsplit(self._service.operator_sign_in).fragment)["code"]
        await doors.call(self._http, "POST", f"{url}/api/sign-in", Me, SignInRequest(code))
        made = await doors.call(
            *(self._http, "POST", f"{url}/api/conferences", ConferenceSummary),
            CreateConference("conference-2020", "Thiết bị", self._codec),
        )
        self._path = f"{url}/api/conferences/{made.conference}"
        self.desk = PageSocket(self._http, f"{self._path}/socket", "operator")
        await self.desk.open()
        await self.do(Start())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.desk.close()
        await self._http.close()

    async def do(self, command: PageCommand) -> None:
        """A command of the operator's."""
        await self.desk.command(command)

    async def take(self, *sites: str) -> None:
        """Put these on air."""
        layout: Layout = "single" if len(sites) == 1 else "grid"
        await self.do(Take(Scene(layout, tuple(map(SiteCode, sites)))))

    async def devices(self, site: str) -> SiteDevices:
        """Addresses and tokens of a site's encoder and players."""
        return await doors.call(
            self._http, "GET", f"{self._path}/links/{site}/devices", SiteDevices
        )

    async def link(self, site: str) -> str:
        """A site's personal link."""
        links = await doors.call(self._http, "GET", f"{self._path}/links", list[SiteLink])
        return next(link.url for link in links if link.site == site)
