"""What people do on the pages, and what they then see."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.chromium import picture_in
from tests.service import Service

LIMIT_S = 30.0
POLL_S = 0.1
T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A province whose room a test plays: its code, name, and the tone of its microphone."""

    code: str
    name: str
    tone_hz: float


DA_NANG = Person("48", "Đà Nẵng", 700)
HA_NOI = Person("01", "Hà Nội", 1_100)


@dataclass(frozen=True)
class Stage:
    """The pages of a small conference."""

    service: Service
    operator: Page
    da_nang: Page
    ha_noi: Page

    @property
    def pages(self) -> tuple[Page, Page, Page]:
        """All three."""
        return self.operator, self.da_nang, self.ha_noi


async def eventually(
    look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], limit_s: float = LIMIT_S
) -> T:
    """Look again and again until what is seen is what is wanted; fails with the last sight."""
    seen = await look()
    try:
        async with asyncio.timeout(limit_s):
            while not wanted(seen):
                await asyncio.sleep(POLL_S)
                seen = await look()
    except TimeoutError:
        raise AssertionError(f"not seen within {limit_s:g} s; last seen: {seen!r}") from None
    return seen


async def sign_in(context: BrowserContext, url: str) -> Page:
    """Open a printed one-time link and tap; ends on the role's page, with its socket live."""
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_test_id("enter").click()
    await expect(page.locator("[data-connection=live]").first).to_be_visible(timeout=30_000)
    return page


async def site_link(operator: Page, code: str) -> str:
    """The site's link, read from the operator's table of links."""
    await operator.get_by_test_id("links-open").click()
    row = operator.locator(f"[data-link='{code}']")
    await expect(row).to_be_visible()
    text = await row.inner_text()
    await operator.keyboard.press("Escape")
    return next(word for word in text.split() if word.startswith("http"))


async def typed_code(operator: Page, code: str) -> str:
    """The site's typed code, read from the same table."""
    await operator.get_by_test_id("links-open").click()
    row = operator.locator(f"[data-link='{code}']")
    await expect(row).to_be_visible()
    text = await row.inner_text()
    await operator.keyboard.press("Escape")
    return next(word for word in text.split() if re.fullmatch(rf"{code}-[A-Z]{{8}}", word))


async def enter_site(context: BrowserContext, link: str) -> Page:
    """Open a site's link, tap, accept the devices offered, and take the seat."""
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_test_id("enter").click()
    await page.get_by_test_id("join").click()
    await expect(room(page)).to_have_attribute("data-publish", "connected", timeout=30_000)
    await expect(room(page)).to_have_attribute("data-receive", "connected", timeout=30_000)
    return page


def room(page: Page) -> Locator:
    """The part of a site page that stands while the site has its seat."""
    return page.get_by_test_id("room")


def tile(operator: Page, code: str) -> Locator:
    """A site's tile on the operator's wall."""
    return operator.locator(f".tile[data-site='{code}']")


async def confirm(operator: Page, what: str) -> None:
    """Press a button that asks back, and confirm."""
    await operator.get_by_test_id(what).click()
    await operator.get_by_test_id("confirm").click()


async def start(operator: Page) -> None:
    """Start the conference."""
    await confirm(operator, "start")
    await expect(operator.locator("[data-phase=live]").first).to_be_visible()


async def take(operator: Page, code: str) -> None:
    """Prepare a site's picture and take it on air."""
    await tile(operator, code).locator(".tile-main").click()
    await expect(operator.get_by_test_id("preview")).to_have_attribute("data-sites", code)
    await operator.get_by_test_id("take").click()
    await expect(operator.get_by_test_id("program")).to_have_attribute("data-sites", code)


async def sees(page: Page, selector: str, code: str) -> None:
    """Wait until the pixels of this video name this site."""
    await eventually(lambda: picture_in(page, selector), lambda label: label == code)


def requests_of(page: Page) -> list[str]:
    """A list that grows with each request to a media door that the page makes from now on."""
    made: list[str] = []

    def note(request: Any) -> None:
        if "/whip" in request.url or "/whep" in request.url:
            made.append(f"{request.method} {request.url}")

    page.on("request", note)
    return made
