"""Many sites: samples find theirs, reports name all, and a stall of our own blames nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.board import Board, Change, SiteEdge
from monitor.history import History
from signaling.wire.codec import encode
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.pages import Report
from signaling.wire.samples import (
    ConferenceClosed,
    ConferenceOpened,
    NodeGone,
    NodeHeard,
    Sample,
    SiteGone,
    SiteHeard,
    SiteMedia,
    SiteReported,
)
from tests.monitor.room import session

A, B = ConferenceId("a"), ConferenceId("b")
HN, DN = SiteCode("01"), SiteCode("48")
NODE = NodeId("node-1")


def board_with_a_good_site() -> Board:
    """At time 3, site 48 of conference a is good and site 01 was never heard."""
    board = Board()
    board.handle(0.0, ConferenceOpened(A, [HN, DN], 0.0))
    for second in (1.0, 2.0, 3.0):
        board.handle(second, SiteHeard(A, DN, second))
        board.handle(second, NodeHeard(NODE, second))
        board.handle(second, SiteMedia(A, DN, NODE, second, session(), None))
        board.tick(second)
    return board


def states(board: Board, now: float) -> dict[str, str]:
    _, reports = board.tick(now)
    return {
        f"{report.conference}/{site}": figures.state
        for report in reports
        for site, figures in report.sites.items()
    }


def test_every_site_of_every_conference_is_reported_also_those_never_heard() -> None:
    board = board_with_a_good_site()
    board.handle(3.0, ConferenceOpened(B, [DN], 3.0))
    assert states(board, 4.0) == {"a/01": "offline", "a/48": "good", "b/48": "offline"}


def test_samples_about_unknown_conferences_and_sites_change_nothing() -> None:
    board = Board()
    assert board.handle(1.0, SiteHeard(A, DN, 1.0)) == []
    board.handle(1.0, ConferenceOpened(A, [HN], 1.0))
    assert board.handle(1.0, SiteHeard(A, DN, 1.0)) == []
    assert states(board, 2.0) == {"a/01": "offline"}


def test_a_change_is_told_once_with_its_site() -> None:
    board = board_with_a_good_site()
    changes: list[Change] = []
    for second in (4.0, 5.0, 6.0, 7.0, 8.0):
        board.handle(second, SiteHeard(A, DN, second))
        board.handle(second, NodeHeard(NODE, second))
        changes += board.tick(second)[0]
    (change,) = changes
    assert isinstance(change, SiteEdge)
    assert (change.conference, change.site, change.edge.after) == (A, DN, "lost")


def test_a_roster_that_grows_keeps_the_sites_that_were_there() -> None:
    board = board_with_a_good_site()
    board.handle(3.0, ConferenceOpened(A, [DN, SiteCode("92")], 3.0))
    assert states(board, 4.0) == {"a/48": "good", "a/92": "offline"}


def test_a_closed_conference_is_reported_no_more() -> None:
    board = board_with_a_good_site()
    board.handle(3.0, ConferenceClosed(A, 3.0))
    assert states(board, 4.0) == {}
    board.handle(3.0, ConferenceClosed(A, 3.0))


def test_each_nodes_age_is_in_the_report_also_when_it_is_gone() -> None:
    board = board_with_a_good_site()
    board.handle(3.5, NodeGone(NODE, 3.5))
    _, (report,) = board.tick(5.0)
    assert report.nodes == {"node-1": 2.0}


def test_a_stall_of_this_process_blames_nobody() -> None:
    board = board_with_a_good_site()
    edges, (report,) = board.tick(63.0)
    assert edges == []
    assert report.sites[DN].state == "good"
    assert report.sites[DN].consent_age_s == pytest.approx(0.6)


def test_after_a_stall_a_site_that_is_really_gone_is_found() -> None:
    board = board_with_a_good_site()
    board.tick(63.0)
    found = []
    for second in range(64, 70):
        board.handle(float(second), NodeHeard(NODE, float(second)))
        board.handle(float(second), SiteMedia(A, DN, NODE, float(second), None, None))
        edges, _ = board.tick(float(second))
        found += [change.edge.after for change in edges if isinstance(change, SiteEdge)]
    assert states(board, 70.0)["a/48"] == "lost"
    assert found.count("lost") <= 1


def test_a_clock_set_back_blames_nobody() -> None:
    board = board_with_a_good_site()
    edges, (report,) = board.tick(-3600.0)
    assert edges == []
    assert report.sites[DN].state == "good"


# --- when it is told --------------------------------------------------------------------------


def test_a_quiet_conference_is_reported_once_a_second_and_a_change_at_once() -> None:
    board = board_with_a_good_site()
    assert board.tick(3.5)[1] == []
    assert len(board.tick(4.0)[1]) == 1
    board.handle(4.2, SiteHeard(A, HN, 4.2))
    _, (report,) = board.tick(4.5)
    assert report.sites[HN].state == "connecting"
    assert board.tick(5.0)[1] == []
    assert len(board.tick(5.5)[1]) == 1


def test_ticks_that_come_a_little_late_skip_no_report() -> None:
    board = board_with_a_good_site()
    assert [len(board.tick(3.0 + 0.504 * n)[1]) for n in range(1, 7)] == [0, 1, 0, 1, 0, 1]


# --- whatever comes -------------------------------------------------------------------------------

times = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1e12, -1e12])
ages = st.none() | st.floats(-1e6, 1e6)
sites = st.sampled_from([HN, DN, SiteCode("xx")])
nodes = st.sampled_from([NODE, NodeId("node-2")])
stats = st.none() | st.builds(session, st.just("publish"), ages, ages, rtt_s=ages)
samples = st.one_of(
    st.builds(SiteHeard, st.just(A), sites, times),
    st.builds(SiteGone, st.just(A), sites, times, st.booleans()),
    st.builds(SiteMedia, st.just(A), sites, nodes, times, stats, stats),
    st.builds(SiteReported, st.just(A), sites, times, st.from_type(Report)),
    st.builds(NodeHeard, nodes, times),
    st.builds(NodeGone, nodes, times),
    st.builds(ConferenceOpened, st.just(A), st.lists(sites, max_size=3), times),
    st.builds(ConferenceClosed, st.just(B), times),
)


@given(st.lists(st.tuples(times, samples | st.none()), max_size=40))
def test_absurd_samples_and_clocks_break_nothing(script: list[tuple[float, Sample | None]]) -> None:
    board, history = Board(), History()
    board.handle(0.0, ConferenceOpened(A, [HN, DN], 0.0))
    for now, sample in script:
        if sample is not None:
            board.handle(now, sample)
        for report in board.tick(now)[1]:
            history.record(report)
            encode(report)
            for figures in report.sites.values():
                assert figures.quality is None or 0 <= figures.quality <= 1
                for age in (figures.control_age_s, figures.consent_age_s, figures.media_age_s):
                    assert age is None or age >= 0
            history.query(A, DN, now)
