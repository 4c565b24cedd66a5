"""The limiter: nothing beyond the scale, nothing changed below it, no step, no pumping."""

import numpy as np
import pytest

from bridge.media_worker.limiter import THRESHOLD, Limiter

FRAME = 960


def tone(hz, level, seconds=1.0, phase=0.0):
    at = np.arange(int(48_000 * seconds)) / 48_000
    return (level * np.sin(2 * np.pi * hz * at + phase)).astype(np.float32)


def limited(sound):
    limiter = Limiter()
    frames = sound.reshape(-1, FRAME)
    return np.concatenate([limiter.apply(frame) for frame in frames])


def test_a_voice_within_the_scale_passes_as_it_came():
    voice = tone(440, THRESHOLD)
    assert np.array_equal(limited(voice), voice)


@pytest.mark.parametrize("voices", [2, 4])
def test_several_loud_voices_stay_within_the_scale(voices):
    together = sum(tone(300 + 130 * number, 1.0) for number in range(voices))
    assert np.abs(together).max() > 1.5
    heard = limited(together)
    assert np.abs(heard).max() <= 1.0
    # after the first moment the sum is turned down, not bent
    settled = slice(4800, None)
    gain = np.linalg.norm(heard[settled]) / np.linalg.norm(together[settled])
    assert np.abs(heard[settled] - gain * together[settled]).max() < 0.25


def test_a_burst_from_silence_is_bent_and_not_cut():
    sound = np.concatenate(
        [np.zeros(480, np.float32), tone(200, 3.0, 0.01), np.zeros(0, np.float32)]
    )
    heard = limited(np.resize(sound, FRAME))
    assert np.abs(heard).max() <= 1.0
    flat = np.count_nonzero(np.diff(heard[480:]) == 0)
    assert flat < 5


def test_there_is_no_step_at_the_borders_of_frames():
    loud = tone(100, 2.0)
    heard = limited(loud)
    steps = np.abs(np.diff(heard))
    borders = steps[FRAME - 1 :: FRAME]
    # a sine of 100 Hz moves by at most this per sample
    assert borders.max() <= 2.0 * 2 * np.pi * 100 / 48_000 * 1.1


def test_the_gain_comes_back_slowly_and_wholly():
    soft = tone(440, 0.1, 2.0)
    sound = np.concatenate([tone(440, 4.0, 0.2), soft])
    heard = limited(sound)[9600:]
    early = np.abs(heard[:2400]).max()
    assert early < 0.06
    assert np.array_equal(heard[-FRAME:], soft[-FRAME:])
