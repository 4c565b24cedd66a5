"""A conference in real Chromium: an operator and two sites, each with a camera of its own."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import open_context, picture_in, total
from tests.browser.people import (
    Stage,
    confirm,
    eventually,
    requests_of,
    room,
    sees,
    sign_in,
    start,
    take,
    tile,
)

pytestmark = pytest.mark.browser

STAGE = "video[data-slot='stage:1']"


async def decoded(page: Page) -> float:
    """Video frames that this page has decoded so far, all connections together."""
    return await total(page, "inbound-rtp", "video", "framesDecoded")


async def heard(page: Page) -> float:
    """Energy of the sound that this page has received and played so far."""
    return await total(page, "inbound-rtp", "audio", "totalAudioEnergy")


async def peers_made(page: Page) -> int:
    """How many peer connections the page has ever made."""
    return int(await page.evaluate("window.__eyes.peersMade()"))


async def test_a_take_changes_what_the_other_site_decodes_without_renegotiation(stage: Stage):
    await expect(stage.ha_noi.get_by_test_id("waiting")).to_be_visible()
    await sees(stage.operator, ".tile[data-site='48'] video", "48")
    await sees(stage.operator, ".tile[data-site='01'] video", "01")
    await start(stage.operator)
    peers, requests = await peers_made(stage.ha_noi), requests_of(stage.ha_noi)

    await take(stage.operator, "48")

    await sees(stage.ha_noi, STAGE, "48")
    await sees(stage.operator, f"[data-testid=program] {STAGE}", "48")
    await expect(room(stage.da_nang)).to_have_attribute("data-tally", "on_air")
    await expect(room(stage.ha_noi)).to_have_attribute("data-tally", "listening")
    before = await decoded(stage.ha_noi)
    await eventually(lambda: decoded(stage.ha_noi), lambda frames: frames >= before + 20)

    await take(stage.operator, "01")

    await sees(stage.da_nang, STAGE, "01")
    await expect(room(stage.ha_noi)).to_have_attribute("data-tally", "on_air")
    await take(stage.operator, "48")
    await sees(stage.ha_noi, STAGE, "48")
    assert await peers_made(stage.ha_noi) == peers
    assert requests == []

    await confirm(stage.operator, "end")
    for page in (stage.da_nang, stage.ha_noi):
        await expect(page.get_by_test_id("ended")).to_be_visible()


async def test_a_muted_sender_that_goes_on_sending_is_silent_at_the_receiver(stage: Stage):
    await start(stage.operator)
    await stage.da_nang.get_by_test_id("mute").click()
    await tile(stage.operator, "48").get_by_test_id("mute").click()
    await expect(tile(stage.operator, "48")).to_have_attribute("data-mic", "open")
    quiet = await heard(stage.ha_noi)
    await eventually(lambda: heard(stage.ha_noi), lambda energy: energy > quiet + 0.005)

    await tile(stage.operator, "48").get_by_test_id("mute").click()
    await expect(tile(stage.operator, "48")).to_have_attribute("data-mic", "muted_by_operator")

    sent = await eventually(
        lambda: _sent_while_nothing_arrives(stage), lambda packets: packets is not None
    )
    assert sent is not None
    assert sent >= 20


async def test_who_speaks_into_a_muted_microphone_is_seen_by_those_who_can_help(stage: Stage):
    browser = stage.operator.context.browser
    assert browser is not None
    technician = await sign_in(await open_context(browser), stage.service.technician_sign_in)
    site = technician.locator(".site[data-site='48']")
    await expect(site).to_have_attribute("data-voice", "quiet")
    await expect(site).to_have_attribute("data-mic-heard", "false")

    await stage.da_nang.get_by_test_id("mute").click()  # its own flag; the operator's stays

    for place in (site, tile(stage.operator, "48")):
        await expect(place).to_have_attribute("data-voice", "muted")
    await expect(site).to_have_attribute("data-mic-heard", "true")
    level = await site.locator(".voice-bar").get_attribute("data-level")
    assert level is not None
    assert 0 < int(level) <= 100

    await tile(stage.operator, "48").get_by_test_id("mute").click()
    await expect(site).to_have_attribute("data-voice", "speaking")

    await stage.da_nang.get_by_test_id("mute").click()
    await expect(site).to_have_attribute("data-voice", "quiet")
    await expect(site).to_have_attribute("data-mic-heard", "true")


async def _sent_while_nothing_arrives(stage: Stage) -> float | None:
    """Sound packets sent by the muted site over half a second in which the other received none."""
    received = await total(stage.ha_noi, "inbound-rtp", "audio", "packetsReceived")
    energy = await heard(stage.ha_noi)
    sent = await total(stage.da_nang, "outbound-rtp", "audio", "packetsSent")
    await eventually(
        lambda: total(stage.da_nang, "outbound-rtp", "audio", "packetsSent"),
        lambda packets: packets >= sent + 25,
    )
    still = await total(stage.ha_noi, "inbound-rtp", "audio", "packetsReceived") == received
    silent = await heard(stage.ha_noi) - energy < 1e-6
    more = await total(stage.da_nang, "outbound-rtp", "audio", "packetsSent") - sent
    return more if still and silent else None


async def test_the_picture_outlives_signaling_and_all_pages_find_their_seats_again(stage: Stage):
    await start(stage.operator)
    await stage.ha_noi.get_by_test_id("mute").click()
    await tile(stage.operator, "01").get_by_test_id("mute").click()
    await take(stage.operator, "48")
    await sees(stage.ha_noi, STAGE, "48")
    before = await _standing(stage)
    assert before["microphones"] == ["muted_by_operator", "open"]
    peers = [await peers_made(page) for page in stage.pages]
    outages = [_outage(page) for page in stage.pages]
    killed = stage.service.pid("signaling")

    os.kill(killed, signal.SIGKILL)
    await asyncio.gather(*outages)

    frames = await decoded(stage.ha_noi)
    await eventually(lambda: decoded(stage.ha_noi), lambda now: now >= frames + 10)
    await stage.service.ready()
    for page in stage.pages:
        await expect(page.locator("[data-connection=live]").first).to_be_visible(timeout=30_000)
    assert stage.service.pid("signaling") != killed
    assert await _standing(stage) == before
    assert await picture_in(stage.ha_noi, STAGE) == "48"
    assert [await peers_made(page) for page in stage.pages] == peers

    await take(stage.operator, "01")
    await sees(stage.da_nang, STAGE, "01")


async def _outage(page: Page) -> None:
    """Until the page says that its link is gone."""
    await expect(page.locator("[data-connection=reconnecting]").first).to_be_visible()


async def _standing(stage: Stage) -> dict[str, object]:
    """Program, tallies and microphones as the pages show them."""
    program = stage.operator.get_by_test_id("program")
    return {
        "program": await program.get_attribute("data-sites"),
        "tallies": [
            await room(page).get_attribute("data-tally") for page in (stage.da_nang, stage.ha_noi)
        ],
        "microphones": [
            await tile(stage.operator, code).get_attribute("data-mic") for code in ("48", "01")
        ],
    }
