"""A camera in layers, in real Chromium: what nobody watches rests, and comes back when taken."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.chromium import stats
from tests.browser.people import Stage, eventually, sees, start, take

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

STAGE = "video[data-slot='stage:1']"
WIDTH = "selector => document.querySelector(selector)?.videoWidth ?? 0"


async def layers_sent(page: Page) -> set[str]:
    """The names of the layers that this page's camera sends now."""
    reports = await stats(page, "outbound-rtp", "video")
    return {one["rid"] for one in reports if one.get("rid") and one.get("active")}


async def width_of(page: Page, selector: str) -> int:
    """Width of the picture in this video, in pixels."""
    return int(await page.evaluate(WIDTH, selector))


async def widths_sent(page: Page) -> dict[str, int]:
    """The width of each layer that this page's camera sends now."""
    reports = await stats(page, "outbound-rtp", "video")
    return {
        one["rid"]: one.get("frameWidth", 0)
        for one in reports
        if one.get("rid") and one.get("active") and one.get("framesPerSecond")
    }


async def test_a_camera_of_720_lines_is_sent_in_three_layers_and_the_stage_shows_the_largest(
    large_stage: Stage,
):
    stage = large_stage
    await start(stage.operator)
    await take(stage.operator, "48")
    await sees(stage.ha_noi, STAGE, "48")
    await eventually(lambda: width_of(stage.ha_noi, STAGE), lambda width: width == 1280, 60)
    await eventually(lambda: widths_sent(stage.da_nang), lambda sent: sent.get("f") == 1280)
    assert (await widths_sent(stage.da_nang))["q"] == 320
    assert await width_of(stage.operator, ".tile[data-site='48'] video") == 320


async def test_the_large_layer_rests_while_only_the_wall_watches(stage: Stage):
    await start(stage.operator)
    await take(stage.operator, "01")

    # Đà Nẵng is a tile of the wall and nothing else
    await eventually(lambda: layers_sent(stage.da_nang), lambda sent: sent == {"q"})
    await sees(stage.operator, ".tile[data-site='48'] video", "48")

    await take(stage.operator, "48")
    await sees(stage.ha_noi, STAGE, "48")
    await eventually(lambda: layers_sent(stage.da_nang), lambda sent: sent == {"q", "h"})
    await eventually(lambda: width_of(stage.ha_noi, STAGE), lambda width: width == 640)
    assert await width_of(stage.operator, ".tile[data-site='48'] video") == 320
