"""Slate and silence stand in at once for what is lost; tracks never end by themselves."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Generator

import av
import numpy as np
import pytest

from bridge.agent import media as agentmedia
from bridge.agent.film import Frame
from bridge.agent.media import AgentMedia, Pictures, PictureTrack, Sounds, SoundTrack
from bridge.agent.source import Card, Size, Source, read_source
from bridge.endpoint import cellcode, senses

SIZE = Size(320, 180)
CARD = Card("48", "Đà Nẵng", 860)


def picture(label: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(cellcode.picture(label, "Tên", 0), format="rgb24")
    return frame.reformat(format="yuv420p")


def sound(value: int = 9_000) -> av.AudioFrame:
    wave = np.full((1, 960), value, dtype=np.int16)
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.sample_rate = 48_000
    return frame


def label(frame: av.VideoFrame) -> str | None:
    found = cellcode.read(frame.to_ndarray(format="rgb24"))
    return found[0] if found else None


class Valve:
    """A source by hand: what is put in comes out; None ends it."""

    def __init__(self) -> None:
        self.frames: queue.Queue[Frame | None] = queue.Queue()
        self.opened = 0

    def __call__(self, stop: threading.Event) -> Generator[Frame, None, None]:
        self.opened += 1
        while (frame := self.frames.get()) is not None:
            yield frame
        raise OSError("the cable is out")


async def test_slate_goes_out_before_there_is_a_picture_and_again_when_it_is_lost() -> None:
    pictures = Pictures(agentmedia.slate("48", "Đà Nẵng", SIZE))
    track = PictureTrack(pictures)
    assert label(await track.recv()) is None
    pictures.put(picture("live"))
    assert label(await track.recv()) == "live"
    pictures.lose()
    assert label(await track.recv()) is None
    assert label(await track.recv()) is None, "the slate is repeated, for keyframes that are asked"
    pictures.put(picture("back"))
    assert label(await track.recv()) == "back"


async def test_slow_reader_sees_the_newest_picture_only() -> None:
    pictures = Pictures(agentmedia.slate("48", "Đà Nẵng", SIZE))
    track = PictureTrack(pictures)
    await track.recv()
    for number in range(5):
        pictures.put(picture(f"p{number}"))
    assert label(await track.recv()) == "p4"


async def test_a_small_picture_goes_beside_a_large_one_which_rests_while_nobody_sees_it() -> None:
    large = Size(640, 360)
    slate = agentmedia.slate("48", "Đà Nẵng", large)
    media = AgentMedia([("camera", frozenset(("video",)), Valve())], slate, lambda: 7.0)
    main, small = media.tracks(lambda: True)
    frame = await small.recv()
    assert (frame.width, frame.height) == (320, 180)  # type: ignore[union-attr]
    assert (await main.recv()).width == 640  # type: ignore[union-attr]
    media.want(["alt"])
    resting = asyncio.ensure_future(main.recv())
    assert media.pictures is not None
    shown = media.pictures.shown
    await small.recv()
    await small.recv()
    assert not resting.done()
    assert media.pictures.shown == shown + 2
    media.want(["alt", "main"])
    assert (await resting).width == 640  # type: ignore[union-attr]
    media.want(["alt"])
    media.tracks(lambda: True)
    assert (await main.recv()).width == 640  # type: ignore[union-attr]


async def test_times_of_pictures_grow_over_every_change() -> None:
    pictures = Pictures(agentmedia.slate("48", "Đà Nẵng", SIZE))
    track = PictureTrack(pictures)
    times = []
    for change in (pictures.lose, lambda: pictures.put(picture("a")), pictures.lose):
        change()
        times.append((await track.recv()).pts or 0)
    assert times == sorted(set(times))


async def test_sound_is_played_after_a_cushion_and_silence_without_any() -> None:
    sounds = Sounds()
    assert not sounds.next().to_ndarray().any()
    sounds.put(sound())
    assert not sounds.next().to_ndarray().any(), "one frame is no cushion"
    sounds.put(sound())
    sounds.put(sound())
    assert [bool(sounds.next().to_ndarray().any()) for _ in range(4)] == [True] * 3 + [False]
    for _ in range(3):
        sounds.put(sound())
    sounds.lose()
    assert not sounds.next().to_ndarray().any()


async def test_a_fast_clock_does_not_add_up_to_delay() -> None:
    sounds = Sounds()
    for number in range(100):
        sounds.put(sound(number + 1))
    first = int(sounds.next().to_ndarray()[0][0])
    assert first > 80


async def test_level_is_that_of_the_loudest_moment_though_the_microphone_is_shut() -> None:
    sounds = Sounds()
    for value in (0, 16_384, 100):
        sounds.put(sound(value))
    assert sounds.level() == pytest.approx(0.5, abs=0.01)
    assert sounds.level() == 0.0


async def test_shut_microphone_sends_silence_of_the_same_length() -> None:
    sounds = Sounds()
    is_open = False
    track = SoundTrack(sounds, lambda: is_open)
    heard = []
    for opened in (False, True, False):
        for _ in range(4):
            sounds.put(sound())
        is_open = opened
        heard.append(await track.recv())
    assert [frame.pts for frame in heard] == [0, 960, 1920]
    assert [frame.samples for frame in heard] == [960] * 3
    assert [bool(frame.to_ndarray().any()) for frame in heard] == [False, True, False]


async def test_lost_source_is_told_and_tried_again_while_its_tracks_go_on() -> None:
    valve = Valve()
    slate = agentmedia.slate("48", "Đà Nẵng", SIZE)
    media = AgentMedia([("camera", frozenset(("video",)), valve)], slate, lambda: 7.0)
    troubles: asyncio.Queue[str] = asyncio.Queue()
    media.on_trouble = troubles.put_nowait
    [track] = media.tracks(lambda: True)
    assert isinstance(track, PictureTrack)
    assert media.flows("video") is False
    assert media.flows("audio") is None
    media.start()
    async with asyncio.timeout(20):
        valve.frames.put(picture("live"))
        while label(await track.recv()) != "live":
            pass
        assert media.flows("video") is True
        valve.frames.put(None)
        assert await troubles.get() == "camera: the cable is out"
        assert media.flows("video") is False
        assert label(await track.recv()) is None
        valve.frames.put(picture("back"))
        while label(await track.recv()) != "back":
            pass
    assert valve.opened == 2
    assert (media.supplied[0].name, media.supplied[0].flowing) == ("camera", True)
    media.close()
    valve.frames.put(None)


async def test_test_picture_names_its_site_and_its_tone_is_heard() -> None:
    both = agentmedia.plan(Source("test"), Source("test"), SIZE, 25, CARD)
    assert [(name, sorted(gives)) for name, gives, _ in both] == [("test", ["audio", "video"])]
    media = AgentMedia(both, agentmedia.slate("48", "Đà Nẵng", SIZE), lambda: 0.0)
    microphone, camera = media.tracks(lambda: True)
    media.start()
    async with asyncio.timeout(20):
        while label(await camera.recv()) != "48":  # type: ignore[arg-type]
            pass
        while not (await microphone.recv()).to_ndarray().any():  # type: ignore[union-attr]
            pass
        frames = [await microphone.recv() for _ in range(12)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768  # type: ignore[union-attr]
    assert senses.sound(samples.astype(np.float32)).tone_hz == pytest.approx(860, abs=8)
    media.close()


def test_each_source_is_read_once_and_only_for_what_is_wanted() -> None:
    camera, film = read_source("v4l2"), read_source("file:/a.mkv")

    def planned(video: Source, audio: Source) -> list[tuple[str, list[str]]]:
        found = agentmedia.plan(video, audio, SIZE, 25, CARD)
        return [(name, sorted(gives)) for name, gives, _ in found]

    assert planned(film, film) == [("file:/a.mkv", ["audio", "video"])]
    assert planned(camera, film) == [("v4l2", ["video"]), ("file:/a.mkv", ["audio"])]
    assert planned(camera, Source("none")) == [("v4l2", ["video"])]
