"""Opus in and out: what was said is heard, and what is no Opus is passed over."""

import os

import numpy as np
import pytest

from bridge.endpoint import loops
from bridge.endpoint.loops import LoopKey
from bridge.endpoint.senses import sound
from bridge.media_worker.opus import Decoder, Encoder
from bridge.media_worker.playout import FRAME

TONES = loops.encode(LoopKey("01", "Một", 700)).tones


def test_a_tone_is_heard_after_decoding_encoding_and_decoding():
    into, encoder, outof = Decoder(), Encoder(), Decoder()
    heard = []
    for packet in TONES:
        samples = into.decode(packet)
        assert samples is not None
        assert samples.shape == (FRAME,)
        again = outof.decode(encoder.encode(samples))
        assert again is not None
        heard.append(again)
    found = sound(np.concatenate(heard[5:]))
    assert found.tone_hz == pytest.approx(700, abs=8)
    assert found.rms == pytest.approx(8000 / 32768 / np.sqrt(2), rel=0.2)


def test_more_than_the_scale_is_cut_and_silence_is_a_packet_too():
    encoder = Encoder()
    assert encoder.encode(np.full(FRAME, 2.0, np.float32))
    assert encoder.encode(np.zeros(FRAME, np.float32))


@pytest.mark.parametrize(
    "packet", [b"", b"\xff", b"\xff\xff\xff", b"\x03\x3f" + b"\xff" * 10, os.urandom(1200)]
)
def test_what_is_no_opus_is_passed_over_and_the_next_packet_is_heard(packet):
    decoder = Decoder()
    decoder.decode(TONES[0])
    broken = decoder.decode(packet)
    assert broken is None or len(broken) <= 5760
    assert decoder.decode(TONES[1]) is not None


def test_thousands_of_broken_packets_are_counted_and_nothing_else():
    decoder, random = Decoder(), np.random.default_rng(7)
    for length in random.integers(1, 200, 3000):
        decoder.decode(random.bytes(int(length)))
    assert decoder.broken > 0
    assert decoder.decode(TONES[1]) is not None
