import pytest

from bridge import rtcp
from bridge.media_worker.wallclock import SLEW_S, WallClock

START = 1_700_000_000.0


def report(clock, wall, timestamp):
    clock.report(rtcp.ntp_time(wall), timestamp & 0xFFFFFFFF)


def test_before_any_report_the_first_packet_came_when_it_arrived():
    clock = WallClock(90_000)
    assert clock.at(START, 1000) == START
    assert clock.at(START + 9, 1000 + 90_000) == pytest.approx(START + 1)


def test_a_report_tells_better():
    clock = WallClock(90_000)
    clock.at(START + 0.2, 1000)
    report(clock, START + 0.5, 1000 + 45_000)
    assert clock.at(START + 1.2, 1000 + 90_000) == pytest.approx(START + 1, abs=1e-5)


def test_jitter_of_reports_does_not_shake_the_times():
    clock = WallClock(48_000)
    clock.at(START, 0)
    report(clock, START, 0)
    for second, late in enumerate((0.05, -0.03, 0.08, 0.0, -0.05), start=1):
        report(clock, START + second + late, second * 48_000)
        at = clock.at(START + second, second * 48_000)
        assert abs(at - START - second) <= 3 * SLEW_S


def test_a_sender_whose_clock_drifts_is_followed():
    clock = WallClock(48_000)
    clock.at(START, 0)
    for second in range(600):
        # 200 ppm too fast
        timestamp = round(second * 48_000 * 1.0002)
        report(clock, START + second, timestamp)
        assert clock.at(START + second, timestamp) == pytest.approx(START + second, abs=0.01)


def test_a_jump_is_followed_at_once():
    clock = WallClock(90_000)
    clock.at(START, 0)
    report(clock, START, 0)
    clock.at(START + 10, 90_000)
    report(clock, START + 10, 90_000)
    assert clock.at(START + 10, 90_000) == pytest.approx(START + 10, abs=1e-5)


def test_the_wrap_of_timestamps_is_none_of_times():
    clock = WallClock(90_000)
    first = 0xFFFFFFFF - 45_000
    clock.at(START, first)
    assert clock.at(START + 1, first + 90_000 & 0xFFFFFFFF) == pytest.approx(START + 1)
    report(clock, START + 2, first + 180_000)
    assert clock.at(START + 2, first + 180_000 & 0xFFFFFFFF) == pytest.approx(START + 2, abs=1e-4)
