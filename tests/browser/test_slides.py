"""A shared screen in real Chromium: offered by a site, looked at by the operator, taken, and gone.

Chromium's own stand-in for a screen is a green picture with a clock; no camera here is so green.
"""

from __future__ import annotations

import numpy as np
import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import median_colour
from tests.browser.people import Stage, eventually, requests_of, room, sees, start, take, tile

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FIRST, SECOND = "video[data-slot='stage:1']", "video[data-slot='stage:2']"
PREVIEW = "[data-testid=preview] video[data-slot='preview:1']"


async def sees_screen(page: Page, selector: str) -> None:
    """Wait until this video shows a shared screen."""
    await eventually(lambda: median_colour(page, selector), _is_screen)


def _is_screen(colour: np.ndarray | None) -> bool:
    if colour is None:
        return False
    red, green, blue = colour
    return bool(red < 30 and green > 110 and blue < 30)


async def share(stage: Stage) -> None:
    """Đà Nẵng offers its screen, and the operator is told."""
    await stage.da_nang.get_by_test_id("share").click()
    await expect(tile(stage.operator, "48")).to_have_attribute("data-sharing", "true")


async def take_slides(stage: Stage) -> None:
    """The operator looks at what Đà Nẵng shares, and takes it."""
    await stage.operator.get_by_test_id("shared-screen").click()
    preview = stage.operator.get_by_test_id("preview")
    await expect(preview).to_have_attribute("data-slides", "48")
    await sees_screen(stage.operator, PREVIEW)
    await stage.operator.get_by_test_id("take").click()
    await expect(stage.ha_noi.get_by_test_id("program")).to_have_attribute("data-slides", "48")


async def without_slides(page: Page) -> None:
    """The program of this page is its sites again, the first picture a camera's."""
    await expect(page.get_by_test_id("program")).not_to_have_attribute("data-slides", "48")
    await sees(page, FIRST, "48")


async def test_a_shared_screen_is_offered_previewed_taken_and_gone_with_its_page(stage: Stage):
    await start(stage.operator)
    requests = requests_of(stage.da_nang), requests_of(stage.ha_noi)
    await take(stage.operator, "48")
    await sees(stage.ha_noi, FIRST, "48")

    await share(stage)
    # offered, it is on nobody's picture
    await sees(stage.ha_noi, FIRST, "48")
    await expect(stage.da_nang.get_by_test_id("share")).to_have_attribute("data-on-air", "false")

    await take_slides(stage)
    await sees_screen(stage.ha_noi, FIRST)
    await sees(stage.ha_noi, SECOND, "48")
    await expect(stage.da_nang.get_by_test_id("share")).to_have_attribute("data-on-air", "true")
    await expect(room(stage.da_nang)).to_have_attribute("data-tally", "on_air")

    await stage.da_nang.get_by_test_id("share").click()
    await without_slides(stage.ha_noi)
    await expect(tile(stage.operator, "48")).to_have_attribute("data-sharing", "false")
    assert requests == ([], [])

    # a reload ends it too, and leaves no dead picture
    await share(stage)
    await take_slides(stage)
    await stage.da_nang.reload()
    await without_slides(stage.ha_noi)
    await expect(stage.da_nang.get_by_test_id("share")).to_have_attribute("data-share", "off")
