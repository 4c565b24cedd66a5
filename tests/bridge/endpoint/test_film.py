"""A film goes round with its clock going on, sound and picture together, and ends when it must."""

from __future__ import annotations

import asyncio
import fractions
import itertools
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from bridge.endpoint import cellcode
from bridge.endpoint.film import Film, FilmTrack, Kind

FRAMES, RATE = 8, 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.4 s of picture with the cell code, 0.5 s of sound."""
    file = tmp_path_factory.mktemp("film") / "film.mkv"
    with av.open(str(file), "w") as container:
        video = container.add_stream("libvpx", rate=RATE)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("libopus", rate=48_000)
        audio.layout = "mono"
        for number in range(FRAMES):
            picture = cellcode.picture("film", "Phim", number)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, fractions.Fraction(1, RATE)
            container.mux(video.encode(frame))
        for number in range(25):
            at = np.arange(number * 960, (number + 1) * 960) / 48_000
            wave = (9_000 * np.sin(2 * np.pi * 500 * at)).astype(np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            sound.sample_rate, sound.pts = 48_000, number * 960
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return file


def take(film: Film, kind: Kind, count: int) -> list[av.VideoFrame | av.AudioFrame]:
    frames = [film.next(kind) for _ in range(count)]
    assert all(frame is not None for frame in frames)
    return [frame for frame in frames if frame is not None]


def test_film_starts_over_with_its_clock_going_on(path: Path) -> None:
    film = Film(str(path))
    frames = take(film, "video", 3 * FRAMES)
    seen = [cellcode.read(frame.to_ndarray(format="gray")) for frame in frames]  # type: ignore[call-arg]
    assert seen == [("film", number) for number in range(FRAMES)] * 3
    times = [frame.time for frame in frames]
    steps = np.diff(times)
    assert (steps > 0.02).all()
    assert steps[FRAMES - 1] > 1.5 / RATE, "the sound is longer, and the picture waits for it"
    film.close()


def test_film_keeps_sound_without_gaps_inside_a_round(path: Path) -> None:
    film = Film(str(path))
    frames = take(film, "audio", 60)
    assert {frame.samples for frame in frames} == {960}  # type: ignore[union-attr]
    starts = [frame.pts or 0 for frame in frames]
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert min(gaps) == 960
    assert sum(gap > 960 for gap in gaps) <= 3
    film.close()


def test_film_that_is_not_repeated_ends(path: Path) -> None:
    film = Film(str(path), again=False)
    take(film, "video", FRAMES)
    assert film.next("video") is None
    film.close()


def test_closed_film_gives_nothing(path: Path) -> None:
    film = Film(str(path))
    take(film, "video", 1)
    film.close()
    film.close()
    assert film.next("video") is None


async def test_tracks_play_at_the_films_speed_and_together(path: Path) -> None:
    film = Film(str(path))
    video, audio = FilmTrack(film, "video"), FilmTrack(film, "audio")
    loop = asyncio.get_running_loop()

    async def last_time(track: FilmTrack, count: int) -> tuple[float, float]:
        for _ in range(count):
            frame = await track.recv()
        return float(frame.time or 0), loop.time()

    (shown, shown_at), (heard, heard_at) = await asyncio.gather(
        last_time(video, 10), last_time(audio, 26)
    )
    assert film.begun_at is not None
    assert shown_at - film.begun_at >= shown - 0.01
    assert heard_at - film.begun_at >= heard - 0.01
    video.stop()
    film.close()


async def test_track_ends_with_its_film(path: Path) -> None:
    film = Film(str(path), again=False)
    track, ended = FilmTrack(film, "video"), asyncio.Event()
    track.on("ended", ended.set)
    for _ in range(FRAMES):
        await track.recv()
    with pytest.raises(MediaStreamError):
        await track.recv()
    await ended.wait()
    film.close()


@pytest.mark.parametrize("text", ["", "Kính gửi các Sở"])
def test_film_refuses_what_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "letter.txt").write_text(text)
    with pytest.raises(OSError, match=r"letter\.txt"):
        Film(str(tmp_path / "letter.txt"))
