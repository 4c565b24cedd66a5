"""One site, driven by a list of samples and simulated time: its states and its control link."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.wire.control import SessionStats
from signaling.wire.samples import NodeGone
from tests.monitor.room import NODE, Room, receiving, session

# --- coming -------------------------------------------------------------------------------------


def test_a_site_of_which_nothing_was_heard_is_offline() -> None:
    room = Room()
    room.now = 1000.0
    room.hear(None)
    assert (room.state, room.health.control, room.changes) == ("offline", "none", [])


def test_a_page_makes_it_connecting_and_two_good_reports_make_it_good() -> None:
    room = Room()
    room.page()
    assert room.state == "connecting"
    room.second(publish=session(consent=None, media=None))
    room.second(publish=session(media=None))
    room.second(publish=session())
    assert room.state == "connecting"
    room.second(publish=session())
    assert room.changes == [(0.0, "connecting"), (4.0, "good")]


def test_one_bad_report_between_begins_the_count_anew() -> None:
    room = Room()
    room.second(publish=session())
    room.second()
    room.second(publish=session())
    assert room.state == "connecting"
    room.second(publish=session())
    assert room.state == "good"


def test_an_encoder_without_a_page_becomes_good_by_its_media_alone() -> None:
    room = Room()
    room.second(page=False, publish=session())
    assert room.state == "connecting"
    room.second(page=False, publish=session())
    assert (room.state, room.health.control) == ("good", "none")


def test_a_page_that_goes_silent_before_any_media_is_offline() -> None:
    room = Room()
    room.page()
    room.now = 4.4
    room.hear(None)
    assert room.state == "connecting"
    assert room.health.next_deadline() == 4.5
    room.now = 4.5
    room.hear(None)
    assert room.state == "offline"


# --- silence ------------------------------------------------------------------------------------


def test_rtp_silent_for_three_and_a_half_seconds_is_lost_even_with_fresh_consent() -> None:
    room = Room()
    room.become_good()
    silent_since = room.now
    room.silent(5, consent=True)
    assert room.changes[-1] == (silent_since + 3.5, "lost")
    assert room.causes[-1] == "no RTP, though ICE consent is fresh"


def test_without_rtp_and_consent_the_cause_says_so() -> None:
    room = Room()
    room.become_good()
    room.silent(12)
    assert room.causes[-1] in ("no RTP, though ICE consent is fresh", "neither RTP nor ICE consent")
    assert room.states[-1] == "lost"


def test_consent_may_be_old_while_rtp_comes() -> None:
    room = Room()
    room.become_good()
    for age in range(30):
        room.second(publish=session(consent=float(age)))
    assert room.state == "good"


def test_a_receiver_that_publishes_nothing_lives_by_its_consent() -> None:
    room = Room()
    for _ in range(2):
        room.second(receive=receiving())
    assert room.state == "good"
    consent_at = room.now - 0.1
    for _ in range(6):
        room.second(receive=receiving(consent=room.now + 1 - consent_at))
    assert room.state == "good"
    for _ in range(2):
        room.second(receive=receiving(consent=room.now + 1 - consent_at))
    assert (room.state, room.causes[-1]) == ("lost", "no ICE consent")


def test_two_reports_of_silence_change_nothing() -> None:
    room = Room()
    room.become_good()
    room.silent(2)
    room.second(publish=session())
    assert room.states == ["connecting", "good"]


def test_page_and_media_gone_without_leaving_is_lost_and_stays_lost() -> None:
    room = Room()
    room.become_good()
    room.closed(leaving=False)
    for _ in range(60):
        room.second(page=False)
    assert room.states == ["connecting", "good", "lost"]
    assert room.health.control == "lost"


def test_publishing_ended_while_it_still_receives_is_lost() -> None:
    room = Room()
    room.become_good()
    for _ in range(5):
        room.second(receive=receiving())
    assert room.state == "lost"


def test_lost_becomes_good_again_after_two_good_reports() -> None:
    room = Room()
    room.become_good()
    room.silent(7)
    assert room.state == "lost"
    room.second(publish=session())
    assert room.state == "lost"
    room.second(publish=session())
    assert room.state == "good"


def test_a_site_that_leaves_is_offline_at_once_and_may_come_back() -> None:
    room = Room()
    room.become_good()
    room.closed(leaving=True)
    assert (room.state, room.health.control) == ("offline", "none")
    room.media(session())
    assert room.state == "offline"
    room.media()
    room.now += 10
    room.second(publish=session())
    room.second(publish=session())
    assert room.state == "good"


def test_a_lost_site_that_leaves_is_offline() -> None:
    room = Room()
    room.become_good()
    room.silent(6)
    assert room.state == "lost"
    room.closed(leaving=True)
    assert room.state == "offline"


# --- the control link ---------------------------------------------------------------------------


def test_control_lost_is_told_apart_from_media() -> None:
    room = Room()
    room.become_good()
    closed_at = room.now
    room.closed(leaving=False)
    for _ in range(10):
        room.second(page=False, publish=session())
    assert room.states == ["connecting", "good"]
    assert room.control[1:] == [(closed_at + 4.5, "lost", "good")]
    figures = room.health.figures(room.now)
    assert (figures.state, figures.control, figures.control_age_s) == ("good", "lost", 10.0)


def test_one_missing_heartbeat_is_no_lost_control() -> None:
    room = Room()
    room.become_good()
    for _ in range(4):
        room.second(page=False, publish=session())
    room.page()
    assert [control for _, control, _ in room.control] == ["good"]


def test_control_is_good_again_with_its_first_frame() -> None:
    room = Room()
    room.become_good()
    for _ in range(6):
        room.second(page=False, publish=session())
    room.page()
    assert room.control[-1] == (room.now, "good", "good")


ages = st.none() | st.floats(0, 20)
sessions = st.none() | st.builds(session, st.just("publish"), ages, ages)
happenings = st.tuples(
    st.floats(0, 8), st.sampled_from(["page", "gone", "leave", "node", "cut", "media"]), sessions
)


@given(st.lists(happenings, max_size=30))
def test_between_events_silence_changes_nothing_before_the_deadline(
    script: list[tuple[float, str, SessionStats | None]],
) -> None:
    room = Room()
    for wait, what, publish in script:
        deadline = room.health.next_deadline()
        room.now += wait
        if deadline is None or room.now < deadline - 1e-6:
            before = (room.state, room.health.control)
            room.hear(None)
            assert (room.state, room.health.control) == before
        match what:
            case "page":
                room.page()
            case "gone" | "leave":
                room.closed(leaving=what == "leave")
            case "node":
                room.node()
            case "cut":
                room.hear(NodeGone(NODE, room.now))
            case _:
                room.media(publish)
        if what == "leave":
            assert room.state == "offline"
