"""Opus in and out: what was said is heard, and what is no Opus is passed over."""

import itertools
import os

import numpy as np
import pytest

from bridge.endpoint import loops
from bridge.endpoint.loops import LoopKey
from bridge.endpoint.senses import sound
from bridge.media_worker.opus import Decoder, Encoder
from bridge.media_worker.playout import FRAME
from tests.bridge.media_worker.voice import packets, speech

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
        packet = random.bytes(int(length))
        decoder.restore(packet, int(random.integers(0, 4 * FRAME)))
        decoder.decode(packet)
    assert decoder.broken > 0
    assert decoder.decode(TONES[1]) is not None


def spectrum(samples):
    """Up to 4 kHz."""
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples))))[:80]


@pytest.mark.parametrize(("fec", "at_most"), [(True, 0.15), (False, 0.4)])
def test_what_is_made_for_a_lost_packet_is_like_it(fec, at_most):
    """Of 8 % lost, against what it would have been, in power; silence has 1. The next packet tells
    more than the sound before."""
    told = packets(speech(20), fec=fec)
    whole, holed = Decoder(), Decoder()
    chance = np.random.default_rng(3)
    apart = lost = 0.0
    for packet, after in itertools.pairwise(told):
        expected = spectrum(whole.decode(packet))
        if chance.random() > 0.08:
            holed.decode(packet)
            continue
        made = holed.restore(after, FRAME)
        assert made.shape == (FRAME,)
        apart += np.sum((spectrum(made) - expected) ** 2)
        lost += np.sum(expected**2)
    assert apart < at_most * lost


def test_where_nothing_comes_the_sound_goes_on():
    decoder = Decoder()
    for packet in TONES[:20]:
        before = decoder.decode(packet)
    made = decoder.conceal(3 * FRAME)
    assert sound(made).tone_hz == pytest.approx(700, abs=20)
    assert np.abs(made[0] - before[-1]) < 0.05


def test_it_makes_what_opus_can_and_no_more_than_a_packet_holds():
    decoder = Decoder()
    decoder.decode(TONES[0])
    assert decoder.conceal(119) is decoder.restore(TONES[2], 0) is None
    assert len(decoder.conceal(1000)) == FRAME
    assert len(decoder.conceal(48_000)) == len(decoder.restore(TONES[2], 48_000)) == 6 * FRAME
