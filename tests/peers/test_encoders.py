"""Encoders of other houses publish by WHIP, and what they send is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright

from signaling.wire.commands import Unmute
from signaling.wire.pages import SeatRow
from tests.browser.chromium import chromium, open_context, picture_in, total
from tests.browser.people import eventually
from tests.peers.conference import Conference
from tests.peers.debian import debian_encoder
from tests.peers.players import aiortc_player, foreign_page, play, until_shown
from tests.service import Service

pytestmark = pytest.mark.browser


async def test_debians_whip_client_is_seen_and_heard(
    playwright: Playwright, service: Service, tmp_path: Path
):
    """It trickles by PATCH, has an RSA certificate, and needs us as the DTLS server."""
    async with Conference(service, "VP8") as conference, chromium(playwright) as browser:
        room, viewer = await conference.devices("48"), await conference.devices("02")
        async with (
            debian_encoder(room, tmp_path) as process,
            aiortc_player(viewer) as track,
            foreign_page(await open_context(browser)) as page,
        ):
            await conference.take("48")
            await play(page, viewer)
            await eventually(lambda: picture_in(page, "video"), lambda label: label == "48")
            await until_shown(track, "48")
            await conference.do(Unmute(room.site))
            await eventually(
                lambda: total(page, "inbound-rtp", "audio", "totalAudioEnergy"),
                lambda energy: energy > 0,
            )
            assert process.returncode is None
        told = (tmp_path / "whip-client.log").read_text()
        assert "PeerConnection connected" in told
        assert "[ERR]" not in told.partition("Stopping")[0]
        seat = conference.desk.rows["seat/48"]
        assert isinstance(seat, SeatRow)
        assert seat.floor


async def test_a_film_whose_parameter_sets_stand_in_the_offer_alone_is_seen(
    playwright: Playwright, service: Service, tmp_path: Path
):
    """Who comes later sees it as well: the bridge puts them in where a receiver begins."""
    async with Conference(service, "H264") as conference, chromium(playwright) as browser:
        room, viewer = await conference.devices("48"), await conference.devices("02")
        async with debian_encoder(room, tmp_path), aiortc_player(viewer) as track:
            await conference.take("48")
            await until_shown(track, "48")
            async with foreign_page(await open_context(browser)) as page:
                await play(page, viewer)
                await eventually(lambda: picture_in(page, "video"), lambda label: label == "48")
