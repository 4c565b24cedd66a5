"""An operator's wall in real Chromium with a whole country on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, Playwright

from bridge.endpoint import cellcode, loops
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.checks import at_all
from cli.drilling.crew import SyntheticSite
from signaling.wire.rest import SiteLink
from tests.browser.chromium import chromium, open_context, pictures_in
from tests.browser.people import eventually, sign_in
from tests.service import Service

pytestmark = pytest.mark.browser

LINKS = """
async () => {
  const [conference] = await (await fetch('/api/conferences')).json()
  return await (await fetch(`/api/conferences/${conference.conference}/links`)).text()
}
"""


@asynccontextmanager
async def whole_country(links: list[SiteLink], cache: Path) -> AsyncIterator[list[SyntheticSite]]:
    """A synthetic site in every seat, playing the picture with its code and name."""
    keys = [
        loops.LoopKey(link.site, link.name, loops.tone_hz(index))
        for index, link in enumerate(links)
    ]
    async with Wheel() as wheel:
        certificate = Certificate()
        sites = [
            SyntheticSite(link, loop, wheel, certificate)
            for link, loop in zip(links, loops.load(keys, cache), strict=True)
        ]
        try:
            await at_all(sites, SyntheticSite.join)
            yield sites
        finally:
            await at_all(sites, SyntheticSite.leave)


async def names_shown(page: Page) -> dict[str, str | None]:
    """What the pixels of each tile's picture say: tile's site code → site code in the picture."""
    codes = await page.locator(".tile[data-site]:has(video)").evaluate_all(
        "tiles => tiles.map((tile) => tile.dataset.site)"
    )
    return dict(zip(codes, await pictures_in(page, ".tile[data-site] video"), strict=True))


async def test_all_63_tiles_of_the_wall_name_their_site(
    playwright: Playwright, service: Service, tmp_path: Path
):
    async with chromium(playwright) as browser:
        context = await open_context(browser, width=1920, height=1080)
        page = await sign_in(context, service.operator_sign_in)
        links = msgspec.json.decode(await page.evaluate(LINKS), type=list[SiteLink])
        remote = {link.site for link in links} - {"00"}
        assert len(remote) == 63
        assert all(len(code) <= cellcode.MAX_LABEL for code in remote)

        async with whole_country(links, tmp_path / "loops"):
            shown = await eventually(
                lambda: names_shown(page),
                lambda shown: all(shown.get(code) == code for code in remote),
                limit_s=120,
            )

        assert remote <= shown.keys()
        on_screen = await page.locator(".tile[data-site]").evaluate_all(
            "tiles => tiles.filter((tile) => {"
            "  const box = tile.getBoundingClientRect();"
            "  return box.top >= 0 && box.left >= 0"
            "    && box.bottom <= innerHeight && box.right <= innerWidth }).length"
        )
        assert on_screen == len(links)
