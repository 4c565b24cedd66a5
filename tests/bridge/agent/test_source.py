"""How sources are written, and what their pictures look like."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.agent import source as agentsource
from bridge.agent.source import Card, Size, Source, SourceError, read_size, read_source
from tests.bridge.agent.test_film import RATE, path

__all__ = ["path"]  # the film's fixture

CARD = Card("48", "Đà Nẵng", 860)
VIDEO = frozenset(("video",))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("test", Source("test")),
        (" none ", Source("none")),
        ("v4l2", Source("v4l2")),
        ("v4l2:/dev/video2", Source("v4l2", "/dev/video2")),
        ("v4l2:C920", Source("v4l2", "C920")),
        ("alsa:plughw:CARD=PCH,DEV=0", Source("alsa", "plughw:CARD=PCH,DEV=0")),
        ("rtsp://a:b@192.0.2.1/x", Source("rtsp", "rtsp://a:b@192.0.2.1/x")),
        ("file:/srv/a.mkv", Source("file", "/srv/a.mkv")),
        ("/srv/a.mkv", Source("file", "/srv/a.mkv")),
    ],
)
def test_read_source_takes_apart(text: str, source: Source) -> None:
    assert read_source(text) == source


@pytest.mark.parametrize(
    "text", ["", "tset", "test:1", "none:x", "file:", "rtsp://", "rtsp:x", "rtsp://[x", "http://a/"]
)
def test_read_source_refuses(text: str) -> None:
    with pytest.raises(SourceError, match="rtsp://…"):
        read_source(text)


def test_a_cameras_password_is_not_shown() -> None:
    shown = str(read_source("rtsp://admin:secret@192.0.2.1:554/live?token=secret"))
    assert shown == "rtsp://192.0.2.1:554/live"


@given(st.text())
def test_any_text_is_a_source_or_refused(text: str) -> None:
    with contextlib.suppress(SourceError):
        str(read_source(text))


def test_read_size_takes_what_may_be_published() -> None:
    assert read_size("1280x720") == Size(1280, 720)
    assert read_size("640X360") == Size(640, 360)


@pytest.mark.parametrize(
    "text", ["", "1920x1080", "1281x720", "641x360", "100x90", "x", "640", "-640x360", "６４０x360"]
)
def test_read_size_refuses(text: str) -> None:
    with pytest.raises(SourceError, match="1280x720"):
        read_size(text)


@pytest.mark.parametrize(
    ("width", "height", "fitted"),
    [
        (1920, 1080, (1280, 720)),
        (640, 480, (640, 480)),
        (1080, 1920, (404, 720)),
        (65, 33, (64, 32)),
    ],
)
def test_pictures_fit_without_distortion_and_are_never_enlarged(
    width: int, height: int, fitted: tuple[int, int]
) -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
    made = agentsource.fit(frame, Size(1280, 720))
    assert (made.width, made.height) == fitted
    assert made.format.name == "yuv420p"


def test_file_plays_at_its_own_speed(path: Path) -> None:
    source = agentsource.frames_of(read_source(str(path)), VIDEO, Size(640, 360), 30, CARD)
    begin = time.monotonic()
    frames = list(itertools.islice(source(threading.Event()), 10))
    assert time.monotonic() - begin >= (frames[-1].time or 0) > 8 / RATE


def test_no_more_pictures_than_wanted(path: Path) -> None:
    source = agentsource.frames_of(read_source(str(path)), VIDEO, Size(640, 360), 5, CARD)
    frames = list(itertools.islice(source(threading.Event()), 4))
    assert (frames[-1].time or 0) - (frames[0].time or 0) >= 2.5 / 5


def test_source_ends_when_told(path: Path) -> None:
    stop = threading.Event()
    for source in (read_source(str(path)), Source("test")):
        frames = agentsource.frames_of(source, VIDEO, Size(640, 360), 30, CARD)(stop)
        next(frames)
        stop.set()
        assert list(frames) == []
        stop.clear()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v4l2:/dev/video9", "No such file or directory"),
        ("alsa:plughw:99,0", "Input/output error|No such device"),
        ("/no/such/film.mkv", "there is no such file"),
        ("rtsp://user:secret@127.0.0.1:9/live", "Connection refused"),
    ],
)
def test_source_that_cannot_be_opened_says_why(text: str, why: str) -> None:
    source = read_source(text)
    frames = agentsource.frames_of(source, source.gives, Size(640, 360), 30, CARD)
    with pytest.raises(OSError, match=why) as raised:
        next(frames(threading.Event()))
    assert "secret" not in str(raised.value)
