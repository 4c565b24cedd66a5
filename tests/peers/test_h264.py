"""An H.264 conference of FFmpeg encoders, decoded by Chromium and by aiortc."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from bridge.agent import media as agentmedia
from bridge.agent.agent import Agent
from bridge.agent.media import AgentMedia
from bridge.agent.source import Card, Size, Source
from bridge.agent.state import StateFile
from bridge.endpoint import doors
from signaling.wire.ids import SiteCode
from signaling.wire.pages import SeatRow
from tests.browser.chromium import Camera, chromium, open_context, picture_in, total
from tests.browser.people import enter_site, eventually
from tests.browser.test_layers import layers_sent, width_of
from tests.peers.conference import Conference
from tests.peers.ffmpeg import encoding
from tests.peers.players import aiortc_player, foreign_page, play, until_shown
from tests.service import Service

pytestmark = pytest.mark.browser

STAGE = "video[data-slot='stage:1']"


async def test_takes_between_encoders_are_decoded_without_a_gap(
    playwright: Playwright, service: Service, tmp_path: Path
):
    """None of them answers a keyframe request: each is switched in at its next keyframe."""
    async with Conference(service, "H264") as conference, chromium(playwright) as browser:
        sites = [await conference.devices(code) for code in ("48", "01")]
        viewer = await conference.devices("02")
        async with (
            encoding(sites[0], tmp_path, keyframes_s=1.0),
            encoding(sites[1], tmp_path, keyframes_s=1.0),
            aiortc_player(viewer) as track,
            foreign_page(await open_context(browser)) as page,
        ):
            await play(page, viewer)
            for code in ("48", "01", "48", "01"):
                await conference.take(code)
                await eventually(
                    lambda: picture_in(page, "video"), lambda label, code=code: label == code
                )
                await until_shown(track, code)
            seat = conference.desk.rows[f"seat/{SiteCode('48')}"]
            assert isinstance(seat, SeatRow)
            assert (seat.present, seat.muted_by_operator) == (True, True)
            codec = await page.evaluate(
                "async () => [...(await peer.getStats()).values()]"
                ".find((one) => one.type === 'codec' && one.mimeType.startsWith('video')).mimeType"
            )
            assert codec == "video/H264"
            assert await total(page, "inbound-rtp", "video", "packetsLost") == 0
            assert await total(page, "inbound-rtp", "video", "keyFramesDecoded") >= 4


async def test_the_site_page_publishes_and_receives_it(
    playwright: Playwright, service: Service, tmp_path: Path
):
    camera = Camera.of("48", "Đà Nẵng", 700, tmp_path)
    async with (
        Conference(service, "H264") as conference,
        chromium(playwright, camera) as browser,
        chromium(playwright) as other,
    ):
        room, viewer = await conference.devices("01"), await conference.devices("02")
        page = await enter_site(await open_context(browser), await conference.link("48"))
        async with (
            encoding(room, tmp_path),
            foreign_page(await open_context(other)) as player,
            aiortc_player(viewer) as track,
        ):
            await play(player, viewer)
            await conference.take("48")
            await eventually(lambda: picture_in(player, "video"), lambda label: label == "48")
            await until_shown(track, "48")
            await conference.take("01")
            await eventually(lambda: picture_in(page, STAGE), lambda label: label == "01")
            codecs = await page.evaluate("window.__eyes.stats('codec')")
            used = {one["mimeType"] for one in codecs if one["mimeType"].startswith("video")}
            assert used <= {"video/H264", "video/rtx"}


async def test_the_large_layer_of_a_camera_rests_while_only_the_wall_watches(
    playwright: Playwright, service: Service, tmp_path: Path
):
    """The same as with VP8: `tests/browser/test_layers.py`."""
    camera = Camera.of("48", "Đà Nẵng", 700, tmp_path)
    async with (
        Conference(service, "H264") as conference,
        chromium(playwright, camera) as browser,
        chromium(playwright) as other,
    ):
        page = await enter_site(await open_context(browser), await conference.link("48"))
        centre = await enter_site(await open_context(other), await conference.link("00"))
        await eventually(lambda: layers_sent(page), lambda sent: sent == {"q"})
        for _ in range(2):
            await conference.take("48")
            await eventually(lambda: width_of(centre, STAGE), lambda width: width == 640)
            await eventually(lambda: layers_sent(page), lambda sent: sent == {"q", "h"})
            assert await picture_in(centre, STAGE) == "48"
            await conference.take("01")
            await eventually(lambda: layers_sent(page), lambda sent: sent == {"q"})
        codecs = await page.evaluate("window.__eyes.stats('codec')")
        used = {one["mimeType"] for one in codecs if one["mimeType"].startswith("video")}
        assert used <= {"video/H264", "video/rtx"}


async def test_the_agent_publishes_and_receives_it(service: Service, tmp_path: Path):
    def open_media(name: str) -> AgentMedia:
        size = Size(640, 360)
        source = Source("test")
        sources = agentmedia.plan(source, source, size, 15, Card("01", "Hà Nội", 740))
        return AgentMedia(sources, agentmedia.slate("01", name, size), time.time)

    async with Conference(service, "H264") as conference:
        room, viewer = await conference.devices("48"), await conference.devices("02")
        link = doors.read_link(await conference.link("01"))
        agent = Agent(link, StateFile(tmp_path / "agent.json"), open_media)
        work = asyncio.create_task(agent.run())
        try:
            async with encoding(room, tmp_path), aiortc_player(viewer) as track:
                await conference.take("01")
                await until_shown(track, "01")
                await conference.take("48")
                await until_shown(track, "48")
                figures = agent.status
                assert figures.publish.connected
                assert figures.receive.connected
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
