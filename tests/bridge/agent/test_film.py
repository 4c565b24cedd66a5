"""A film goes round with its clock going on, sound and picture together, and ends when it must."""

from __future__ import annotations

import fractions
import itertools
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.agent.film import Film, Frame, Kind
from bridge.endpoint import cellcode

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


def take(film: Film, kind: Kind, count: int) -> list[Frame]:
    """The next `count` frames of this kind."""
    wanted = av.VideoFrame if kind == "video" else av.AudioFrame
    found = (frame for frame in film.frames() if isinstance(frame, wanted))
    return list(itertools.islice(found, count))


def test_film_starts_over_with_its_clock_going_on(path: Path) -> None:
    film = Film(str(path), again=True)
    frames = take(film, "video", 3 * FRAMES)
    seen = [cellcode.read(frame.to_ndarray(format="gray")) for frame in frames]  # type: ignore[call-arg]
    assert seen == [("film", number) for number in range(FRAMES)] * 3
    steps = np.diff([frame.time for frame in frames])
    assert (steps > 0.02).all()
    assert steps[FRAMES - 1] > 1.5 / RATE, "the sound is longer, and the picture waits for it"
    film.close()


def test_film_keeps_sound_without_gaps_inside_a_round(path: Path) -> None:
    film = Film(str(path), again=True)
    frames = take(film, "audio", 60)
    assert {frame.samples for frame in frames} == {960}  # type: ignore[union-attr]
    gaps = [after - before for before, after in itertools.pairwise(one.pts or 0 for one in frames)]
    assert min(gaps) == 960
    assert sum(gap > 960 for gap in gaps) <= 3
    film.close()


def test_film_that_is_not_repeated_ends(path: Path) -> None:
    film = Film(str(path))
    assert len(take(film, "video", 10 * FRAMES)) == FRAMES
    film.close()


def test_film_decodes_only_what_is_wanted(path: Path) -> None:
    film = Film(str(path), kinds=frozenset(("audio",)))
    assert all(isinstance(frame, av.AudioFrame) for frame in film.frames())
    film.close()


def test_film_passes_over_damage(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    for position in range(len(data) // 3, len(data), 997):
        data[position] ^= 0xFF
    (tmp_path / "damaged.mkv").write_bytes(data)
    film = Film(str(tmp_path / "damaged.mkv"), again=True)
    assert take(film, "video", 2 * FRAMES)
    film.close()


@pytest.mark.parametrize("text", ["", "Kính gửi các Sở"])
def test_film_refuses_what_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "letter.txt").write_text(text)
    with pytest.raises(OSError, match=r"Invalid data|End of file"):
        Film(str(tmp_path / "letter.txt"))


def test_film_refuses_what_lacks_the_wanted_kind(tmp_path: Path) -> None:
    file = tmp_path / "silent.mkv"
    with av.open(str(file), "w") as container:
        video = container.add_stream("libvpx", rate=RATE)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        frame = av.VideoFrame.from_ndarray(cellcode.picture("film", "Phim", 0), format="rgb24")
        container.mux([*video.encode(frame), *video.encode(None)])
    with pytest.raises(OSError, match="there is no audio in it"):
        Film(str(file), kinds=frozenset(("audio",)))


def test_an_error_does_not_repeat_the_address() -> None:
    with pytest.raises(OSError, match="refused") as raised:
        Film("rtsp://user:secret@127.0.0.1:9/x", "rtsp", {"rtsp_transport": "tcp"})
    assert "secret" not in str(raised.value)
