"""Something like speech, and Opus packets of it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from bridge.media_worker.playout import FRAME, RATE_HZ

Sound = NDArray[np.float32]


def speech(seconds: float, seed: int = 1) -> Sound:
    """Syllables of pulses through two moving formants, hisses and pauses; −0.5 to 0.5."""
    random, parts = np.random.default_rng(seed), []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        count = int(random.uniform(0.1, 0.3) * RATE_HZ)
        loudness = np.sqrt(np.sin(np.pi * np.arange(count) / count))
        kind = random.random()
        if kind < 0.15:
            parts.append(np.zeros(count // 2))
        elif kind < 0.3:
            parts.append(loudness * np.diff(random.normal(0, 0.03, count + 1)))
        else:
            parts.append(loudness * 0.25 * _vowel(random, count))
    sound = np.concatenate(parts)[: round(seconds * RATE_HZ)]
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def _vowel(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    wave = np.sin(2 * np.pi * random.uniform(1, 3) * np.arange(count) / RATE_HZ)
    pitch = random.uniform(100, 180) * (1 + 0.15 * wave)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    low, high = (
        np.linspace(*random.uniform(*span, 2), count) for span in ((300, 800), (900, 2300))
    )
    sound = np.zeros(count)
    for harmonic in range(1, 30):
        hz = harmonic * pitch
        gain = 1 / (1 + ((hz - low) / 120) ** 2) + 0.5 / (1 + ((hz - high) / 180) ** 2)
        sound += gain * np.sin(harmonic * phase) * (hz < 4000)
    return sound


def packets(sound: Sound, *, fec: bool) -> list[bytes]:
    """As a browser encodes a microphone: 32 kbit/s, 20 ms; with `fec` as one that was told of 10 %
    of loss."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = RATE_HZ, "mono", "s16"
    codec.bit_rate, codec.time_base = 32_000, Fraction(1, RATE_HZ)
    loss = {"fec": "1", "packet_loss": "10"} if fec else {}
    codec.options = {"application": "voip", "frame_duration": "20", **loss}
    made = []
    for number, part in enumerate((sound * 32767).astype(np.int16).reshape(-1, 1, FRAME)):
        frame = av.AudioFrame.from_ndarray(part, "s16", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, number * FRAME
        made += [bytes(packet) for packet in codec.encode(frame)]
    return made
