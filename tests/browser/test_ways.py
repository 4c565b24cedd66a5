"""Rooms whose network lets no UDP out: Chromium over TURN by TCP and by TLS, and over ICE-TCP."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright

from tests.browser.chromium import Camera, chromium, open_context, total, ways
from tests.browser.people import (
    DA_NANG,
    HA_NOI,
    enter_site,
    sees,
    sign_in,
    site_link,
    start,
    take,
)
from tests.service import running_service
from tests.turn import SECRET, running_turn

pytestmark = pytest.mark.browser

STAGE = "video[data-slot='stage:1']"

RELAYED = """
(() => {
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration) {
      const iceServers = configuration.iceServers.map((server) =>
        ({ ...server, urls: server.urls.filter((url) => url.startsWith(SCHEME)) }));
      super({ ...configuration, iceServers, iceTransportPolicy: 'relay' });
    }
  };
})();
"""
"""Leaves a page one scheme of the TURN servers that the service told it, and no other way."""


async def heard(page: Page) -> float:
    """Energy of the sound that this page has received and played so far."""
    return await total(page, "inbound-rtp", "audio", "totalAudioEnergy")


async def test_sites_meet_through_turn_by_tcp_and_by_tls(
    playwright: Playwright, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        turn = await stack.enter_async_context(running_turn(tmp_path))
        urls = [
            f"turn:127.0.0.1:{turn.port}?transport=tcp",
            f"turns:127.0.0.1:{turn.tls_port}?transport=tcp",
        ]
        environ = {
            "DIEMCAU_SIGNALING__TURN_URLS": ",".join(urls),
            "DIEMCAU_TURN_SECRET": SECRET,
        }
        service = await stack.enter_async_context(
            running_service(tmp_path / "data", environ=environ)
        )
        consoles = await open_context(await stack.enter_async_context(chromium(playwright)))
        operator = await sign_in(consoles, service.operator_sign_in)
        pages = []
        for site, scheme in ((DA_NANG, "turn:"), (HA_NOI, "turns:")):
            camera = Camera.of(site.code, site.name, site.tone_hz, tmp_path)
            browser = await stack.enter_async_context(
                chromium(playwright, camera, ["--ignore-certificate-errors"])
            )
            context = await open_context(browser)
            await context.add_init_script(RELAYED.replace("SCHEME", json.dumps(scheme)))
            pages.append(await enter_site(context, await site_link(operator, site.code)))
        by_tcp, by_tls = pages
        assert await ways(by_tcp) == ["relay tcp"] * 2
        assert await ways(by_tls) == ["relay tls"] * 2
        await start(operator)
        await take(operator, "48")
        await sees(by_tls, STAGE, "48")
        await take(operator, "01")
        await sees(by_tcp, STAGE, "01")
        told = (tmp_path / "data.log").read_text()
        assert "session connected" in told
        assert SECRET not in told
        assert "48/main:" not in told
