"""What an agent shows and says: a file or device by PyAV, or a test picture and a tone."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
from aiortc import MediaStreamTrack

from bridge.endpoint import cellcode
from bridge.endpoint.film import Film, FilmTrack

_RATE_HZ = 48_000
_SAMPLES = 960
_FRAMES_PER_S = 10


@dataclass
class AgentMedia:
    """The tracks that an agent publishes; either may be missing. `close` frees what is behind."""

    audio: MediaStreamTrack | None
    video: MediaStreamTrack | None
    film: Film | None = None

    def on_end(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when a track ends by itself: its source has failed."""
        for track in (self.audio, self.video):
            if track is not None:
                track.on("ended", tell)

    async def close(self) -> None:
        """Stop both tracks and close the film."""
        for track in (self.audio, self.video):
            if track is not None:
                track.stop()
        if self.film is not None:
            await asyncio.to_thread(self.film.close)


def from_file(path: str, form: str | None = None) -> AgentMedia:
    """A file round and round, or whatever else FFmpeg opens: an RTSP address, ``/dev/video0``.

    `form` is FFmpeg's input format, for devices (``v4l2``). Only what is a file is repeated.

    Raises:
        OSError: it cannot be opened or has neither sound nor picture.
    """
    film = Film(path, form, again=form is None and "://" not in path)
    return AgentMedia(
        FilmTrack(film, "audio") if "audio" in film.kinds else None,
        FilmTrack(film, "video") if "video" in film.kinds else None,
        film,
    )


def generated(label: str, name: str, tone_hz: int) -> AgentMedia:
    """A generated picture with the cell code of `label` and a steady tone."""
    return AgentMedia(_Tone(tone_hz), _Picture(label, name))


class _Paced(MediaStreamTrack):
    """A generated track: frame `n` is due `n` frame times after the first."""

    frame_s: float

    def __init__(self) -> None:
        super().__init__()
        self._first: float | None = None
        self._count = 0

    async def _next(self) -> int:
        now = asyncio.get_running_loop().time()
        if self._first is None:
            self._first = now
        await asyncio.sleep(max(0.0, self._first + self._count * self.frame_s - now))
        self._count += 1
        return self._count - 1


class _Picture(_Paced):
    kind = "video"
    frame_s = 1 / _FRAMES_PER_S

    def __init__(self, label: str, name: str) -> None:
        super().__init__()
        self._label = label
        self._still = np.array(cellcode.background(label, name, 640, 360))

    async def recv(self) -> av.VideoFrame:
        number = await self._next()
        picture = self._still.copy()
        cellcode.stamp(picture, self._label, number & cellcode.MAX_COUNTER)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number, fractions.Fraction(1, _FRAMES_PER_S)
        return frame


class _Tone(_Paced):
    kind = "audio"
    frame_s = _SAMPLES / _RATE_HZ

    def __init__(self, tone_hz: int) -> None:
        super().__init__()
        self._tone_hz = tone_hz

    async def recv(self) -> av.AudioFrame:
        number = await self._next()
        at = np.arange(number * _SAMPLES, (number + 1) * _SAMPLES) / _RATE_HZ
        wave = (8_000 * np.sin(2 * np.pi * self._tone_hz * at)).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate = _RATE_HZ
        frame.pts, frame.time_base = number * _SAMPLES, fractions.Fraction(1, _RATE_HZ)
        return frame


class Microphone(MediaStreamTrack):
    """Passes sound on while `open_now()` says so, and silence of the same length otherwise."""

    kind = "audio"

    def __init__(self, source: MediaStreamTrack, open_now: Callable[[], bool]) -> None:
        super().__init__()
        self._source = source
        self._open_now = open_now

    async def recv(self) -> av.AudioFrame:
        """The next frame."""
        frame = await self._source.recv()
        assert isinstance(frame, av.AudioFrame)
        if not self._open_now():
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
        return frame
