"""One voice on its way into a mix, in simulated time: jitter, gaps, pauses, clocks, jumps."""

import numpy as np
import pytest

from bridge.media_worker.playout import CONCEALED, FADE, FRAME, LEAD, MAX_LEAD, Playout

FIRST = 0xFFFF_FF00
"""The timestamps wrap right after the beginning."""


def voice(number, length=FRAME):
    """A part of a sound that never repeats, and has no steps."""
    at = np.arange(number * FRAME, number * FRAME + length) * 2 * np.pi
    return (0.3 * np.sin(at / 9600) + 0.3 * np.sin(at / 13331) + 0.01).astype(np.float32)


def place_of(part):
    """Where in the first 60 frames of the sound this part is."""
    every = np.lib.stride_tricks.sliding_window_view(voice(0, 60 * FRAME), len(part))
    return int(np.abs(every - part).max(axis=1).argmin())


class Line:
    """Packets that come when the test says, and frames taken every 20 ms; `now` in frames."""

    def __init__(self, **rest):
        self.playout = Playout(**rest)
        self.taken = []

    def put(self, number, length=FRAME):
        self.playout.put(FIRST + number * FRAME & 0xFFFF_FFFF, voice(number, length))

    def take(self, times=1):
        for _ in range(times):
            frame = self.playout.take()
            self.taken.append(np.zeros(FRAME, np.float32) if frame is None else frame)

    def run(self, numbers):
        for number in numbers:
            self.put(number)
            self.take()

    @property
    def heard(self):
        return np.concatenate(self.taken)


def sounding(samples):
    """Whether there is something, by frame."""
    return [bool(np.abs(frame).max() > 0) for frame in samples.reshape(-1, FRAME)]


def test_what_comes_in_time_is_heard_whole_a_lead_later():
    line = Line()
    line.run(range(50))
    lead = LEAD // FRAME
    assert sounding(line.heard) == [False] * lead + [True] * (50 - lead)
    heard = line.heard[LEAD + FADE :]
    expected = np.concatenate([voice(number) for number in range(50 - lead)])[FADE:]
    assert np.array_equal(heard, expected)


def test_before_the_first_packet_there_is_silence():
    line = Line()
    line.take(5)
    assert not any(sounding(line.heard))


@pytest.mark.parametrize("length", [120, 480, 2880, 5760])
def test_packets_of_any_length_are_aligned(length):
    """A packet comes when its last sample was spoken."""
    line, sound = Line(), voice(0, 60 * FRAME)
    for begin in range(0, 48 * FRAME, length):
        line.playout.put(FIRST + begin & 0xFFFF_FFFF, sound[begin : begin + length])
        line.take((begin + length) // FRAME - begin // FRAME)
    tail = line.heard[-10 * FRAME :]
    place = place_of(tail[-FRAME:]) + FRAME
    assert np.array_equal(tail, sound[place - len(tail) : place])


def test_jitter_within_the_lead_is_not_heard():
    line = Line()
    line.run(range(5))
    line.take()
    for number in (5, 6):
        line.put(number)
    line.take()
    line.run(range(7, 20))
    heard = line.heard[LEAD + FADE :]
    assert np.array_equal(
        heard, np.concatenate([voice(n) for n in range(30)])[FADE : FADE + len(heard)]
    )


def test_a_lost_packet_is_a_gap_of_its_length_without_edges_and_nothing_is_shifted():
    line = Line()
    line.run([n for n in range(20) if n != 10])
    line.take()
    gap, heard = 10 * FRAME + LEAD, line.heard
    assert not heard[gap + FADE : gap + FRAME].any()
    assert np.array_equal(heard[gap + FRAME + FADE : gap + 2 * FRAME], voice(11)[FADE:])
    assert np.abs(np.diff(heard)).max() < 0.02
    assert line.playout.late == 0


def constant(length):
    """What a decoder makes of nothing."""
    return np.full(length, 0.5, np.float32)


@pytest.mark.parametrize("length", [480, 960, 1920])
def test_what_has_not_come_is_made_for_a_moment_and_fades(length):
    line = Line(conceal=constant)
    line.run(range(10))
    line.playout.put(FIRST + 10 * FRAME & 0xFFFF_FFFF, voice(10, length))
    line.take(20)
    made = line.heard[10 * FRAME + LEAD + length :]
    assert (made[:FRAME] == 0.5).all()
    assert (np.diff(made[FRAME:CONCEALED]) <= 0).all()
    assert made[CONCEALED - FADE] < 0.05
    assert not made[CONCEALED + FADE :].any()
    assert line.playout.take() is None
    # after something has come, there is as much again
    line.run(range(32, 42))
    line.take(10)
    again = line.heard[np.flatnonzero(line.heard == voice(41)[-1])[-1] + 1 :]
    assert np.array_equal(again[:CONCEALED], made[:CONCEALED])
    assert not again[CONCEALED + FADE :].any()


def test_of_a_short_loss_it_is_told_what_is_missing_and_hears_what_was_made_of_it():
    line = Line(conceal=constant)
    line.run(range(10))
    timestamps = [FIRST + number * FRAME & 0xFFFF_FFFF for number in range(20)]
    assert line.playout.missing(timestamps[10]) == 0
    assert line.playout.missing(timestamps[11]) == FRAME
    assert line.playout.missing(timestamps[15]) == 0, "too long"
    line.take()
    line.playout.fill(timestamps[11], voice(10))
    line.put(11)
    line.run(range(12, 20))
    heard = line.heard[LEAD + FADE :]
    assert np.array_equal(
        heard, np.concatenate([voice(n) for n in range(20)])[FADE : FADE + len(heard)]
    )


def test_what_comes_after_something_was_made_for_it_takes_its_place():
    """A packet of 40 ms, half of whose place is over."""
    line = Line(conceal=constant)
    for number in range(0, 10, 2):
        line.put(number, 2 * FRAME)
        line.take(2)
    line.take(3)
    assert (line.taken[-1] == 0.5).all()
    line.put(10, 2 * FRAME)
    line.take(3)
    assert np.array_equal(line.heard[-2 * FRAME + FADE :], voice(10, 2 * FRAME)[FADE:])
    assert line.playout.late == 0


def test_what_comes_too_late_is_heard_later_and_so_is_the_rest():
    line = Line()
    line.run(range(10))
    line.take(4)
    for number in range(10, 14):
        line.put(number)
    line.take()
    line.run(range(14, 30))
    assert line.playout.late == 0
    assert line.playout.lead > LEAD
    together = line.heard
    ten = voice(10)
    places = [
        n
        for n in range(len(together) - FRAME)
        if np.array_equal(together[n + FADE : n + FRAME], ten[FADE:])
    ]
    assert len(places) == 1
    # from there on without a gap
    after = together[places[0] + FRAME :]
    assert np.array_equal(after, np.concatenate([voice(n) for n in range(11, 40)])[: len(after)])


def test_however_late_things_come_the_lead_has_an_end():
    line = Line()
    line.run(range(10))
    for number in range(10, 200, 5):
        line.take(5)
        for burst in range(number, number + 5):
            line.put(burst)
        assert line.playout.lead <= MAX_LEAD + 5 * FRAME


def test_lead_that_nothing_needs_is_given_up_the_last_of_it_in_a_pause():
    line = Line()
    line.run(range(5))
    line.take(8)
    for number in range(5, 13):
        line.put(number)
    line.run(range(13, 20))
    assert line.playout.lead > LEAD + 6 * FRAME
    line.run(range(20, 700))
    assert line.playout.lead == LEAD + FRAME
    quiet = np.zeros(FRAME, np.float32)
    for number in range(700, 720):
        line.playout.put(FIRST + number * FRAME & 0xFFFF_FFFF, quiet)
        line.take()
    assert line.playout.lead == LEAD


@pytest.mark.parametrize("ppm", [-1000, 1000])
def test_a_sender_with_another_clock_is_followed(ppm):
    """Three minutes: 200 ms off at the end, were it not followed."""
    line, arrivals = Line(), 0
    for tick in range(10_000):
        while arrivals * (1 - ppm * 1e-6) <= tick:
            line.playout.put(FIRST + arrivals * FRAME & 0xFFFF_FFFF, voice(arrivals))
            arrivals += 1
        line.playout.take()
    assert 0 <= line.playout.lead <= LEAD + 4 * FRAME
    assert line.playout.late <= 10 * FRAME


def test_a_pause_of_the_sender_keeps_its_place():
    """Discontinuous transmission: the timestamps go on."""
    line = Line()
    line.run(range(10))
    line.take(15)
    line.run(range(25, 40))
    assert line.playout.lead == LEAD + FRAME - FRAME
    assert np.abs(np.diff(line.heard)).max() < 0.02


@pytest.mark.parametrize("jump", [50_000, -50_000, 3_000_000_000])
def test_a_stream_that_jumps_begins_anew(jump):
    line = Line()
    line.run(range(10))
    for number in range(10, 30):
        line.playout.put(FIRST + number * FRAME + jump & 0xFFFF_FFFF, voice(number))
        line.take()
    assert line.playout.lead == LEAD
    assert all(sounding(line.heard)[-15:])


def test_a_stream_that_stays_behind_for_good_is_found_again():
    """Its timestamps stood still while it paused for 0.4 s."""
    line = Line()
    line.run(range(10))
    line.take(20)
    line.run(range(10, 40))
    assert all(sounding(line.heard)[-20:])
    assert line.playout.late < 10 * FRAME


def test_the_same_packet_twice_is_heard_once():
    line = Line()
    for number in range(20):
        line.put(number)
        line.put(number)
        line.take()
    heard = line.heard[LEAD + FADE :]
    assert np.array_equal(
        heard, np.concatenate([voice(n) for n in range(20)])[FADE : FADE + len(heard)]
    )


def test_time_that_was_missed_is_left_out():
    line = Line()
    line.run(range(10))
    for number in range(10, 30):
        line.put(number)
    line.playout.skip(20)
    line.run(range(30, 40))
    assert line.playout.lead == LEAD
    assert all(sounding(line.heard)[-10:])


def test_a_flood_of_packets_takes_no_memory():
    playout = Playout()
    for number in range(20_000):
        playout.put(number * 7919 & 0xFFFF_FFFF, voice(0, 120))
    assert len(playout._pieces) < 1000
