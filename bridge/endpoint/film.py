"""A file, a device or a network camera, decoded by PyAV as tracks that an agent can publish."""

from __future__ import annotations

import asyncio
import fractions
import threading
from collections import deque
from collections.abc import Iterator
from typing import Literal

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.error import FFmpegError

Kind = Literal["audio", "video"]

_AUDIO_HZ, _VIDEO_HZ = 48_000, 90_000
_FRAME_SAMPLES = 960
_AHEAD = 400
"""Frames kept of a kind that nobody takes while the other is read."""


class Film:
    """An opened source. With `again` it starts over at its end, and its clock goes on.

    `next` blocks; call it from any thread. `close` may be called while another thread reads.

    Raises:
        OSError: it cannot be opened, or has neither sound nor picture.
    """

    def __init__(self, path: str, form: str | None = None, *, again: bool = True) -> None:
        try:
            self._container = av.open(path, format=form)
        except (FFmpegError, OSError, ValueError) as error:
            raise OSError(f"{path}: {error}") from None
        streams = self._container.streams
        self.kinds: set[Kind] = set()
        self._streams = [*streams.video[:1], *streams.audio[:1]]
        for kind, found in (("video", streams.video), ("audio", streams.audio)):
            if found:
                self.kinds.add(kind)  # type: ignore[arg-type]
        if not self.kinds:
            self._container.close()
            raise OSError(f"{path}: neither sound nor picture in it")
        self.again = again
        self.begun_at: float | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._ready: dict[Kind, deque[av.VideoFrame | av.AudioFrame]] = {
            "audio": deque(maxlen=_AHEAD),
            "video": deque(maxlen=_AHEAD),
        }
        self._frames = self._decode()
        self._offset_s = self._end_s = 0.0
        self._samples = 0
        self._video_pts = -1
        self._read_in_round = 0

    def next(self, kind: Kind) -> av.VideoFrame | av.AudioFrame | None:
        """The next frame of this kind; None at the end, after `close`, or when reading fails."""
        ready = self._ready[kind]
        with self._lock:
            while not ready or self._closed:
                if self._closed or not self._read():
                    return None
            return ready.popleft()

    def close(self) -> None:
        """Free the source, after a read that is under way."""
        self._closed = True
        with self._lock:
            self._container.close()

    def _decode(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        self._resampler = av.AudioResampler("s16", "mono", _AUDIO_HZ, frame_size=_FRAME_SAMPLES)
        yield from self._container.decode(*self._streams)  # type: ignore[misc]

    def _read(self) -> bool:
        """Decode one frame into its queue, starting over if need be; False at the end."""
        try:
            frame = next(self._frames, None)
            if frame is None:
                return self._start_over()
        except (FFmpegError, OSError):
            return False
        self._read_in_round += 1
        if isinstance(frame, av.VideoFrame):
            self._take_picture(frame)
        else:
            self._take_sound(frame)
        return True

    def _start_over(self) -> bool:
        if not self.again or not self._read_in_round:
            return False
        self._container.seek(0)
        self._frames, self._offset_s, self._read_in_round = self._decode(), self._end_s, 0
        # sound and picture rarely end together: both go on from the later end
        self._samples = max(self._samples, round(self._offset_s * _AUDIO_HZ))
        return True

    def _take_picture(self, frame: av.VideoFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        at_s = self._offset_s + max(0.0, float(frame.pts * frame.time_base))
        pts = max(self._video_pts + 1, round(at_s * _VIDEO_HZ))
        length_s = float(frame.duration * frame.time_base) if frame.duration else 0.04
        self._end_s = max(self._end_s, at_s + length_s)
        self._video_pts = frame.pts = pts
        frame.time_base = fractions.Fraction(1, _VIDEO_HZ)
        frame.pict_type = av.video.frame.PictureType.NONE  # the encoder chooses its own keyframes
        self._ready["video"].append(frame)

    def _take_sound(self, frame: av.AudioFrame) -> None:
        for part in self._resampler.resample(frame):
            part.pts, part.time_base = self._samples, fractions.Fraction(1, _AUDIO_HZ)
            self._samples += part.samples
            self._end_s = max(self._end_s, self._samples / _AUDIO_HZ)
            self._ready["audio"].append(part)


class FilmTrack(MediaStreamTrack):
    """One kind of a film as a track. What is repeated is a file and played at its own speed; a
    live source comes as it comes. The track ends with its film."""

    def __init__(self, film: Film, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._film, self._kind = film, kind

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        """The next frame. Raises MediaStreamError at the end."""
        frame = await asyncio.to_thread(self._film.next, self._kind)
        if frame is None or self.readyState != "live":
            self.stop()
            raise MediaStreamError
        if self._film.again:
            now = asyncio.get_running_loop().time()
            if self._film.begun_at is None:
                self._film.begun_at = now
            await asyncio.sleep(self._film.begun_at + (frame.time or 0.0) - now)
        return frame
