"""The eye and the ear of a synthetic site: whose picture arrives, and whose tone.

Both take RTP packets of one slot and decode only while they are asked to. A picture starts at a
keyframe; a gap in the sequence numbers sends the eye back to waiting for one.
"""

from __future__ import annotations

from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from bridge import rtp
from bridge.codecs import parse_vp8
from bridge.endpoint import cellcode, loops
from signaling.wire.ids import ProgramCodec

_SPS, _STAP_A, _FU_A = 7, 24, 28
_START_CODE = b"\0\0\0\1"
_SILENCE_RMS = 0.004
"""About −48 dBFS; a synthetic tone has −15 dBFS."""
_SPAN_HZ = 12.0
_TONAL_SHARE = 0.6


class Sighting(NamedTuple):
    """One decoded picture: site label and frame counter, both None if it carries no code, and its
    width in pixels."""

    label: str | None
    counter: int | None
    width: int = 0


class Eye:
    """Puts frames of VP8 (RFC 7741) or H.264 (RFC 6184) together from RTP, decodes them and reads
    their code."""

    def __init__(self, codec: ProgramCodec = "VP8") -> None:
        self._codec = codec
        self._decoder: av.VideoCodecContext | None = None
        self._expected: int | None = None
        self._timestamp = 0
        self._parts: list[bytes] = []

    def look(self, packet: bytes) -> Sighting | None:
        """Take a plain RTP packet; returns what is seen when it completes a picture."""
        header = rtp.parse(packet)
        if header is None:
            return None
        gap = self._expected is not None and header.sequence != self._expected
        self._expected = (header.sequence + 1) & 0xFFFF
        if gap:
            self._decoder = None
        if gap or header.timestamp != self._timestamp:
            self._parts, self._timestamp = [], header.timestamp
        vp8 = self._codec == "VP8"
        data = _vp8_data(packet, header) if vp8 else _h264_data(packet, header)
        if data is None:
            return None
        # RFC 7741 §4.2: S, and partition 0
        starts = not vp8 or packet[header.start] & 0x17 == 0x10
        if self._parts or starts:
            self._parts.append(data)
        if not header.marker or not self._parts:
            return None
        frame, self._parts = b"".join(self._parts), []
        return self._decode(frame)

    def _decode(self, frame: bytes) -> Sighting | None:
        if self._is_keyframe(frame):
            decoder = av.CodecContext.create(self._codec.lower(), "r")
            assert isinstance(decoder, av.VideoCodecContext)
            self._decoder = decoder
            self._decoder.thread_count = 1  # small pictures; more threads only wait for each other
        if self._decoder is None:
            return None
        try:
            pictures = self._decoder.decode(av.Packet(frame))
        except FFmpegError:
            self._decoder = None
            return None
        if not pictures:
            return None
        found = cellcode.read(np.asarray(pictures[-1].to_ndarray(format="gray"), dtype=np.uint8))
        label, counter = found or (None, None)
        return Sighting(label, counter, pictures[-1].width)

    def _is_keyframe(self, frame: bytes) -> bool:
        if self._codec == "H264":
            return any(unit[0] & 0x1F == _SPS for unit in loops.units(frame))
        return not frame[0] & 1  # RFC 7741 §4.3: P = 0


class Sound(NamedTuple):
    """What was heard: loudness (0–1, root mean square) and the tone in Hz, if there is one."""

    rms: float
    tone_hz: float | None

    @property
    def silent(self) -> bool:
        """Nothing that a person would hear."""
        return self.rms < _SILENCE_RMS


class Ear:
    """Decodes Opus from RTP (RFC 7587) and tells which tone is in it."""

    def __init__(self) -> None:
        self._decoder = av.AudioCodecContext.create("opus", "r")
        self._decoder.sample_rate = 48_000
        self._samples: list[NDArray[np.float32]] = []
        self.packets = 0

    def listen(self, packet: bytes) -> None:
        """Take a plain RTP packet; what cannot be decoded is skipped."""
        header = rtp.parse(packet)
        if header is None or header.start == header.end:
            return
        self.packets += 1
        try:
            frames = self._decoder.decode(av.Packet(packet[header.start : header.end]))
        except FFmpegError:
            return
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            samples = frame.to_ndarray().astype(np.float32)
            self._samples.append(samples.mean(axis=0) if samples.ndim == 2 else samples)

    def heard(self) -> Sound:
        """All since the ear was made, without its first 20 ms, in which a decoder settles."""
        return sound(np.concatenate(self._samples[1:])) if self._samples[1:] else Sound(0.0, None)


def sound(samples: NDArray[np.float32], rate_hz: int = 48_000) -> Sound:
    """Loudness of samples in −1…1 and their tone, if most of the power lies within ±12 Hz of it."""
    if not samples.size:
        return Sound(0.0, None)
    rms = float(np.sqrt(np.mean(samples**2)))
    if rms < _SILENCE_RMS:
        return Sound(rms, None)
    padded = 1 << max(15, int(samples.size).bit_length())
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size), padded)) ** 2
    peak = int(power.argmax())
    span = max(round(_SPAN_HZ * padded / rate_hz), 2 * padded // samples.size)
    share = float(power[max(0, peak - span) : peak + span + 1].sum() / power.sum())
    return Sound(rms, peak * rate_hz / padded if share >= _TONAL_SHARE else None)


def _h264_data(packet: bytes, header: rtp.Header) -> bytes | None:
    """Its units with start codes, as far as they begin here; None if there is nothing in it."""
    payload = packet[header.start : header.end]
    kind = payload[0] & 0x1F if payload else 0
    if kind == _FU_A and len(payload) > 2:
        first = payload[1] & 0x80
        head = _START_CODE + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)) if first else b""
        return head + payload[2:]
    if kind == _STAP_A:
        found, at = b"", 1
        while at + 2 < len(payload):
            size = int.from_bytes(payload[at : at + 2])
            found += _START_CODE + payload[at + 2 : at + 2 + size]
            at += 2 + size
        return found or None
    return _START_CODE + payload if 0 < kind < _STAP_A else None


def _vp8_data(packet: bytes, header: rtp.Header) -> bytes | None:
    """What follows the payload descriptor; None if nothing does."""
    payload = parse_vp8(packet, header.start, header.end)
    if payload is None:
        return None
    # `rest` points behind picture id and TL0PICIDX; TID and KEYIDX share one more octet
    start = payload.rest + (1 if payload.flags & 0x30 else 0)
    return packet[start : header.end] or None
