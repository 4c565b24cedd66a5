"""A file, a device or a network camera, opened and decoded by PyAV in the thread that reads it."""

from __future__ import annotations

import fractions
from collections.abc import Iterator, Mapping
from typing import Literal

import av
from av.error import FFmpegError, InvalidDataError

Kind = Literal["audio", "video"]
Frame = av.VideoFrame | av.AudioFrame

OPEN_S, READ_S = 10.0, 5.0
"""After this long without an answer, opening and reading fail."""
AUDIO_HZ, VIDEO_HZ = 48_000, 90_000
FRAME_SAMPLES = 960
"""Of 20 ms: sound comes in frames of this size, mono, 16 bits."""


class Film:
    """An opened source. With `again` it starts over at its end, and its clock goes on.

    It belongs to the thread that reads `frames`. Damaged packets are passed over and counted.

    Args:
        path: what FFmpeg opens: a file, an address, a device.
        form: FFmpeg's input format, for devices (``v4l2``, ``alsa``).
        kinds: what is wanted of it; the rest is not decoded.

    Raises:
        OSError: it cannot be opened, or has nothing of what is wanted; without `path` in its text,
            which may hold a password.
    """

    def __init__(
        self,
        path: str,
        form: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        again: bool = False,
        kinds: frozenset[Kind] = frozenset(("audio", "video")),
    ) -> None:
        try:
            self._container = av.open(
                path, format=form, options=dict(options or {}), timeout=(OPEN_S, READ_S)
            )
        except (FFmpegError, OSError, ValueError) as error:
            raise OSError(reason(error)) from None
        streams = self._container.streams
        self._streams = [
            stream
            for kind, found in (("video", streams.video), ("audio", streams.audio))
            for stream in found[:1]
            if kind in kinds
        ]
        if not self._streams:
            self._container.close()
            raise OSError(f"there is no {' or '.join(sorted(kinds))} in it")
        self.again = again
        self.damaged = 0
        self._offset_s = self._end_s = 0.0
        self._samples = 0
        self._video_pts = -1

    def frames(self) -> Iterator[Frame]:
        """Pictures as they are, sound as 20 ms of mono, each with the time when it is due.

        Ends where the source does. Raises OSError when reading fails.
        """
        while True:
            count = 0
            self._resampler = av.AudioResampler("s16", "mono", AUDIO_HZ, frame_size=FRAME_SAMPLES)
            for frame in self._decoded():
                if isinstance(frame, av.VideoFrame):
                    yield from self._picture(frame)
                else:
                    yield from self._sound(frame)
                count += 1
            if not self.again or not count:
                return
            self._start_over()

    def close(self) -> None:
        """Free the source."""
        self._container.close()

    def _decoded(self) -> Iterator[Frame]:
        packets = self._container.demux(*self._streams)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                raise OSError(reason(error)) from None
            if packet is None:
                return
            try:
                yield from packet.decode()  # type: ignore[misc]
            except InvalidDataError:
                self.damaged += 1
            except (FFmpegError, OSError) as error:
                raise OSError(reason(error)) from None

    def _start_over(self) -> None:
        try:
            self._container.seek(0)
        except (FFmpegError, OSError) as error:
            raise OSError(reason(error)) from None
        for stream in self._streams:
            stream.codec_context.flush_buffers()
        self._offset_s = self._end_s
        # sound and picture rarely end together: both go on from the later end
        self._samples = max(self._samples, round(self._offset_s * AUDIO_HZ))

    def _picture(self, frame: av.VideoFrame) -> Iterator[Frame]:
        if frame.pts is None or frame.time_base is None:
            return
        at_s = self._offset_s + max(0.0, float(frame.pts * frame.time_base))
        pts = max(self._video_pts + 1, round(at_s * VIDEO_HZ))
        length_s = float(frame.duration * frame.time_base) if frame.duration else 0.04
        self._end_s = max(self._end_s, at_s + length_s)
        self._video_pts = frame.pts = pts
        frame.time_base = fractions.Fraction(1, VIDEO_HZ)
        yield frame

    def _sound(self, frame: av.AudioFrame) -> Iterator[Frame]:
        for part in self._resampler.resample(frame):
            part.pts, part.time_base = self._samples, fractions.Fraction(1, AUDIO_HZ)
            self._samples += part.samples
            self._end_s = max(self._end_s, self._samples / AUDIO_HZ)
            yield part


def reason(error: Exception) -> str:
    """What went wrong, without the address that FFmpeg would repeat."""
    return getattr(error, "strerror", None) or str(error)
