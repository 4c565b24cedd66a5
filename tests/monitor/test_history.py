"""Fifteen minutes of every site, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field

import pytest

from monitor.history import SPAN_S, History
from signaling.wire.codec import encode
from signaling.wire.figures import ControlState, HealthState, SiteFigures
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.rest import HistoryPoint
from signaling.wire.samples import HealthReport

A, DN, HN = ConferenceId("a"), SiteCode("48"), SiteCode("01")
START = 1_590_714_000.0


def figures(
    state: HealthState = "good", rtt_s: float | None = 0.02, control: ControlState = "good"
) -> SiteFigures:
    return SiteFigures(
        state, START, 0.1, 0.1, 0.1, rtt_s, 0.01, 0.002, 540_000.0, None, control, 0.9
    )


@dataclass
class Tape:
    """A history that is fed with one site's figures, second by second."""

    history: History = field(default_factory=History)
    now: float = START

    def seconds(self, count: int, one: SiteFigures, step: float = 1.0) -> None:
        for _ in range(count):
            self.history.record(HealthReport(A, self.now, {}, {DN: one}))
            self.now += step

    def points(self, step_s: int = 5) -> list[HistoryPoint]:
        return self.history.query(A, DN, self.now, step_s).points


def test_each_second_is_a_point_oldest_first() -> None:
    tape = Tape()
    tape.seconds(2, figures("connecting", None))
    tape.seconds(2, figures())
    points = tape.points(1)
    assert [(point.at - START, point.state) for point in points] == [
        (0.0, "connecting"),
        (1.0, "connecting"),
        (2.0, "good"),
        (3.0, "good"),
    ]
    assert points[0].rtt_s is None
    assert points[3].rtt_s == pytest.approx(0.02)
    assert points[3].quality == pytest.approx(0.9)


def test_a_step_has_its_worst_state_and_the_mean_of_what_is_known() -> None:
    tape = Tape()
    tape.seconds(1, figures("good", 0.1))
    tape.seconds(1, figures("lost", None, "lost"))
    tape.seconds(3, figures("good", 0.3))
    tape.seconds(5, figures("fair"))
    first, second = tape.points()
    assert (first.at, first.state, first.control) == (START, "lost", "lost")
    assert first.rtt_s == pytest.approx(0.25)
    assert first.receive_loss_ratio is None
    assert (second.at, second.state) == (START + 5, "fair")


def test_an_early_report_in_the_same_second_hides_no_worse_state() -> None:
    tape = Tape()
    tape.seconds(1, figures("lost"), step=0.5)
    tape.seconds(1, figures("good"), step=0.5)
    [point] = tape.points(1)
    assert point.state == "lost"


def test_seconds_that_were_not_watched_have_no_point() -> None:
    tape = Tape()
    tape.seconds(5, figures())
    tape.now += 60
    tape.seconds(5, figures())
    assert [point.at - START for point in tape.points()] == [0.0, 65.0]


def test_what_is_older_than_fifteen_minutes_is_gone() -> None:
    tape = Tape()
    tape.seconds(SPAN_S + 100, figures())
    answer = tape.history.query(A, DN, tape.now - 1, 1)
    assert len(answer.points) == SPAN_S
    assert answer.points[0].at == answer.from_ == tape.now - SPAN_S
    tape.now += 300
    assert len(tape.points(1)) == SPAN_S - 301


def test_unknown_sites_and_those_never_there_have_no_points() -> None:
    tape = Tape()
    tape.seconds(10, figures("offline"))
    assert tape.points() == []
    assert tape.history.query(A, HN, START).points == []
    assert tape.history.query(ConferenceId("b"), DN, START).points == []


def test_a_site_that_went_offline_keeps_what_was() -> None:
    tape = Tape()
    tape.seconds(5, figures())
    tape.seconds(5, figures("offline"))
    assert [point.state for point in tape.points()] == ["good", "offline"]


def test_the_answer_names_its_beginning_as_the_protocol_does() -> None:
    tape = Tape()
    tape.seconds(5, figures())
    text = encode(tape.history.query(A, DN, tape.now))
    assert '"step_s":5' in text
    assert '"from":' in text


def test_a_clock_set_back_does_no_harm() -> None:
    tape = Tape()
    tape.seconds(10, figures())
    tape.now -= 3600
    tape.seconds(10, figures())
    assert len(tape.points(1)) == 10


def test_memory_of_a_hundred_sites_is_bounded_and_given_back() -> None:
    history = History()
    sites = {SiteCode(f"{number:03d}"): figures() for number in range(100)}
    tracemalloc.start()
    try:
        for second in range(3):
            history.record(HealthReport(A, START + second * SPAN_S / 2, {}, sites))
        full, _ = tracemalloc.get_traced_memory()
        assert full < 6_000_000
        history.record(HealthReport(A, START + 2 * SPAN_S, {}, sites))
        again, _ = tracemalloc.get_traced_memory()
        assert again < full + 100_000
        other = ConferenceId("b")
        history.record(HealthReport(other, START + 4 * SPAN_S, {}, {DN: figures()}))
        left, _ = tracemalloc.get_traced_memory()
        assert left < full / 10
    finally:
        tracemalloc.stop()
    assert history.query(A, SiteCode("001"), START + 2 * SPAN_S).points == []
