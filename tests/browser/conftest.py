"""Fixtures: Playwright, a service of one's own, and a conference with an operator and two sites."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.browser.chromium import EXECUTABLE, HD, SIZE, Camera, chromium, open_context
from tests.browser.people import DA_NANG, HA_NOI, Person, Stage, enter_site, sign_in, site_link
from tests.service import Service, running_service

EIGHT_CORES = "Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 8 })"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright, driving the Chromium that Debian ships."""
    assert Path(EXECUTABLE).exists(), f"{EXECUTABLE} is missing: run `deploy/prepare test`"
    async with async_playwright() as running:
        yield running


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """`diemcau up` with the built pages, in a directory of its own."""
    built = ROOT / "signaling" / "pages" / "operator.html"
    assert built.exists(), "the pages are not built: run `make test`, or `make run` once"
    async with running_service(tmp_path / "data") as service:
        yield service


@pytest.fixture
async def stage(playwright: Playwright, service: Service, tmp_path: Path) -> AsyncIterator[Stage]:
    """An operator's console and two sites in their seats; the conference has not started."""
    async with staged(playwright, service, tmp_path) as stage:
        yield stage


@pytest.fixture
async def large_stage(
    playwright: Playwright, service: Service, tmp_path: Path
) -> AsyncIterator[Stage]:
    """The same, but Đà Nẵng has a camera of 1280×720 and a machine of eight cores."""
    async with staged(playwright, service, tmp_path, large=DA_NANG) as stage:
        yield stage


@asynccontextmanager
async def staged(
    playwright: Playwright, service: Service, folder: Path, large: Person | None = None
) -> AsyncIterator[Stage]:
    """The pages of a stage, and the browsers that they are in."""
    async with AsyncExitStack() as stack:
        consoles = await open_context(await stack.enter_async_context(chromium(playwright)))
        operator = await sign_in(consoles, service.operator_sign_in)
        sites = []
        for site in (DA_NANG, HA_NOI):
            size = HD if site is large else SIZE
            camera = Camera.of(site.code, site.name, site.tone_hz, folder, size)
            browser = await stack.enter_async_context(chromium(playwright, camera))
            context = await open_context(browser)
            if site is large:
                await context.add_init_script(EIGHT_CORES)
            link = await site_link(operator, site.code)
            sites.append(await enter_site(context, link))
        yield Stage(service, operator, *sites)
