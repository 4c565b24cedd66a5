"""The agent's own picture and tone, and a microphone that is silent while it is shut."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bridge.endpoint import agentmedia, cellcode, senses


async def test_generated_picture_names_its_site_and_counts() -> None:
    media = agentmedia.generated("48", "Đà Nẵng", 500)
    assert media.video is not None
    seen = []
    for _ in range(3):
        frame = await media.video.recv()
        seen.append(cellcode.read(frame.to_ndarray(format="rgb24")))  # type: ignore[union-attr]
    assert seen == [("48", 0), ("48", 1), ("48", 2)]
    await media.close()
    assert media.video.readyState == "ended"


async def test_generated_tone_has_its_frequency() -> None:
    media = agentmedia.generated("48", "Đà Nẵng", 860)
    assert media.audio is not None
    frames = [await media.audio.recv() for _ in range(12)]
    assert [frame.pts for frame in frames] == [960 * number for number in range(12)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768
    assert senses.sound(samples.astype(np.float32)).tone_hz == pytest.approx(860, abs=5)
    await media.close()


async def test_microphone_sends_silence_of_the_same_length_while_shut() -> None:
    is_open = False
    media = agentmedia.generated("48", "Đà Nẵng", 860)
    assert media.audio is not None
    microphone = agentmedia.Microphone(media.audio, lambda: is_open)
    shut = await microphone.recv()
    is_open = True
    sounding = await microphone.recv()
    is_open = False
    again = await microphone.recv()
    assert [frame.samples for frame in (shut, sounding, again)] == [960] * 3
    assert [frame.pts for frame in (shut, sounding, again)] == [0, 960, 1920]
    assert [bool(frame.to_ndarray().any()) for frame in (shut, sounding, again)] == [
        False,
        True,
        False,
    ]
    await media.close()


async def test_on_end_tells_when_a_source_fails() -> None:
    media = agentmedia.generated("48", "Đà Nẵng", 860)
    ended = asyncio.Event()
    media.on_end(ended.set)
    assert media.video is not None
    media.video.stop()
    async with asyncio.timeout(5):
        await ended.wait()
    await media.close()
