"""Faults of single sites, as the technician's page shows them: the right state, in time, and back.

Each is made at a synthetic site: its network, its process, its RTP alone, its page's socket alone.
Times count from the fault to the figures that show it, and from its end (the cable is in again, or
the new process has joined) to the figures that show the site as before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bridge.endpoint import doors
from bridge.endpoint.page import PageSocket
from cli.drilling.checks import CheckError, each
from cli.drilling.crew import SyntheticSite
from cli.drilling.judge import STALL_S, own_stall
from cli.drilling.moves import Drill, Figures
from cli.drilling.report import StepFailedError
from signaling.wire.figures import SiteFigures
from signaling.wire.ids import SiteCode
from signaling.wire.rest import Me, SignInRequest, SiteHistory

ALIVE = ("good", "fair", "poor")
RETURN_S = 3.0
STAGGER_S = 0.17
"""So that the faults do not all begin at the same point of the monitor's second."""
REPEATS = 2
PATIENCE = 2.0
"""How many times its limit a change is waited for, so that a late one is told from none."""


@dataclass(frozen=True)
class Breakage:
    """One way in which a site can fail, what must be shown of it, and within which time."""

    name: str
    begin: Callable[[SyntheticSite], Awaitable[None]]
    end: Callable[[SyntheticSite], Awaitable[None]]
    expected: str
    shown: Callable[[SiteFigures], bool]
    limit_s: float
    spares_media: bool = False


async def _cut(site: SyntheticSite) -> None:
    site.offline(True)


async def _mend(site: SyntheticSite) -> None:
    site.offline(False)


async def _silence(site: SyntheticSite) -> None:
    site.player.silent = True


async def _sound(site: SyntheticSite) -> None:
    site.player.silent = False


async def _cut_page(site: SyntheticSite) -> None:
    site.page.offline(True)


async def _mend_page(site: SyntheticSite) -> None:
    site.page.offline(False)


def _lost(figures: SiteFigures) -> bool:
    return figures.state == "lost"


def _control_lost(figures: SiteFigures) -> bool:
    return figures.state in ALIVE and figures.control == "lost"


BREAKAGES = (
    Breakage("network", _cut, _mend, "lost", _lost, 6.0),
    Breakage("process", SyntheticSite.vanish, SyntheticSite.revive, "lost", _lost, 6.0),
    Breakage("rtp", _silence, _sound, "lost", _lost, 5.0),
    Breakage("page", _cut_page, _mend_page, "control lost, media good", _control_lost, 6.0, True),
)


async def faults(drill: Drill) -> Figures:
    """Some sites fail, each in its way, at once: each is shown as it is, and no other is blamed."""
    found: Figures = {}
    async with technician(drill) as desk:
        count = min(len(BREAKAGES), len(drill.remotes))
        for first in range(0, len(BREAKAGES), count):
            group = BREAKAGES[first : first + count]
            pairs = list(zip(drill.remotes[-len(group) :], group, strict=True))
            found |= await _judged(drill, desk, pairs)
    return found


async def _judged(
    drill: Drill, desk: Desk, pairs: Sequence[tuple[SyntheticSite, Breakage]]
) -> Figures:
    """As `_all_fail`, again where the judge itself stood still: all sites live in this process, so
    its pause silences them all, and a service that then suspects the node is right."""
    for repeats in range(REPEATS + 1):
        await desk.all_well([site.code for site in drill.sites], drill.view_s)
        async with own_stall() as stall:
            try:
                found = await _all_fail(desk, pairs)
            except StepFailedError:
                if stall.longest_s < STALL_S or repeats == REPEATS:
                    raise
            else:
                return found | ({"repeated": repeats} if repeats else {})
    raise AssertionError("the last repeat returns or raises")


async def _all_fail(desk: Desk, pairs: Sequence[tuple[SyntheticSite, Breakage]]) -> Figures:
    """These sites fail together, each in its way, while the others are watched."""
    desk.forget()
    found: Figures = {}
    try:
        times = await each(
            [
                (f"{site.name}, its {one.name}", _fail(desk, site, one, index * STAGGER_S))
                for index, (site, one) in enumerate(pairs)
            ]
        )
    finally:
        for site, _ in pairs:
            site.closed_sessions.clear()  # of the process that is gone
    for (_, one), (shown_s, back_s) in zip(pairs, times, strict=True):
        found |= {f"{one.name}_shown_s": shown_s, f"{one.name}_back_s": back_s}
    await each([("the other sites", desk.nobody_blamed([site.code for site, _ in pairs]))])
    await each([(site.name, _remembered(desk, site, one)) for site, one in pairs])
    return found


async def _remembered(desk: Desk, site: SyntheticSite, breakage: Breakage) -> None:
    """The site's history tells of it, too."""
    points = (await desk.history(site.code)).points
    told = {point.control if breakage.spares_media else point.state for point in points}
    if "lost" not in told:
        raise CheckError(
            f"{breakage.expected} in its history", ", ".join(sorted(told)) or "nothing"
        )


async def _fail(
    desk: Desk, site: SyntheticSite, breakage: Breakage, wait_s: float = 0.0
) -> tuple[float, float]:
    """Break it and mend it; seconds to the figures that show the one and the other."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(wait_s)
    begin = loop.time()
    await breakage.begin(site)
    try:
        await desk.until(site.code, breakage.expected, breakage.shown, breakage.limit_s, begin)
        shown_s = loop.time() - begin
        if breakage.spares_media and "lost" in desk.states[site.code]:
            raise CheckError("media to be good throughout", "the site was shown as lost")
    finally:
        await breakage.end(site)
    mended = loop.time()
    await desk.until(site.code, "to be shown as before", _well, RETURN_S, mended)
    return round(shown_s, 2), round(loop.time() - mended, 2)


def _well(figures: SiteFigures) -> bool:
    return figures.state in ALIVE and figures.control == "good"


# --- the technician's page --------------------------------------------------------------------


@dataclass
class Desk:
    """What a technician's page has shown. `states` are those seen since `forget`, for each site.

    `resource` is the conference's address, which `http` is signed in to read.
    """

    page: PageSocket
    http: aiohttp.ClientSession
    resource: str
    states: dict[SiteCode, set[str]] = field(default_factory=dict)
    suspects: set[str] = field(default_factory=set)

    async def watch(self) -> None:
        """Note what every figures message says, for ever."""
        await self.page.until(self._note, None)

    def forget(self) -> None:
        """Begin anew to note what is seen."""
        self.states.clear()
        self.suspects.clear()

    def of(self, site: SiteCode) -> SiteFigures | None:
        """A site's newest figures."""
        return self.page.figures.sites.get(site) if self.page.figures else None

    async def history(self, site: SiteCode) -> SiteHistory:
        """The site's last 15 minutes. Raises as `doors.call`."""
        return await doors.call(
            self.http, "GET", f"{self.resource}/sites/{site}/history", SiteHistory
        )

    async def all_well(self, sites: list[SiteCode], limit_s: float) -> None:
        """Wait until all are shown as connected and heard."""
        await each([(site, self.until(site, "to be well", _well, limit_s)) for site in sites])

    async def until(
        self,
        site: SiteCode,
        expected: str,
        shown: Callable[[SiteFigures], bool],
        limit_s: float,
        since: float | None = None,
    ) -> None:
        """Wait until the site is shown so. Raises CheckError when it takes longer."""
        loop = asyncio.get_running_loop()
        since = loop.time() if since is None else since

        def wanted() -> bool:
            figures = self.of(site)
            return figures is not None and shown(figures)

        words = f"{expected} within {limit_s:g} s"
        try:
            await self.page.until(wanted, PATIENCE * limit_s)
        except TimeoutError:
            figures = self.of(site)
            last = f"{figures.state}, control {figures.control}" if figures else "nothing"
            raise CheckError(words, f"still {last} after {PATIENCE * limit_s:g} s") from None
        took = loop.time() - since
        if took > limit_s:
            raise CheckError(words, f"so after {took:.1f} s")

    async def nobody_blamed(self, but: list[SiteCode]) -> None:
        """Check that no site but these was shown as lost or without control. Raises CheckError."""
        blamed = {
            site: seen & {"lost", "control lost"}
            for site, seen in self.states.items()
            if site not in but and seen & {"lost", "control lost"}
        }
        if blamed:
            words = "; ".join(f"{site}: {', '.join(sorted(seen))}" for site, seen in blamed.items())
            raise CheckError("nobody else to be blamed", words)
        if self.suspects:
            raise CheckError("no node to be suspected", ", ".join(sorted(self.suspects)))

    def _note(self) -> bool:
        figures = self.page.figures
        if figures is not None:
            self.suspects |= set(figures.suspects)
            for site, one in figures.sites.items():
                self.states.setdefault(site, set()).update((one.state, f"control {one.control}"))
        return False


@contextlib.asynccontextmanager
async def technician(drill: Drill) -> AsyncIterator[Desk]:
    """A technician's page on the conference; in a service that is not ours, the operator's."""
    conference = drill.operator.conference.conference
    resource = f"{drill.service.url}/api/conferences/{conference}"
    if drill.service.technician_sign_in is None:
        async with _noting(Desk(drill.operator.page, drill.operator.http, resource)) as desk:
            yield desk
        return
    async with doors.session(drill.technician) as http:
        if drill.technician is None:
            await _sign_in(http, drill.service.url, drill.service.technician_sign_in)
            drill.technician = http.cookie_jar
        page = PageSocket(http, f"{resource}/socket", "technician")
        await page.open()
        try:
            async with _noting(Desk(page, http, resource)) as desk:
                yield desk
        finally:
            await page.close()


async def _sign_in(http: aiohttp.ClientSession, url: str, link: str) -> None:
    code = parse_qs(urlsplit(link).fragment).get("code", [""])[0]
    await doors.call(http, "POST", f"{url}/api/sign-in", Me, SignInRequest(code))


@contextlib.asynccontextmanager
async def _noting(desk: Desk) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.watch())
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
