"""What an agent can show and say: which sources there are, how they are written, and their frames.

A source is written ``test``, ``none``, ``v4l2``, ``v4l2:/dev/video2``, ``v4l2:C920`` (part of the
camera's name), ``alsa``, ``alsa:plughw:CARD=PCH,DEV=0``, ``rtsp://…``, or ``file:…``.
"""

from __future__ import annotations

import fractions
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import av
import numpy as np

from bridge.agent import devices as agentdevices
from bridge.agent.film import AUDIO_HZ, FRAME_SAMPLES, VIDEO_HZ, Film, Frame, Kind
from bridge.endpoint import cellcode

SourceKind = Literal["none", "test", "v4l2", "alsa", "rtsp", "file"]
MAX_WIDTH, MAX_HEIGHT = 1280, 720
MIN_WIDTH, MIN_HEIGHT = 160, 90
MAX_FRAMES_PER_S = 30
_BOTH: frozenset[Kind] = frozenset(("audio", "video"))
_GIVES: dict[SourceKind, frozenset[Kind]] = {
    "none": frozenset(),
    "test": _BOTH,
    "v4l2": frozenset(("video",)),
    "alsa": frozenset(("audio",)),
    "rtsp": _BOTH,
    "file": _BOTH,
}

FrameSource = Callable[[threading.Event], Generator[Frame, None, None]]
"""Opens a source and yields its frames, each when it is due, until the event is set. Runs in a
thread of its own. Raises OSError when the source fails."""


class SourceError(ValueError):
    """Not a source; the text says what is allowed."""


class Size(NamedTuple):
    """Of the published picture, in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Source:
    """One source, as it was written. `where` is a path, an address, a device or part of its name;
    empty takes the first device."""

    kind: SourceKind
    where: str = ""

    @property
    def gives(self) -> frozenset[Kind]:
        """What it can bring."""
        return _GIVES[self.kind]

    def __str__(self) -> str:
        """For people and logs: without the password of a camera."""
        if self.kind == "rtsp":
            parts = urlsplit(self.where)
            return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        return f"{self.kind}:{self.where}" if self.where else self.kind


def read_source(text: str) -> Source:
    """Take apart what a person wrote.

    Raises:
        SourceError: it is no source.
    """
    kind, _, where = text.strip().partition(":")
    match kind:
        case "none" | "test" if not where:
            return Source(kind)
        case "v4l2" | "alsa":
            return Source(kind, where)
        case "rtsp" | "rtsps":
            if _host(text.strip()):
                return Source("rtsp", text.strip())
        case "file" if where:
            return Source("file", where)
        case _ if text.strip().startswith(("/", "./")):
            return Source("file", text.strip())
        case _:
            pass
    raise SourceError("write test, none, v4l2, v4l2:/dev/video0, alsa, rtsp://… or file:…")


def read_size(text: str) -> Size:
    """``1280x720``: even numbers, from 160x90 to 1280x720.

    Raises:
        SourceError: it is none.
    """
    width, cross, height = text.strip().lower().partition("x")
    if cross and width.isascii() and height.isascii() and width.isdigit() and height.isdigit():
        size = Size(int(width[:6]), int(height[:6]))
        fits = MIN_WIDTH <= size.width <= MAX_WIDTH and MIN_HEIGHT <= size.height <= MAX_HEIGHT
        if fits and not size.width % 2 and not size.height % 2:
            return size
    raise SourceError("write a size such as 1280x720: even, from 160x90 to 1280x720")


def frames_of(
    source: Source, kinds: frozenset[Kind], size: Size, frames_per_s: int, card: Card
) -> FrameSource:
    """How to read this source: pictures that fit into `size`, at most `frames_per_s`."""

    def read(stop: threading.Event) -> Generator[Frame, None, None]:
        if source.kind == "test":
            return _generated(card, kinds, size, stop)
        return _fitted(_opened(source, kinds, size, frames_per_s, stop), size, frames_per_s)

    return read


class Card(NamedTuple):
    """What the test picture shows and the test tone is."""

    label: str
    name: str
    tone_hz: int


def _opened(
    source: Source, kinds: frozenset[Kind], size: Size, frames_per_s: int, stop: threading.Event
) -> Iterator[Frame]:
    film = _film(source, kinds, size, frames_per_s)
    begun = time.monotonic()
    with closing(film):
        for frame in film.frames():
            # a file plays at its own speed, a live source comes as it comes
            if film.again:
                stop.wait(max(0.0, begun + (frame.time or 0.0) - time.monotonic()))
            if stop.is_set():
                return
            yield frame


def _film(source: Source, kinds: frozenset[Kind], size: Size, frames_per_s: int) -> Film:
    match source.kind:
        case "v4l2":
            wanted = {"video_size": str(size), "framerate": str(frames_per_s)}
            return Film(agentdevices.camera(source.where), "v4l2", wanted, kinds=kinds)
        case "alsa":
            return Film(agentdevices.microphone(source.where), "alsa", kinds=kinds)
        case "rtsp":
            # over TCP: a camera's UDP ports rarely pass a firewall
            return Film(source.where, "rtsp", {"rtsp_transport": "tcp"}, kinds=kinds)
        case _:
            if not Path(source.where).is_file():
                raise OSError("there is no such file")
            return Film(source.where, again=True, kinds=kinds)


def _fitted(frames: Iterator[Frame], size: Size, frames_per_s: int) -> Generator[Frame, None, None]:
    """Pictures scaled to fit, and not more of them than wanted."""
    due = 0.0
    for frame in frames:
        if not isinstance(frame, av.VideoFrame):
            yield frame
            continue
        now = time.monotonic()
        if now < due - 0.5 / frames_per_s:
            continue
        due = max(due, now) + 1 / frames_per_s
        yield fit(frame, size)


def fit(frame: av.VideoFrame, size: Size) -> av.VideoFrame:
    """The picture in its own proportions, as large as `size` allows but not larger than it is."""
    scale = min(1.0, size.width / frame.width, size.height / frame.height)
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (frame.width, frame.height))
    fitted = frame.reformat(width=width, height=height, format="yuv420p")
    fitted.pict_type = av.video.frame.PictureType.NONE  # the encoder chooses its own keyframes
    return fitted


def _generated(
    card: Card, kinds: frozenset[Kind], size: Size, stop: threading.Event
) -> Generator[Frame, None, None]:
    """A picture with the cell code of the card's label ten times a second, and a steady tone."""
    still = np.array(cellcode.background(card.label, card.name, *size))
    begun = time.monotonic()
    ticks = 0
    while not stop.wait(max(0.0, begun + ticks * 0.02 - time.monotonic())):
        if "audio" in kinds:
            yield _tone(card.tone_hz, ticks)
        if "video" in kinds and ticks % 5 == 0:
            number = ticks // 5
            picture = still.copy()
            cellcode.stamp(picture, card.label, number & cellcode.MAX_COUNTER)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number * VIDEO_HZ // 10, fractions.Fraction(1, VIDEO_HZ)
            yield frame
        ticks += 1


def _tone(tone_hz: int, number: int) -> av.AudioFrame:
    at = np.arange(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES) / AUDIO_HZ
    wave = (8_000 * np.sin(2 * np.pi * tone_hz * at)).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.sample_rate = AUDIO_HZ
    frame.pts, frame.time_base = number * FRAME_SAMPLES, fractions.Fraction(1, AUDIO_HZ)
    return frame


def _host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
