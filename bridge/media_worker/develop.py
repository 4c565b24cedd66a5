"""Coded frames made a JPEG and a small picture to judge. It blocks: call it from a thread."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from bridge.media_worker.frames import Frame
from bridge.media_worker.picture import HEIGHT, WIDTH, Look
from bridge.receiveoffer import CodecName
from signaling.wire.worker import MAX_STILL

STILL_WIDTH = 320
MAX_PIXELS = 4096 * 2304
"""A larger picture is not decoded: sixteen octets can claim one that fills the memory."""
_QUALITIES = (75, 50, 25)
_CODECS: dict[CodecName, str] = {"VP8": "vp8", "H264": "h264"}


class Developed(NamedTuple):
    """What was made of them."""

    jpeg: bytes
    look: Look


def develop(codec: CodecName, frames: Sequence[Frame]) -> Developed | None:
    """The last picture of these, of which the first is a keyframe. None if they cannot be decoded,
    or are too large."""
    width, height = frames[0].size or (0, 0)
    if not 0 < width * height <= MAX_PIXELS:
        return None
    try:
        picture = _decoded(codec, frames)
    except (FFmpegError, ValueError):
        return None
    if picture is None or not 0 < picture.width * picture.height <= MAX_PIXELS:
        return None
    jpeg = _jpeg(picture)
    return None if jpeg is None else Developed(jpeg, _look(picture, codec))


def _decoded(codec: CodecName, frames: Sequence[Frame]) -> VideoFrame | None:
    context = av.CodecContext.create(_CODECS[codec], "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    if frames[0].config is not None:
        context.extradata = frames[0].config
    last: VideoFrame | None = None
    for packet in (*(av.Packet(one.data) for one in frames), None):
        last = next(reversed(context.decode(packet)), last)
    return last


def _jpeg(picture: VideoFrame) -> bytes | None:
    height = max(2, min(4 * STILL_WIDTH, round(picture.height * STILL_WIDTH / picture.width)))
    scaled = picture.reformat(width=STILL_WIDTH, height=height, format="rgb24")
    image = Image.fromarray(scaled.to_ndarray())
    for quality in _QUALITIES:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= MAX_STILL:
            return file.getvalue()
    return None


def _look(picture: VideoFrame, codec: CodecName) -> Look:
    small = picture.reformat(width=WIDTH, height=HEIGHT, format="yuv444p", interpolation="AREA")
    planes: list[NDArray[np.uint8]] = []
    for plane in small.planes[:3]:
        octets = np.frombuffer(bytes(plane), dtype=np.uint8)
        planes.append(octets.reshape(HEIGHT, plane.line_size)[:, :WIDTH])
    luma, cb, cr = planes
    return Look(luma, cb, cr, codec)
