"""What a watcher sees is judged by what came in time, however late it gets to decode it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from bridge.endpoint import loops
from bridge.endpoint.watcher import Inlet, NotSeenError, Seen, Watcher
from bridge.transport import Certificate
from signaling.wire.ids import SlotName
from tests.fakes.wheel import HeldWheel

STAGE, FLOOR = SlotName("stage:1"), SlotName("floor:1")
_PATIENCE_S = 0.05


@pytest.fixture(scope="module")
def keyframe() -> list[bytes]:
    """The RTP packets of a picture of site 07."""
    payloads = loops.fragments(loops.encode(loops.LoopKey("07", "Điểm 7", 540)).frames[0], 1)
    assert len(payloads) > 1
    return [
        struct.pack("!BBHII", 0x80, 96 | (last << 7), number, 9000, 1) + payload
        for number, payload in enumerate(payloads)
        for last in [number == len(payloads) - 1]
    ]


@pytest.fixture
async def wheel() -> AsyncIterator[HeldWheel]:
    async with HeldWheel() as wheel, asyncio.timeout(30):
        yield wheel


@pytest.fixture
def watcher(wheel: HeldWheel) -> Watcher:
    watcher = Watcher([STAGE], wheel, Certificate())
    watcher.inlets[STAGE] = Inlet(STAGE, 1, 90_000)
    return watcher


async def look(watcher: Watcher) -> asyncio.Task[Seen]:
    """Begin to wait for a picture of site 07."""
    task = asyncio.create_task(watcher.see(STAGE, "07", _PATIENCE_S))
    await asyncio.sleep(0)  # now it waits
    return task


async def test_a_picture_that_came_in_time_counts_though_it_is_decoded_later(
    wheel: HeldWheel, watcher: Watcher, keyframe: list[bytes]
) -> None:
    wheel.hold()
    looking = await look(watcher)
    for packet in keyframe:
        watcher.inlets[STAGE].take(5.0, packet)
    await asyncio.wait([looking], timeout=_PATIENCE_S + 0.1)
    wheel.release()
    assert await looking == Seen("07", 0, 5.0, 320)


async def test_a_picture_that_ends_too_late_does_not_count(
    wheel: HeldWheel, watcher: Watcher, keyframe: list[bytes]
) -> None:
    wheel.hold()
    looking = await look(watcher)
    *first, last = keyframe
    for packet in first:
        watcher.inlets[STAGE].take(5.0, packet)
    await asyncio.wait([looking], timeout=_PATIENCE_S + 0.1)
    watcher.inlets[STAGE].take(5.1, last)
    wheel.release()
    with pytest.raises(NotSeenError, match=f"no picture decoded, {len(first)} packets came"):
        await looking


@pytest.mark.parametrize(("age_s", "silent"), [(0.5, True), (0.0, False)])
async def test_only_what_came_in_its_span_is_heard(
    watcher: Watcher, age_s: float, silent: bool
) -> None:
    tones = loops.encode(loops.LoopKey("07", "Điểm 7", 540)).tones[:10]
    watcher.inlets[FLOOR] = Inlet(FLOOR, 2, 48_000)
    hearing = asyncio.create_task(watcher.hear(FLOOR))
    await asyncio.sleep(0)  # now it listens

    now = asyncio.get_running_loop().time()
    for number, tone in enumerate(tones):
        packet = struct.pack("!BBHII", 0x80, 111, number, 960 * number, 2) + tone
        watcher.inlets[FLOOR].take(now - age_s, packet)

    assert (await hearing).silent is silent
