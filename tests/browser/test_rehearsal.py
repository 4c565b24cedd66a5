"""The day before, 16:00: a rehearsal, from the first link to the next morning."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser.chromium import Camera, chromium, open_context
from tests.browser.people import (
    DA_NANG,
    HA_NOI,
    enter_site,
    room,
    sees,
    sign_in,
    site_link,
    tile,
    typed_code,
)
from tests.service import running_service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

STAGE = "video[data-slot='stage:1']"
TAKEOVER_MS = 60_000


async def create_conference(operator: Page, title: str) -> None:
    """Make a conference from the default template and wait until its console stands."""
    await operator.get_by_test_id("create").click()
    await operator.get_by_test_id("title").fill(title)
    await operator.get_by_test_id("create-submit").click()
    await expect(operator.get_by_test_id("conference")).to_contain_text(title)
    await expect(operator.locator("[data-connection=live]").first).to_be_visible()


async def join_by_code(page: Page, url: str, code: str) -> None:
    """Type the code that was read over the telephone, and take the seat."""
    await page.goto(f"{url}/join")
    await page.get_by_test_id("join-code").fill(code.lower())
    await page.get_by_test_id("join-submit").click()
    await page.get_by_test_id("join").click()
    await expect(room(page)).to_have_attribute("data-publish", "connected", timeout=30_000)


async def queue(operator: Page) -> list[str | None]:
    """The sites in the operator's queue, in order."""
    rows = await operator.get_by_test_id("queue-row").all()
    return [await row.get_attribute("data-queued") for row in rows]


async def test_the_day_before(playwright: Playwright, tmp_path: Path):
    data_dir = tmp_path / "data"
    pc, tablet = (
        Camera.of(site.code, site.name, site.tone_hz, tmp_path) for site in (DA_NANG, HA_NOI)
    )
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(running_service(data_dir))
        consoles = await stack.enter_async_context(chromium(playwright))
        operator = await sign_in(await open_context(consoles, 1600, 900), service.operator_sign_in)
        await create_conference(operator, "Chạy thử trước hội nghị")
        link = await site_link(operator, DA_NANG.code)
        code = await typed_code(operator, HA_NOI.code)
        address = f"{service.technician_sign_in}"
        technician = await sign_in(await open_context(consoles), address)

        # two sites join: one by its link, one by the typed code on a small screen
        at_pc = await stack.enter_async_context(chromium(playwright, pc))
        da_nang = await enter_site(await open_context(at_pc), link)
        at_phone = await stack.enter_async_context(chromium(playwright, tablet))
        ha_noi = await (await open_context(at_phone, 390, 844)).new_page()
        await join_by_code(ha_noi, service.url, code)
        await operator.get_by_test_id("rehearse").click()
        await expect(room(da_nang)).to_have_attribute("data-phase", "rehearsal")

        # one asks for help
        await ha_noi.get_by_test_id("help").click()
        await expect(ha_noi.get_by_test_id("help")).to_have_attribute("data-asked", "true")
        await technician.locator(f".site[data-site='{HA_NOI.code}']").click()
        await technician.get_by_test_id("clear-help").first.click()
        await expect(ha_noi.get_by_test_id("help")).to_have_attribute("data-asked", "false")

        # the room's PC dies at once; a laptop with the same link takes the seat over
        await at_pc.close()
        at_laptop = await stack.enter_async_context(chromium(playwright, pc))
        laptop = await (await open_context(at_laptop)).new_page()
        await laptop.goto(link)
        await laptop.get_by_test_id("enter").click()
        await laptop.get_by_test_id("join").click()
        await expect(room(laptop)).to_have_attribute(
            "data-publish", "connected", timeout=TAKEOVER_MS
        )
        await expect(tile(operator, DA_NANG.code)).to_have_attribute(
            "data-mic", "muted_by_operator"
        )
        await expect(laptop.get_by_test_id("mute")).to_have_attribute("data-open", "false")

        # hands and floor
        await ha_noi.get_by_test_id("hand").click()
        await expect(ha_noi.get_by_test_id("hand")).to_have_attribute("data-raised", "true")
        await laptop.get_by_test_id("hand").click()
        await expect(operator.get_by_test_id("queue-row")).to_have_count(2)
        assert await queue(operator) == [HA_NOI.code, DA_NANG.code]
        waiting = operator.locator(f"[data-queued='{DA_NANG.code}']")
        await waiting.get_by_test_id("give-floor").click()
        await sees(ha_noi, STAGE, DA_NANG.code)
        await expect(room(laptop)).to_have_attribute("data-tally", "on_air")
        assert await queue(operator) == [HA_NOI.code]
        await operator.get_by_test_id("take-back-floor").click()
        await expect(operator.get_by_test_id("queue-row")).to_have_count(2)
        await expect(room(laptop)).to_have_attribute("data-tally", "listening")
        first = operator.locator(f"[data-queued='{HA_NOI.code}']")
        await first.get_by_test_id("give-floor").click()
        await sees(laptop, STAGE, HA_NOI.code)
        await operator.get_by_test_id("end-floor").click()
        await expect(room(ha_noi)).to_have_attribute("data-tally", "listening")

        # the rehearsal ends, and leaves nothing behind
        await operator.get_by_test_id("end-rehearsal").click()
        await expect(operator.get_by_test_id("queue-row")).to_have_count(0)
        for page in (laptop, ha_noi):
            await expect(page.get_by_test_id("waiting")).to_be_visible()

    # next morning, the same link
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_service(data_dir, later="+16h", like=service))
        browser = await stack.enter_async_context(chromium(playwright, pc))
        morning = await enter_site(await open_context(browser), link)
        await expect(morning.get_by_test_id("waiting")).to_be_visible()
