"""Opus packets into sound and back (RFC 6716): 48 kHz, mono.

Both ends are of the libopus that PyAV brings. PyAV encodes with it; what it does not offer is to
say that a packet was lost, so that the decoder is called directly.
"""

from __future__ import annotations

import ctypes
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.codec import context

from bridge.media_worker.limiter import Samples
from bridge.media_worker.playout import FRAME, RATE_HZ

BITRATE_BPS = 48_000
EXPECTED_LOSS_PERCENT = 5
"""What in-band FEC is made for."""
_LONGEST = 6 * FRAME
"""Samples of one packet at most: 120 ms (RFC 6716 §3.2.5)."""
_STEP = 120
"""What is made for lost packets is a multiple of 2.5 ms, as their length was."""
_SCALE = np.float32(1 / 32768)

# a symbol is looked for in what PyAV is linked with, too
_LIBOPUS = ctypes.CDLL(context.__file__)
_LIBOPUS.opus_decode.argtypes = [
    *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32),
    *(ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
]


class Decoder:
    """One stream, packet after packet in order; `broken` counts those that were none."""

    def __init__(self) -> None:
        self.broken = 0
        self._state = ctypes.create_string_buffer(_LIBOPUS.opus_decoder_get_size(1))
        _LIBOPUS.opus_decoder_init(self._state, RATE_HZ, 1)
        self._sound = np.empty(_LONGEST, np.int16)

    def decode(self, packet: bytes) -> Samples | None:
        """What a packet holds, 2.5 to 120 ms; None if it is broken."""
        if not packet:
            return None
        samples = self._decoded(packet, _LONGEST)
        if samples is None:
            self.broken += 1
        return samples

    def restore(self, packet: bytes, length: int) -> Samples | None:
        """So many samples that are missing right before this packet, which is decoded next: its end
        as far as the packet tells of it (in-band FEC, §2.1.7), the rest as `conceal` does."""
        return self._decoded(packet, _whole(length), fec=True)

    def conceal(self, length: int) -> Samples | None:
        """So many samples in place of what is missing next, as the sound before goes on."""
        return self._decoded(None, _whole(length))

    def _decoded(self, packet: bytes | None, most: int, *, fec: bool = False) -> Samples | None:
        octets = 0 if packet is None else len(packet)
        place = self._sound.ctypes.data
        count = _LIBOPUS.opus_decode(self._state, packet, octets, place, most, fec)
        return self._sound[:count] * _SCALE if count > 0 else None


def _whole(length: int) -> int:
    """What Opus can make of that, which fills whatever it is asked to."""
    return min(length, _LONGEST) // _STEP * _STEP


class Encoder:
    """One stream of 20 ms packets, constant in time: silence is sent as well."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.sample_rate, codec.layout, codec.format = RATE_HZ, "mono", "s16"
        codec.bit_rate = BITRATE_BPS
        codec.time_base = Fraction(1, RATE_HZ)
        codec.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": str(EXPECTED_LOSS_PERCENT),
        }
        self._codec = codec
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
