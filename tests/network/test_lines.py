"""Real Chromium behind bad lines: it keeps its sound, gets the picture that fits, and all of it
again as soon as there is room."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from tests.network.cable import CUT, FAR_AWAY, FREE, LOSSY, SLOW_DOWN, Cable, Profile
from tests.network.camera import HIGH, LOW, MIDDLE, Layer
from tests.network.meeting import Meeting, meeting
from tests.network.plainplayer import plain_player
from tests.network.spectator import Seen, Spectator, spectator

pytestmark = pytest.mark.browser
LOOK_S = 0.5
ALL = [LOW, MIDDLE, HIGH]
ARRIVALS = ("transport-cc", "transport-wide-cc")
"""What an offer says of transport-wide feedback."""
BROKEN = 0.25
"""Of the sound made up by the browser: words are lost. `make bench` has the real figure; here the
machine may stall too."""


@contextlib.asynccontextmanager
async def _watching(
    cable: Cable,
    tmp_path: Path,
    line: Profile,
    layers: Sequence[Layer],
    silent: tuple[str, ...] = (),
) -> AsyncIterator[tuple[Spectator, Meeting]]:
    """A browser behind such a line, in a meeting whose camera sends these layers; see
    `Spectator.silent`."""
    cable.be(line)
    async with spectator(cable, tmp_path) as page, meeting(cable, layers) as held:
        page.silent = silent
        await held.seat(page)
        yield page, held


async def _until(page: Spectator, true: Callable[[Seen], bool]) -> Seen:
    """Look at the page's statistics until this holds of them; pages do not call back."""
    async with asyncio.timeout(90):
        while not true(seen := await page.seen()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
    return seen


async def _after(page: Spectator, frames: int = 0, audio_packets: int = 0) -> Seen:
    """What came with the next so many decoded pictures, or packets of sound."""
    before = await page.seen()
    seen = await _until(
        page,
        lambda seen: (
            seen.frames >= before.frames + frames
            and seen.audio_packets >= before.audio_packets + audio_packets
        ),
    )
    return seen.since(before)


def _paused(held: Meeting) -> list[str]:
    return list(held.stats().paused)


def _budget(held: Meeting) -> float:
    return held.stats().budget_bps or math.inf


async def test_a_slow_line_gets_the_low_layer_and_clear_sound_then_all_of_it(
    cable: Cable, tmp_path: Path
) -> None:
    async with _watching(cable, tmp_path, SLOW_DOWN, ALL) as (page, held):
        await _until(page, lambda seen: seen.widths == (LOW.width,))
        # the queue that the first moment made runs empty
        await _after(page, frames=40)
        seen = await _after(page, audio_packets=250)
        assert seen.frames > 0
        assert seen.concealed_ratio < BROKEN
        assert seen.widths == (LOW.width,)
        budget_bps = held.stats().budget_bps
        assert budget_bps is not None
        assert 150_000 < budget_bps < 600_000
        assert _paused(held) == []

        cable.be(FREE)
        await _until(page, lambda seen: seen.widths == (HIGH.width,))


async def test_a_line_too_slow_for_the_only_layer_keeps_the_sound_and_the_picture_returns(
    cable: Cable, tmp_path: Path
) -> None:
    async with _watching(cable, tmp_path, SLOW_DOWN, [HIGH]) as (page, held):
        await _until(page, lambda _: _paused(held) == ["stage:1"])
        await _after(page, audio_packets=100)
        seen = await _after(page, audio_packets=200)
        assert seen.concealed_ratio < BROKEN
        assert seen.frames == 0

        cable.be(FREE)
        await _until(page, lambda _: not _paused(held))
        await _after(page, frames=20)


async def test_lost_packets_are_repaired_and_are_no_slow_line(cable: Cable, tmp_path: Path) -> None:
    async with _watching(cable, tmp_path, LOSSY, [HIGH]) as (page, held):
        await _until(page, lambda seen: seen.frames > 0)
        seen = await _after(page, frames=100)
        # 50 packets of sound a second and 20 pictures: hardly any is missing for good
        assert seen.frames > 0.8 * 20 / 50 * seen.audio_packets
        assert _paused(held) == []
        assert seen.widths == (HIGH.width,)


async def test_a_browser_with_an_estimate_of_its_own_keeps_a_picture_and_gets_more_when_it_may(
    cable: Cable, tmp_path: Path
) -> None:
    async with _watching(cable, tmp_path, SLOW_DOWN, ALL, ARRIVALS) as (page, held):
        # Chromium sends its first REMB after five seconds
        await _until(page, lambda seen: seen.widths == (LOW.width,) and _budget(held) < 800_000)
        await _after(page, frames=40)
        cable.be(FREE)
        await _until(page, lambda seen: seen.widths != (LOW.width,))
        assert held.house.node.stats().feedback["twcc"] == 0


async def test_a_player_that_reports_losses_and_no_more_has_a_budget_that_follows(
    cable: Cable,
) -> None:
    cable.be(SLOW_DOWN)
    async with plain_player(cable) as player, meeting(cable, ALL) as held:
        await held.seat(player)
        async with asyncio.timeout(90):
            while _budget(held) > 600_000:  # noqa: ASYNC110 - the node tells no one
                await asyncio.sleep(LOOK_S)
            cable.be(FREE)
            while await player.width() != HIGH.width:
                pass
            while _budget(held) < 1_000_000:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)


async def test_far_away_with_losses_and_jitter_both_ways_pictures_go_on(
    cable: Cable, tmp_path: Path
) -> None:
    async with _watching(cable, tmp_path, FAR_AWAY, ALL) as (page, held):
        await _until(page, lambda seen: seen.widths == (HIGH.width,))
        seen = await _after(page, frames=100)
        assert seen.frames > 0.8 * 20 / 50 * seen.audio_packets
        assert seen.widths == (HIGH.width,)
        assert _paused(held) == []


async def test_after_a_cut_the_same_picture_goes_on(cable: Cable, tmp_path: Path) -> None:
    async with _watching(cable, tmp_path, FREE, ALL) as (page, held):
        await _until(page, lambda seen: seen.widths == (HIGH.width,))
        cable.be(CUT)
        await held.house.until(lambda: ("op/1", "receive", "lost") in _states(held))
        cable.be(FREE)
        await _after(page, frames=40)
        assert (await page.seen()).widths == (HIGH.width,)
        assert ("op/1", "receive", "closed") not in _states(held)


def _states(held: Meeting) -> list[tuple[str, str, str]]:
    return [(port, direction, state) for port, direction, state, _ in held.house.edges]
