"""What the drill reads from a technician's page: right verdicts, wrong, late and missing ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest

from cli.drilling.checks import CheckError
from cli.drilling.faults import BREAKAGES, Breakage, Desk, _fail
from signaling.wire.figures import Figures, SiteFigures
from signaling.wire.ids import SiteCode

DN, HUE = SiteCode("48"), SiteCode("46")
WELL = SiteFigures("good", 0.0, 0.1, 0.1, 0.1, None, None, None, None, None, "good")
LOST = msgspec.structs.replace(WELL, state="lost")
CONTROL_LOST = msgspec.structs.replace(WELL, control="lost")


class Page:
    """A page socket that shows what the test tells it to."""

    def __init__(self) -> None:
        self.figures: Figures | None = None
        self._changed = asyncio.Event()

    def show(self, suspects: tuple[str, ...] = (), **sites: SiteFigures) -> None:
        named = {SiteCode(name.removeprefix("s")): figures for name, figures in sites.items()}
        self.figures = Figures(1.0, {}, named, list(suspects))
        self._changed.set()

    async def until(self, wanted: Callable[[], bool], timeout_s: float | None) -> None:
        async with asyncio.timeout(timeout_s):
            while not wanted():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def desk(page: Page) -> Desk:
    return Desk(page, None, "http://x")  # type: ignore[arg-type]


def at(name: str, begin: Callable[[], None], end: Callable[[], None]) -> Breakage:
    """The breakage of that name, which does nothing but change what the page shows."""

    def acting(act: Callable[[], None]) -> Callable[[object], Awaitable[None]]:
        async def run(site: object) -> None:
            act()

        return run

    [found] = [one for one in BREAKAGES if one.name == name]
    return replace(found, begin=acting(begin), end=acting(end), limit_s=0.2)


SITE = SimpleNamespace(code=DN, name="48 Đà Nẵng")


async def fail(desk: Desk, breakage: Breakage) -> tuple[float, float]:
    return await _fail(desk, SITE, breakage)  # type: ignore[arg-type]


async def test_a_site_shown_as_lost_and_back_passes_with_its_times(desk: Desk, page: Page) -> None:
    page.show(s48=WELL)
    one = at("network", lambda: page.show(s48=LOST), lambda: page.show(s48=WELL))
    assert all(0 <= took <= one.limit_s for took in await fail(desk, one))


async def test_a_site_that_is_not_called_lost_is_a_fault(desk: Desk, page: Page) -> None:
    page.show(s48=WELL)
    mended: list[bool] = []
    one = at("process", lambda: None, lambda: mended.append(True))
    with pytest.raises(CheckError, match=r"lost within 0.2 s; still good, control good after"):
        await fail(desk, one)
    assert mended == [True]


async def test_a_verdict_that_comes_late_is_a_fault(desk: Desk, page: Page) -> None:
    page.show(s48=WELL)

    def later() -> None:
        asyncio.get_running_loop().call_later(0.25, lambda: page.show(s48=LOST))

    with pytest.raises(CheckError, match=r"lost within 0.2 s; so after 0.[23] s"):
        await fail(desk, at("rtp", later, lambda: None))


async def test_lost_media_are_no_lost_control(desk: Desk, page: Page) -> None:
    page.show(s48=WELL)
    one = at("page", lambda: page.show(s48=LOST), lambda: page.show(s48=WELL))
    with pytest.raises(CheckError, match=r"control lost, media good within 0.2 s; still lost"):
        await fail(desk, one)


async def test_media_called_lost_meanwhile_is_a_fault_of_lost_control(
    desk: Desk, page: Page
) -> None:
    page.show(s48=WELL)
    desk.states[DN] = {"good", "lost"}
    one = at("page", lambda: page.show(s48=CONTROL_LOST), lambda: page.show(s48=WELL))
    with pytest.raises(CheckError, match="media to be good throughout"):
        await fail(desk, one)


async def test_everyone_but_those_that_failed_must_stay_unblamed(desk: Desk, page: Page) -> None:
    noting = asyncio.create_task(desk.watch())
    for figures in (WELL, LOST, CONTROL_LOST):
        page.show(s48=figures, s46=WELL)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    noting.cancel()
    await desk.nobody_blamed([DN])
    with pytest.raises(CheckError, match="48: control lost, lost"):
        await desk.nobody_blamed([HUE])
    desk.forget()
    await desk.nobody_blamed([])


async def test_a_node_under_suspicion_is_a_fault_too(desk: Desk, page: Page) -> None:
    page.show(("node-1",), s48=WELL)
    noting = asyncio.create_task(desk.watch())
    await asyncio.sleep(0)
    noting.cancel()
    with pytest.raises(CheckError, match="no node to be suspected; node-1"):
        await desk.nobody_blamed([])
