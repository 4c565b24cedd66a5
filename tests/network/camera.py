"""A publisher without a browser whose pictures cost what real ones do: layers, and a tone."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from bridge import rtcp
from bridge.endpoint import loops

FRAMES_PER_S = 20
_FRAMES = 30


@dataclass(frozen=True)
class Layer:
    """Size and rate of one encoding."""

    width: int
    height: int
    bitrate_bps: int


LOW = Layer(256, 144, 120_000)
MIDDLE = Layer(384, 216, 400_000)
HIGH = Layer(640, 360, 1_200_000)
RIDS = "qhf"
SIMULCAST = (
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    *(f"a=rid:{rid} send" for rid in RIDS),
    f"a=simulcast:send {';'.join(RIDS)}",
)
"""What a publisher of three layers says of them in its offer."""


@functools.cache
def film(layer: Layer) -> tuple[bytes, ...]:
    """A second and a half of VP8 whose first frame is the only keyframe."""
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = layer.width, layer.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FRAMES_PER_S), Fraction(FRAMES_PER_S, 1)
    codec.bit_rate, codec.gop_size = layer.bitrate_bps, 10_000
    codec.options = {
        "deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0", "auto-alt-ref": "0",
        "max-intra-rate": "500", "undershoot-pct": "10", "overshoot-pct": "10",
        "static-thresh": "0",
        "bufsize": str(layer.bitrate_bps // 2), "minrate": str(layer.bitrate_bps),
        "maxrate": str(layer.bitrate_bps),
    }  # fmt: skip
    frames: list[bytes] = []
    for number, picture in enumerate(_pictures(layer)):
        picture.pts = number
        frames += [bytes(packet) for packet in codec.encode(picture)]
    frames += [bytes(packet) for packet in codec.encode(None)]
    return tuple(frames)


def _pictures(layer: Layer) -> Iterator[Any]:
    """A texture that drifts over a gradient, with fresh grain: every frame costs."""
    random = np.random.default_rng(5)
    shape = (layer.height, layer.width)
    slope = np.linspace(40, 200, layer.width)[None, :] * np.ones(shape)
    coarse = random.integers(-40, 40, (layer.height // 8 + 1, layer.width // 8 + 1))
    texture = np.kron(coarse, np.ones((8, 8)))[: layer.height, : layer.width]
    for number in range(_FRAMES):
        grain = random.integers(-8, 9, shape)
        luma = slope + np.roll(texture, (2 * number, 3 * number), axis=(0, 1)) + grain
        planes = np.full((layer.height * 3 // 2, layer.width), 128, np.uint8)
        planes[: layer.height] = np.clip(luma, 16, 235)
        yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


@functools.cache
def tone() -> tuple[bytes, ...]:
    """A second of Opus, 24 kbit/s."""
    return loops.encode(loops.LoopKey("00", "Trung tâm", 440)).tones


class _Stream:
    """One layer on its way: its SSRC, its numbers, and where in the film it is."""

    def __init__(self, layer: Layer, ssrc: int) -> None:
        self.frames = film(layer)
        self.ssrc = ssrc
        self.at = self.sequence = self.picture = 0
        self.asked = 0


class Camera:
    """Plays layers and a tone into a connected publishing client, until closed.

    Args:
        client: a `tests.bridge.client.Client` or one like it, whose offer has `SIMULCAST` if
            there is more than one layer.
        layers: lowest first.
        ssrcs: of the sound, and of each layer.
    """

    def __init__(self, client: Any, layers: Sequence[Layer], ssrcs: Sequence[int]) -> None:
        self._client = client
        self._streams = [
            _Stream(layer, ssrc) for layer, ssrc in zip(layers, ssrcs[1:], strict=True)
        ]
        self._tone_ssrc = ssrcs[0]
        self._tasks = [asyncio.create_task(one()) for one in (self._sound, self._pictures)]

    @property
    def keyframes_asked(self) -> int:
        """Over all layers."""
        return sum(one.asked for one in self._streams)

    async def close(self) -> None:
        """Stop playing."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _sound(self) -> None:
        async for number in _beats(0.02):
            if number % 200 == 0:
                self._client.check()  # consent ends after 30 s without
            payload = tone()[number % len(tone())]
            self._client.rtp(
                self._tone_ssrc,
                number & 0xFFFF,
                payload,
                111,
                timestamp=number * 960 & 0xFFFFFFFF,
                marker=False,
            )

    async def _pictures(self) -> None:
        async for number in _beats(1 / FRAMES_PER_S):
            self._obey()
            for index, stream in enumerate(self._streams):
                parts = loops.fragments(stream.frames[stream.at], stream.picture)
                stream.at = (stream.at + 1) % len(stream.frames)
                stream.picture += 1
                for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
                    self._send(index, stream, part, number * 90_000 // FRAMES_PER_S, left == 0)

    def _send(self, index: int, stream: _Stream, part: bytes, timestamp: int, last: bool) -> None:
        stream.sequence += 1
        said = {"rid": RIDS[index], "mid": "1"} if len(self._streams) > 1 else {}
        self._client.rtp(
            stream.ssrc,
            stream.sequence & 0xFFFF,
            part,
            timestamp=timestamp & 0xFFFFFFFF,
            marker=last,
            **said,
        )

    def _obey(self) -> None:
        """Whoever asks any layer for a keyframe gets one of all, as from a browser."""
        control, self._client.control = self._client.control, []
        for compound in control:
            for packet in rtcp.parse(compound):
                for stream in self._streams:
                    if isinstance(packet, rtcp.PictureLoss) and packet.media_ssrc == stream.ssrc:
                        stream.asked += 1
                        for one in self._streams:
                            one.at = 0


async def _beats(step_s: float) -> Any:
    """0, 1, 2 … at this pace."""
    loop = asyncio.get_running_loop()
    due, number = loop.time(), 0
    while True:
        yield number
        number += 1
        due += step_s
        await asyncio.sleep(max(0.0, due - loop.time()))
