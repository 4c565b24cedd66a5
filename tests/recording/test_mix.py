"""A real conference is heard by players of another house that take one sound, and in the file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import async_playwright

from bridge.endpoint import doors
from cli.drilling.crew import Operator, SyntheticSite
from signaling.reconciler import SETTLE_S
from signaling.wire.commands import Mute, StartRecording, StopRecording, Unmute
from signaling.wire.ids import ConferenceId
from signaling.wire.rest import SiteDevices
from tests.browser.chromium import chromium
from tests.browser.people import eventually
from tests.peers.players import foreign_page, play
from tests.recording.crew import crew
from tests.recording.earphone import earphone, tones_in
from tests.recording.witness import files
from tests.service import Service, running_service

SITES = 4
LAST_SPAN = """
() => {
  if (!window.ear) {
    const context = new AudioContext({ sampleRate: 48000 });
    window.ear = new AnalyserNode(context, { fftSize: 16384 });
    context.createMediaStreamSource(document.querySelector('video').srcObject).connect(ear);
  }
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  return [...samples];
}
"""
"""The last third of a second of what a page plays."""


@dataclass
class Hall:
    """The centre and three sites, each sending a tone of its own; all microphones shut."""

    service: Service
    operator: Operator
    sites: list[SyntheticSite]
    conference: ConferenceId

    @property
    def tones(self) -> list[int]:
        return [site.tone_hz for site in self.sites]

    async def devices(self, site: SyntheticSite) -> SiteDevices:
        """What a player of this site is given."""
        url = f"{self.service.url}/api/conferences/{self.conference}/links/{site.code}/devices"
        return await doors.call(self.operator.http, "GET", url, SiteDevices)

    async def open(self, *sites: SyntheticSite) -> None:
        for site in sites:
            await site.command(Unmute(site.code))
            await self.operator.command(Unmute(site.code))

    async def shut(self, *sites: SyntheticSite) -> None:
        for site in sites:
            await self.operator.command(Mute(site.code))


@contextlib.asynccontextmanager
async def founded(data_dir: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Hall]:
    """A service with these settings, and its conference live."""
    async with (
        running_service(data_dir, environ=environ) as service,
        crew(service.url, service.operator_sign_in, SITES, 7) as one,
    ):
        for site in one.sites:
            await one.operator.command(Mute(site.code))
        yield Hall(service, one.operator, one.sites, one.conference)


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with founded(tmp_path / "data") as hall:
        yield hall


async def test_a_plain_player_hears_all_others_and_never_its_own_site(hall: Hall) -> None:
    first, second, third, _ = hall.sites
    begun = time.monotonic()
    async with earphone(await hall.devices(first), hall.tones) as ear:
        await hall.open(first, second, third)
        await ear.hears(second.tone_hz, third.tone_hz)

        await hall.shut(second)
        assert await ear.hears(third.tone_hz) < 1.0

        await hall.shut(first)
        await hall.open(second)
        await ear.hears(second.tone_hz, third.tone_hz)
        await hall.open(first)
        await asyncio.sleep(1)
        ever = ear.ever(begun, time.monotonic())
    assert ever == {second.tone_hz, third.tone_hz}


async def test_a_killed_worker_leaves_the_first_voice_and_comes_back(hall: Hall) -> None:
    first, second, third, _ = hall.sites
    begun = time.monotonic()
    async with earphone(await hall.devices(first), hall.tones) as ear:
        await hall.open(second, third, first)
        await ear.hears(second.tone_hz, third.tone_hz)
        os.kill(hall.service.pid("worker"), signal.SIGKILL)
        await ear.hears(second.tone_hz, limit_s=40)
        await ear.hears(second.tone_hz, third.tone_hz, limit_s=40)
        ever = ear.ever(begun, time.monotonic())
    assert first.tone_hz not in ever


async def test_players_on_two_bridge_processes_hear_all_others(tmp_path: Path) -> None:
    begun, two = time.monotonic(), {"DIEMCAU_BRIDGE__PROCESSES": "2"}
    async with founded(tmp_path / "data", two) as hall, contextlib.AsyncExitStack() as stack:
        ears = [
            await stack.enter_async_context(earphone(await hall.devices(site), hall.tones))
            for site in hall.sites
        ]
        await hall.open(*hall.sites)
        others = [set(hall.tones) - {site.tone_hz} for site in hall.sites]
        for ear, tones in zip(ears, others, strict=True):
            await ear.hears(*tones)
        await hall.shut(hall.sites[0])
        for ear, tones in zip(ears, others, strict=True):
            await ear.hears(*tones - {hall.sites[0].tone_hz})
        assert [ear.ever(begun, time.monotonic()) for ear in ears] == others
    log = map(json.loads, (tmp_path / "data.log").read_text().splitlines())
    trunks = {(one["port"], one["node"]) for one in log if one["event"] == "trunk opened"}
    assert {node for _, node in trunks} == {"node-1", "node-1-2"}
    assert any("mix/" in port for port, _ in trunks), "a player is not where its mix is published"


@pytest.mark.browser
async def test_chromium_hears_all_others_as_any_player_would(hall: Hall) -> None:
    first, second, third, _ = hall.sites
    async with (
        async_playwright() as playwright,
        chromium(playwright) as browser,
        foreign_page(await browser.new_context()) as page,
    ):
        await play(page, await hall.devices(first))

        async def heard() -> frozenset[int]:
            return tones_in(np.array(await page.evaluate(LAST_SPAN), np.float32), hall.tones)

        await hall.open(first, second, third)
        both = frozenset((second.tone_hz, third.tone_hz))
        await eventually(heard, lambda tones: tones == both)
        await hall.shut(second)
        await eventually(heard, lambda tones: tones == {third.tone_hz})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_mixes_go_on_while_signaling_starts_anew(hall: Hall, number: int) -> None:
    first, second, third, _ = hall.sites
    async with earphone(await hall.devices(first), hall.tones) as ear:
        await hall.open(second, third, first)
        await ear.hears(second.tone_hz, third.tone_hz)
        begun, connections = time.monotonic(), hall.operator.page.connections
        os.kill(hall.service.pid("signaling"), number)
        async with asyncio.timeout(20):
            while hall.operator.page.connections == connections:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S + 1)
        spans = ear.spans(begun, time.monotonic())
    assert set(spans) == {frozenset((second.tone_hz, third.tone_hz))}


async def test_the_mix_is_the_first_sound_of_the_recording(hall: Hall) -> None:
    first, second, third, _ = hall.sites
    folder = hall.service.data_dir / "recordings" / hall.conference / "1-program"
    await hall.open(first, second, third)
    await hall.operator.command(StartRecording())
    async with asyncio.timeout(30):
        while not any("mix" in one.sidecar.tracks for one in files(folder)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        while files(folder)[-1].sidecar.seconds < 3:  # noqa: ASYNC110 - a file tells no one
            await asyncio.sleep(0.1)
    await hall.operator.command(StopRecording())
    async with asyncio.timeout(20):
        while (file := files(folder)[-1]).sidecar.ended_at is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert file.decodes_elsewhere() == ""
    assert file.sidecar.tracks[:2] == ["picture", "mix"]
    with av.open(file.path) as container:
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    sound = np.concatenate(parts)[-48_000:]
    assert tones_in(sound, hall.tones) == {first.tone_hz, second.tone_hz, third.tone_hz}
