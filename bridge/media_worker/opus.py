"""Opus packets into sound and back (RFC 6716), by PyAV: 48 kHz, mono."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from bridge.media_worker.limiter import Samples
from bridge.media_worker.playout import FRAME, RATE_HZ

BITRATE_BPS = 48_000
EXPECTED_LOSS_PERCENT = 5
"""What in-band FEC is made for."""
_SCALE = np.float32(1 / 32768)


class Decoder:
    """One stream; `broken` counts packets that were none."""

    def __init__(self) -> None:
        self.broken = 0
        self._codec = _codec("r")

    def decode(self, packet: bytes) -> Samples | None:
        """What a packet holds, 2.5 to 120 ms; None if it is broken."""
        if not packet:
            return None
        try:
            frames = self._codec.decode(av.Packet(packet))
        except (FFmpegError, ValueError):
            self.broken += 1
            return None
        if not frames:
            return None
        parts = [np.asarray(frame.to_ndarray(), np.float32)[0] for frame in frames]
        return np.concatenate(parts) * _SCALE


class Encoder:
    """One stream of 20 ms packets, constant in time: silence is sent as well."""

    def __init__(self) -> None:
        self._codec = _codec("w")
        self._codec.format = "s16"
        self._codec.bit_rate = BITRATE_BPS
        self._codec.time_base = Fraction(1, RATE_HZ)
        self._codec.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": str(EXPECTED_LOSS_PERCENT),
        }
        self._samples = 0

    def encode(self, samples: Samples) -> bytes:
        """`FRAME` samples as one packet."""
        scaled = np.clip(samples * 32767, -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(scaled.reshape(1, FRAME), "s16", "mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._samples
        self._samples += FRAME
        [packet] = self._codec.encode(frame)
        return bytes(packet)


def _codec(mode: Literal["r", "w"]) -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", mode)
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate = RATE_HZ
    codec.layout = "mono"
    return codec
