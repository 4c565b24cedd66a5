"""Pre-encoded pictures and tones of synthetic sites, ready to be sent as RTP payloads.

A loop is encoded once and kept on disk; a site plays it round and round and can jump to its start,
which is the loop's only keyframe. Payloads follow RFC 7741 (VP8), RFC 6184 (H.264) and RFC 7587
(Opus). The part of the synthetic sites that encodes; `senses.py` decodes.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bridge.endpoint import cellcode
from signaling.wire.ids import ProgramCodec

WIDTH, HEIGHT, FRAMES_PER_S = 320, 180, 10
VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ = 90_000, 48_000
AUDIO_BITRATE_BPS = 24_000
MAX_PAYLOAD = 1_150
"""Bytes of a picture in a packet: with headers and SRTP tag a packet stays under 1,200."""
AUDIO_FRAME_SAMPLES = 960
"""20 ms, one Opus packet."""

TONE_DBOV = -15
"""How loud a tone is: root mean square over the end of the scale."""

_ENCODERS: dict[ProgramCodec, str] = {"VP8": "libvpx", "H264": "libx264"}
_OPTIONS: dict[ProgramCodec, dict[str, str]] = {
    "VP8": {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "error-resilient": "default",
        "max-intra-rate": "600",
        "threads": "1",
    },
    "H264": {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "threads": "1"},
}
_VERSION = 2
_TONE_PACKETS = 50


@dataclass(frozen=True)
class Picture:
    """How a layer looks: size, bitrate, frames until it begins anew, and a texture (its grain in
    pixels, and how strong) that makes every frame cost its share."""

    width: int
    height: int
    bitrate_bps: int
    frames: int
    grain: int
    strength: int


LOW = Picture(WIDTH, HEIGHT, 120_000, 60, 4, 9)
HIGH = Picture(2 * WIDTH, 2 * HEIGHT, 1_200_000, 20, 2, 12)


@dataclass(frozen=True)
class LoopKey:
    """What a loop shows and sounds like: label for the code, name for a person, tone in Hz; and
    the codec of its picture."""

    label: str
    name: str
    tone_hz: int
    codec: ProgramCodec = "VP8"


@dataclass(frozen=True)
class Loop:
    """`frames`: encoded pictures, the first a keyframe, the only one; those of H.264 as in a file,
    with start codes and the parameter sets before the keyframe. `tones`: Opus packets of 20 ms.
    `high`: the same picture larger, in fewer frames; empty in a loop of one layer."""

    key: LoopKey
    frames: tuple[bytes, ...]
    tones: tuple[bytes, ...]
    high: tuple[bytes, ...] = ()


def tone_hz(index: int) -> int:
    """The tone of the site with this index: 20 Hz apart from 400 Hz on, so that an ear of 200 ms
    can tell any two apart.

    Raises:
        ValueError: an index outside 0–299.
    """
    if not 0 <= index < 300:
        raise ValueError(f"index {index}: there are tones for 0 to 299")
    return 400 + 20 * index


def load(
    keys: Sequence[LoopKey], cache: Path, progress: Callable[[int], None] = lambda done: None
) -> list[Loop]:
    """The loops of these keys, from `cache` or encoded now and kept there; blocks for the encoding.

    `progress` is called with the number of loops ready, from this thread.
    """
    cache.mkdir(parents=True, exist_ok=True)
    loops = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for loop in pool.map(lambda key: _load_one(key, cache), keys):
            loops.append(loop)
            progress(len(loops))
    return loops


def encode(key: LoopKey, *, high: bool = False) -> Loop:
    """Draw and encode one loop: about 60 ms of one core, 200 ms with the `high` layer."""
    large = tuple(_encode_picture(key, HIGH)) if high else ()
    return Loop(key, tuple(_encode_picture(key, LOW)), tuple(_encode_tone(key.tone_hz)), large)


def payloads(frame: bytes, picture_id: int, codec: ProgramCodec) -> list[bytes]:
    """RTP payloads of one frame; `picture_id` is what VP8 has."""
    return fragments(frame, picture_id) if codec == "VP8" else _h264_payloads(frame)


def _h264_payloads(frame: bytes) -> list[bytes]:
    """Each unit in a packet, large ones in fragments (RFC 6184 §5.6, §5.8)."""
    found = []
    for unit in units(frame):
        if len(unit) <= MAX_PAYLOAD:
            found.append(unit)
            continue
        kind, indicator, body = unit[0] & 0x1F, unit[0] & 0xE0 | 28, unit[1:]
        for start in range(0, len(body), MAX_PAYLOAD):
            part = body[start : start + MAX_PAYLOAD]
            first, last = start == 0, start + MAX_PAYLOAD >= len(body)
            found.append(bytes((indicator, first << 7 | last << 6 | kind)) + part)
    return found


def units(frame: bytes) -> list[bytes]:
    """What lies between the start codes of an H.264 byte stream (ITU-T H.264 annex B)."""
    return [unit for unit in re.split(b"\x00{2,}\x01", frame) if unit]


def fragments(frame: bytes, picture_id: int) -> list[bytes]:
    """RTP payloads of one VP8 frame with a 15-bit picture id (RFC 7741 §4.2)."""
    parts = -(-len(frame) // MAX_PAYLOAD)
    size = -(-len(frame) // parts)
    payloads = []
    for start in range(0, len(frame), size):
        first = 0x90 if start == 0 else 0x80  # X, and S at the start of the only partition
        descriptor = struct.pack("!BBH", first, 0x80, 0x8000 | picture_id & 0x7FFF)
        payloads.append(descriptor + frame[start : start + size])
    return payloads


def pictures(key: LoopKey, look: Picture = LOW) -> Iterator[av.VideoFrame]:
    """The raw frames of a loop: text, code, and a texture that drifts so that every frame costs."""
    width, height = look.width, look.height
    image = cellcode.background(key.label, key.name, width, height)
    drawn = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
    still = np.asarray(drawn.reformat(format="yuv420p").to_ndarray(), dtype=np.uint8)
    generator = np.random.default_rng(int.from_bytes(_digest(key)[:4]))
    size, most = (height // look.grain, width // look.grain), look.strength
    grain = generator.integers(-most, most + 1, size, dtype=np.int16)
    texture = np.repeat(np.repeat(grain, look.grain, axis=0), look.grain, axis=1)
    for counter in range(look.frames):
        planes = still.copy()
        luma = planes[:height]
        drifting = np.roll(texture, (counter, 3 * counter), axis=(0, 1))
        luma[...] = np.clip(luma + drifting, 16, 235).astype(np.uint8)
        cellcode.stamp(luma, key.label, counter)
        yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _encode_picture(key: LoopKey, look: Picture) -> list[bytes]:
    codec = av.CodecContext.create(_ENCODERS[key.codec], "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height = look.width, look.height
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, FRAMES_PER_S)
    codec.framerate = Fraction(FRAMES_PER_S, 1)
    codec.bit_rate = look.bitrate_bps
    codec.gop_size = 10_000
    codec.options = _OPTIONS[key.codec]
    encoded = []
    for counter, frame in enumerate(pictures(key, look)):
        frame.pts = counter
        encoded += [bytes(packet) for packet in codec.encode(frame)]
    encoded += [bytes(packet) for packet in codec.encode(None)]
    return encoded


def _encode_tone(frequency_hz: int) -> list[bytes]:
    """One second of a steady tone, after one that lets the encoder settle."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate = AUDIO_CLOCK_HZ
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = AUDIO_BITRATE_BPS
    codec.options = {"frame_duration": "20", "application": "audio", "vbr": "constrained"}
    encoded = []
    for index in range(2 * _TONE_PACKETS + 1):
        frame = av.AudioFrame.from_ndarray(_tone(frequency_hz, index), "s16", "mono")
        frame.sample_rate = AUDIO_CLOCK_HZ
        frame.pts = index * AUDIO_FRAME_SAMPLES
        encoded += [bytes(packet) for packet in codec.encode(frame)]
    return encoded[_TONE_PACKETS : 2 * _TONE_PACKETS]


def _tone(frequency_hz: int, index: int) -> NDArray[np.int16]:
    at = np.arange(index * AUDIO_FRAME_SAMPLES, (index + 1) * AUDIO_FRAME_SAMPLES) / AUDIO_CLOCK_HZ
    wave = 8_000 * np.sin(2 * np.pi * frequency_hz * at)
    return wave.astype(np.int16).reshape(1, -1)


# --- the cache ----------------------------------------------------------------------------------


def _load_one(key: LoopKey, cache: Path) -> Loop:
    path = cache / f"{_digest(key).hex()[:32]}.loop"
    try:
        return _unpack(key, path.read_bytes())
    except (OSError, ValueError, struct.error):
        pass  # not there, or torn: encode anew
    loop = encode(key, high=True)
    fresh = path.with_suffix(f".{id(loop)}.new")
    fresh.write_bytes(_pack(loop))
    fresh.replace(path)
    return loop


def _digest(key: LoopKey) -> bytes:
    what = (_VERSION, LOW, HIGH, key.label, key.name, key.tone_hz, *_other(key.codec))
    return hashlib.sha256(repr(what).encode()).digest()


def _other(codec: ProgramCodec) -> list[ProgramCodec]:
    return [] if codec == "VP8" else [codec]


def _pack(loop: Loop) -> bytes:
    parts = [*loop.frames, *loop.tones, *loop.high]
    counts = len(loop.frames), len(loop.tones), len(loop.high)
    sizes = struct.pack(f"!HHH{len(parts)}I", *counts, *map(len, parts))
    body = sizes + b"".join(parts)
    return hashlib.sha256(body).digest() + body


def _unpack(key: LoopKey, stored: bytes) -> Loop:
    body = stored[32:]
    if hashlib.sha256(body).digest() != stored[:32]:
        raise ValueError("torn cache file")
    frames, tones, high = struct.unpack_from("!HHH", body)
    sizes = struct.unpack_from(f"!{frames + tones + high}I", body, 6)
    parts, start = [], 6 + 4 * len(sizes)
    for size in sizes:
        parts.append(body[start : start + size])
        start += size
    large = frames + tones
    return Loop(key, tuple(parts[:frames]), tuple(parts[frames:large]), tuple(parts[large:]))
