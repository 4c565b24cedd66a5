"""Several voices as one stream: who is in it, when, how loud, and by whose clock."""

import numpy as np
import pytest

from bridge.endpoint import loops
from bridge.endpoint.loops import LoopKey
from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from bridge.media_worker.mixdown import FRAME_S, Mixdown
from bridge.media_worker.opus import Decoder, Encoder
from bridge.media_worker.playout import FRAME
from signaling.wire.ids import parse_slots, slot_name
from tests.bridge.media_worker.voice import packets, speech

SLOTS = parse_slots("floor:4")
TONES = {hz: loops.encode(LoopKey(str(hz), "", hz)).tones for hz in (500, 900, 1300, 1700)}


class Desk:
    """A mixdown in simulated time: `speaking` says which tone comes in which position."""

    def __init__(self):
        self.mixdown = Mixdown(SLOTS)
        self.now = 100.0
        self.count = 0
        self.steps = []
        self._decoder = Decoder()

    def packet(self, position, hz):
        tones = TONES[hz]
        frame = Frame(self.count * FRAME & 0xFFFF_FFFF, True, tones[self.count % len(tones)])
        self.mixdown.put(self.now, Received(slot_name("floor", position), "opus", 0.0, frame))

    def run(self, seconds, speaking):
        """What is heard in this time."""
        heard = []
        for _ in range(round(seconds / FRAME_S)):
            for position, hz in speaking.items():
                self.packet(position, hz)
            heard += self.sent()
            self.now += FRAME_S
            self.count += 1
        return np.concatenate(heard)

    def sent(self):
        packets = self.mixdown.due(self.now)
        self.steps += [steps for steps, _ in packets]
        return [self._decoder.decode(packet) for _, packet in packets]


def loudness(samples, hz):
    """Of one tone in what is heard, against how it was sent."""
    at = np.arange(len(samples)) / 48_000
    found = np.abs(np.mean(samples * np.exp(-2j * np.pi * hz * at))) * 2
    return found / (8000 / 32768)


def test_all_voices_are_heard_together_and_no_louder_than_the_scale_allows():
    desk = Desk()
    speaking = dict(enumerate(TONES, start=1))
    desk.run(0.5, speaking)
    heard = desk.run(1, speaking)
    assert min(loudness(heard, hz) for hz in TONES) > 0.6
    assert np.abs(heard).max() <= 1
    assert desk.mixdown.voices(desk.now) == 4
    assert desk.mixdown.late_s == 0


def test_voices_that_are_too_loud_together_are_turned_down_and_not_cut_off():
    """Two of 500 and 900 Hz: what is cut off has tones of its own, as 2 · 900 − 500 Hz."""
    mixdown, outof, heard = Mixdown(SLOTS), Decoder(), []
    into = [Encoder(), Encoder()]
    at = np.arange(100 * FRAME, dtype=np.float32) / 48_000
    voices = [0.9 * np.sin(2 * np.pi * hz * at).reshape(-1, FRAME) for hz in (500, 900)]
    for number in range(100):
        for slot, encoder, voice in zip(SLOTS, into, voices, strict=False):
            frame = Frame(number * FRAME, True, encoder.encode(voice[number]))
            mixdown.put(number * FRAME_S, Received(slot, "opus", 0.0, frame))
        heard += [outof.decode(packet) for _, packet in mixdown.due(number * FRAME_S)]
    settled = np.concatenate(heard[-50:])
    assert min(loudness(settled, hz) for hz in (500, 900)) > 1.0
    assert loudness(settled, 1300) < 0.05 * loudness(settled, 900)


def test_who_is_muted_is_gone_within_a_tenth_of_a_second_and_the_others_stay():
    desk = Desk()
    desk.run(1, {1: 500, 2: 900})
    after = desk.run(1, {2: 900})
    assert loudness(after[:4800], 500) > 0.1
    assert loudness(after[4800:], 500) < 0.02
    assert loudness(after[4800:], 900) > 0.8


def test_one_speaker_after_the_other_in_one_position_loses_nothing():
    desk = Desk()
    desk.run(1, {1: 500})
    after = desk.run(1, {1: 1300})
    # two frames of lead, then a frame of the encoder's own
    assert loudness(after[4800:9600], 1300) > 0.7
    # softer for a moment: the codec refers to frames of the other voice, as at every receiver
    loud = np.sqrt(np.mean(after.reshape(-1, FRAME) ** 2, axis=1))
    assert loud.min() > 0.01
    assert np.abs(np.diff(after)).max() < 0.1


def test_there_is_a_packet_every_20_ms_whether_anybody_speaks_or_not():
    desk = Desk()
    heard = desk.run(2, {})
    assert len(heard) == 2 * 48_000
    assert not np.abs(heard).max() > 0.001
    assert set(desk.steps) == {1}


def test_after_a_stall_time_goes_on_and_nothing_is_caught_up():
    desk = Desk()
    desk.run(1, {1: 500})
    desk.now += 3
    desk.count += 150
    desk.steps.clear()
    heard = desk.run(1, {1: 500})
    assert desk.steps[0] == 151
    assert set(desk.steps[1:]) == {1}
    assert loudness(heard[9600:], 500) > 0.8


def mix_of(told, lost=()):
    """One voice, some of whose packets do not come."""
    mixdown, decoder, heard = Mixdown(SLOTS), Decoder(), []
    for number, packet in enumerate(told):
        now = number * (FRAME_S + 1e-5)
        heard += [decoder.decode(mixed) for _, mixed in mixdown.due(now)]
        frame = Frame(number * FRAME, True, packet)
        if number not in lost:
            mixdown.put(now, Received(SLOTS[0], "opus", 0.0, frame))
    return np.concatenate(heard)


@pytest.mark.parametrize("percent", [5, 10])
def test_of_lost_packets_little_is_missing_if_the_next_ones_tell_of_them(percent):
    """In power: the fault that they leave, after them too, against what they held. With gaps, or
    with the sound before them going on, it is above 2."""
    said, chance = speech(20), np.random.default_rng(percent)
    told = packets(said, fec=True)
    lost = set(np.flatnonzero(chance.random(len(told)) < percent / 100).tolist())
    fault = np.sum((mix_of(told, lost) - mix_of(told)) ** 2)
    held = sum(np.sum(said[number * FRAME : (number + 1) * FRAME] ** 2) for number in lost)
    assert fault < 0.6 * held


def test_three_lost_packets_leave_no_silence_and_a_mute_leaves_it_soon():
    """The first one's turn is over when the next packet comes."""
    tones = [TONES[500][number % len(TONES[500])] for number in range(100)]
    heard = mix_of(tones, {50, 51, 52, *range(80, 100)})
    loud = np.abs(heard.reshape(-1, FRAME // 4)).max(axis=1)
    assert loud[4 * 10 : 4 * 80].min() > 0.1
    assert loud[4 * 88 :].max() < 0.001


def test_a_slot_that_was_not_asked_for_and_a_broken_packet_are_passed_over():
    desk = Desk()
    broken = Frame(0, True, b"\xff\xff")
    desk.mixdown.put(desk.now, Received(SLOTS[0], "opus", 0.0, broken))
    desk.mixdown.put(
        desk.now, Received(slot_name("cue", 1), "opus", 0.0, Frame(0, True, TONES[500][0]))
    )
    assert desk.mixdown.voices(desk.now) == 0
