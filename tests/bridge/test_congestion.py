"""Transport-wide feedback, read back by a decoder written from the draft."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import rtcp
from bridge.arrivals import Arrivals
from bridge.congestion import MAX_LATE, MAX_REPORTS, MAX_STATUSES, TransportFeedback


class Report:
    """One feedback packet: which numbers it covers, and when the received ones came, in ticks."""

    def __init__(self, data: bytes) -> None:
        first, kind, words = struct.unpack_from("!BBH", data)
        assert (first, kind) == (0x8F, 205)
        assert len(data) == 4 + 4 * words
        self.sender, self.media, self.base, count, tail = struct.unpack_from("!IIHHI", data, 4)
        self.number = tail & 0xFF
        reference = tail >> 8
        symbols: list[int] = []
        at = 20
        while len(symbols) < count:
            (chunk,) = struct.unpack_from("!H", data, at)
            at += 2
            if chunk >> 15 == 0:
                symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
            else:
                assert chunk >> 14 & 1
                symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        symbols = symbols[:count]
        ticks = reference * 256
        self.arrivals: dict[int, int] = {}
        self.covered = [(self.base + n) & 0xFFFF for n in range(count)]
        for n, symbol in enumerate(symbols):
            if symbol == 1:
                ticks += data[at]
                at += 1
            elif symbol == 2:
                ticks += struct.unpack_from("!h", data, at)[0]
                at += 2
            else:
                assert symbol == 0
                continue
            self.arrivals[(self.base + n) & 0xFFFF] = ticks
        assert 0 <= len(data) - at < 4  # only padding is left


def _reports(feedback: TransportFeedback) -> list[Report]:
    return [Report(data) for data in feedback.reports(2)]


def test_reports_tell_each_arrival_and_each_loss() -> None:
    feedback = TransportFeedback(1)
    for sequence, at in [(65_534, 1.0), (65_535, 1.001), (1, 1.1), (3, 1.1)]:
        feedback.received(at, sequence)
    (report,) = _reports(feedback)
    assert (report.sender, report.media) == (1, 2)
    assert report.covered == [65_534, 65_535, 0, 1, 2, 3]
    assert report.arrivals == {65_534: 4000, 65_535: 4004, 1: 4400, 3: 4400}


def test_reports_are_empty_when_nothing_came() -> None:
    feedback = TransportFeedback(1)
    assert feedback.reports(2) == []
    feedback.received(0.0, 1)
    assert len(feedback.reports(2)) == 1
    assert feedback.reports(2) == []


def test_reports_follow_each_other_without_a_hole_and_are_numbered() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.0, 10)
    assert _reports(feedback)[0].covered == [10]
    feedback.received(0.1, 13)
    (report,) = _reports(feedback)
    assert report.covered == [11, 12, 13]
    assert report.number == 1


def test_a_late_packet_is_told_after_all_unless_it_is_too_late() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.0, 1000)
    feedback.received(0.0, 1002)
    feedback.reports(2)
    feedback.received(0.2, 1001)
    feedback.received(0.2, 1002 - MAX_LATE)
    (report,) = _reports(feedback)
    assert report.arrivals == {1001: 800}


def test_order_of_arrival_other_than_of_sending_gives_negative_deltas() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.10, 2)
    feedback.received(0.05, 3)
    feedback.received(0.30, 1)
    (report,) = _reports(feedback)
    assert report.arrivals == {1: 1200, 2: 400, 3: 200}


def test_the_first_arrival_of_a_number_counts() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.1, 1)
    feedback.received(0.9, 1)
    assert _reports(feedback)[0].arrivals == {1: 400}


def test_a_delta_that_does_not_fit_begins_a_new_report() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.0, 1)
    feedback.received(9.0, 2)
    first, second = _reports(feedback)
    assert (first.arrivals, second.arrivals) == ({1: 0}, {2: 36_000})


@pytest.mark.parametrize("step", [1, 2, 150])
def test_a_long_interval_is_cut_into_reports_below_the_mtu(step: int) -> None:
    feedback = TransportFeedback(1)
    sent = [n * step for n in range(1000)]
    for n, sequence in enumerate(sent):
        feedback.received(n * 0.09, sequence & 0xFFFF)
    packets = feedback.reports(2)
    assert len(packets) <= len(sent)
    assert max(map(len, packets)) < 1100
    found = [one for data in packets for one in Report(data).arrivals]
    # of more than the reports can hold, the end is told
    assert found == [n & 0xFFFF for n in sent if n > sent[-1] - MAX_REPORTS * MAX_STATUSES]


def test_reports_can_be_part_of_a_compound() -> None:
    feedback = TransportFeedback(1)
    feedback.received(0.0, 1)
    pli = rtcp.PictureLoss(1, 2)
    report, asked = rtcp.parse(feedback.reports(2)[0] + rtcp.build([pli]))
    assert isinstance(report, Arrivals)
    assert asked == pli


@given(
    st.integers(0, 0xFFFF),
    st.lists(
        st.tuples(st.integers(-20, 60), st.floats(0, 0.2), st.booleans()), min_size=1, max_size=80
    ),
)
def test_all_arrivals_are_told_once_whenever_reports_are_made(
    start: int, course: list[tuple[int, float, bool]]
) -> None:
    feedback = TransportFeedback(1)
    now, sequence = 5.0, start
    expected: dict[int, int] = {}
    told: dict[int, int] = {}
    for step, pause_s, report_now in course:
        now += pause_s
        sequence += step
        if sequence not in expected:
            expected[sequence] = round(now * 4000)
            feedback.received(now, sequence & 0xFFFF)
        if report_now:
            for report in _reports(feedback):
                told |= report.arrivals
    for report in _reports(feedback):
        told |= report.arrivals
    # steps back add up to more than is told after a report, rarely: those may be missing
    wanted = {number & 0xFFFF: ticks for number, ticks in expected.items()}
    assert told.items() <= wanted.items()
    highest = max(expected)
    recent = {n & 0xFFFF: ticks for n, ticks in expected.items() if n > highest - MAX_LATE}
    assert recent.items() <= told.items()
