"""One site, driven by a list of samples and simulated time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.health import ControlEdge, Event, SiteHealth
from signaling.wire.control import SessionState, SessionStats, StreamStats
from signaling.wire.ids import ConferenceId, Direction, NodeId, Port, Scope, SessionId, SiteCode
from signaling.wire.pages import ControlState, HealthState, Report
from signaling.wire.samples import (
    NodeGone,
    NodeHeard,
    SiteGone,
    SiteHeard,
    SiteMedia,
    SiteReported,
)

CONFERENCE, SITE = ConferenceId("hn"), SiteCode("48")
NODE, OTHER = NodeId("node-1"), NodeId("node-2")


def session(
    direction: Direction = "publish",
    consent: float | None = 0.1,
    media: float | None = 0.1,
    state: SessionState = "connected",
    **figures: object,
) -> SessionStats:
    fixed = {"session": SessionId(direction), "scope": Scope("hn"), "port": Port("48/main")}
    return SessionStats(
        **fixed | figures,  # type: ignore[arg-type]
        direction=direction,
        state=state,
        consent_age_s=consent,
        media_age_s=media,
    )


def receiving(consent: float | None = 0.1, **figures: object) -> SessionStats:
    return session("receive", consent, None, **figures)  # type: ignore[arg-type]


def lossy(loss_ratio: float, session_id: str = "publish") -> SessionStats:
    stream = StreamStats("audio", "mic", 50, 4000, 32_000.0, loss_ratio=loss_ratio)
    return session(streams=[stream], session=SessionId(session_id))


class Room:
    """A site as the tests play it: says what is heard at `now`, and notes every change."""

    def __init__(self) -> None:
        self.health = SiteHealth(0.0)
        self.now = 0.0
        self.changes: list[tuple[float, HealthState]] = []
        self.control: list[tuple[float, ControlState, HealthState]] = []
        self.causes: list[str] = []

    @property
    def state(self) -> HealthState:
        return self.health.state

    @property
    def states(self) -> list[HealthState]:
        return [state for _, state in self.changes]

    def hear(self, event: Event | None) -> None:
        for edge in self.health.handle(self.now, event):
            if isinstance(edge, ControlEdge):
                self.control.append((self.now, edge.after, edge.state))
            else:
                self.changes.append((self.now, edge.after))
                self.causes.append(edge.cause)

    def page(self) -> None:
        self.hear(SiteHeard(CONFERENCE, SITE, self.now))

    def closed(self, leaving: bool) -> None:
        self.hear(SiteGone(CONFERENCE, SITE, self.now, leaving))

    def reports(self, report: Report) -> None:
        self.hear(SiteReported(CONFERENCE, SITE, self.now, report))

    def media(
        self,
        publish: SessionStats | None = None,
        receive: SessionStats | None = None,
        node: NodeId = NODE,
    ) -> None:
        self.hear(SiteMedia(CONFERENCE, SITE, node, self.now, publish, receive))

    def node(self) -> None:
        self.hear(NodeHeard(NODE, self.now))

    def second(
        self,
        page: bool = True,
        publish: SessionStats | None = None,
        receive: SessionStats | None = None,
    ) -> None:
        """One second of a bridge node that reports; without sessions all media have ended."""
        self.now += 0.5
        self.hear(None)
        self.now += 0.5
        if page:
            self.page()
        self.node()
        self.media(publish, receive)
        self.hear(None)

    def become_good(self) -> None:
        for _ in range(3):
            self.second(publish=session())
        assert self.state == "good"

    def silent(self, seconds: int, page: bool = True, consent: bool = False) -> None:
        """Its RTP ends now; for so many seconds its node says so."""
        since = self.now
        for _ in range(seconds):
            age = self.now + 1 - since
            self.second(page, session(consent=0.5 if consent else age, media=age))


# --- coming ---------------------------------------------------------------------------------------


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


# --- silence --------------------------------------------------------------------------------------


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


# --- the control link -----------------------------------------------------------------------------


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


# --- is it me? ------------------------------------------------------------------------------------


def test_a_node_that_went_silent_blames_nobody_but_ages_grow() -> None:
    room = Room()
    room.become_good()
    for _ in range(120):
        room.now += 0.5
        room.page()
        room.hear(None)
    assert room.state == "good"
    figures = room.health.figures(room.now)
    assert figures.consent_age_s is not None
    assert figures.consent_age_s > 60
    assert figures.rtt_s is figures.bitrate_bps is figures.quality is None


def test_a_node_that_stalled_and_then_reports_what_it_missed_blames_nobody() -> None:
    room = Room()
    room.become_good()
    for _ in range(8):
        room.now += 0.5
        room.page()
        room.hear(None)
    room.media(session(consent=4.0, media=4.0))
    room.hear(None)
    room.second(publish=session())
    assert room.states == ["connecting", "good"]


def test_a_node_that_disconnected_blames_nobody() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    for wait in (3.0, 30.0):
        room.now += wait
        room.hear(None)
    assert room.state == "good"


def test_another_nodes_end_is_no_excuse() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(OTHER, room.now))
    room.silent(5)
    assert room.state == "lost"


def test_after_a_node_comes_back_empty_the_site_has_the_usual_time_to_return() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    room.now += 20.0
    back_at = room.now
    for _ in range(6):
        room.second()
    assert room.states[-1] == "lost"
    assert 3.0 <= room.changes[-1][0] - back_at <= 5.0


def test_after_a_node_comes_back_a_site_that_is_there_never_was_lost() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    room.now += 20.0
    room.second()
    for _ in range(3):
        room.second(publish=session())
    assert room.states == ["connecting", "good"]


def test_a_pardoned_site_is_not_lost_until_it_is_accused() -> None:
    room = Room()
    room.become_good()
    room.health.pardon()
    room.silent(30)
    assert room.state == "good"
    room.health.accuse(room.now)
    accused_at = room.now
    room.silent(3)
    assert room.state == "good"
    room.silent(2)
    assert room.state == "lost"
    assert room.changes[-1][0] - accused_at <= 4.5


def test_an_empty_report_of_a_node_that_does_not_serve_the_site_says_nothing() -> None:
    room = Room()
    room.become_good()
    for _ in range(10):
        room.second(publish=session())
        room.media(node=OTHER)
    assert room.state == "good"
    assert room.health.figures(room.now).bitrate_bps is None  # the session has no streams
    room.second(publish=session(rtt_s=0.02))
    room.media(node=OTHER)
    assert room.health.figures(room.now).rtt_s == 0.02


def test_forgiven_time_makes_nobody_older_and_nobody_from_the_future() -> None:
    room = Room()
    room.become_good()
    room.now += 3600.0
    room.health.forgive(room.now, 3599.0)
    room.hear(None)
    assert (room.state, room.health.control) == ("good", "good")
    room.health.forgive(room.now, 3599.0)
    assert room.health.figures(room.now).consent_age_s == 0.0


# --- good, fair, poor -----------------------------------------------------------------------------


def test_loss_that_lasts_makes_it_fair_and_heavy_loss_poor() -> None:
    room = Room()
    room.become_good()
    for _ in range(4):
        room.second(publish=lossy(0.06))
    assert room.state == "good"
    room.second(publish=lossy(0.06))
    assert room.state == "fair"
    assert "loss_ratio 0.06" in room.causes[-1]
    for _ in range(5):
        room.second(publish=lossy(0.3))
    assert room.state == "poor"
    for _ in range(7):
        room.second(publish=lossy(0.0))
    assert room.state == "poor"
    room.second(publish=lossy(0.0))
    assert room.states == ["connecting", "good", "fair", "poor", "good"]


def test_a_burst_of_loss_changes_nothing() -> None:
    room = Room()
    room.become_good()
    for _ in range(5):
        for ratio in (0.5, 0.5, 0.5, 0.5, 0.0):
            room.second(publish=lossy(ratio))
    assert room.states == ["connecting", "good"]


def test_loss_that_only_the_receiver_reports_counts_too() -> None:
    room = Room()
    room.become_good()
    got = StreamStats("video", None, 10, 1000, 99.0, loss_ratio=0.3)
    for _ in range(5):
        room.second(publish=session(), receive=receiving(streams=[got]))
    assert room.state == "poor"


def test_its_own_statistics_count_and_grow_old() -> None:
    room = Room()
    room.become_good()
    room.reports(Report(freeze_s=2.5, frames_per_s=4.0, camera=True, microphone_level=0.2))
    for _ in range(5):
        room.second(publish=session())
    figures = room.health.figures(room.now)
    assert (room.state, figures.freeze_ratio, figures.client_age_s) == ("poor", 0.5, 5.0)
    assert (figures.frames_per_s, figures.camera, figures.microphone_level) == (4.0, True, 0.2)
    for _ in range(20):
        room.second(publish=session(rtt_s=0.01))
    figures = room.health.figures(room.now)
    assert room.state == "good"
    assert figures.freeze_ratio is figures.camera is None
    assert figures.client_age_s == 25.0


def test_statistics_alone_make_no_site_alive() -> None:
    room = Room()
    room.reports(Report(rtt_s=60.0, freeze_s=60.0))
    assert room.state == "offline"
    assert room.health.figures(0.0).freeze_ratio == 1.0


def test_a_site_that_sends_but_no_longer_receives_is_poor() -> None:
    room = Room()
    for _ in range(3):
        room.second(publish=session(), receive=receiving())
    for _ in range(5):
        room.second(publish=session(), receive=receiving(state="lost"))
    assert (room.state, room.causes[-1]) == ("poor", "it sends, but receives nothing")
    for _ in range(8):
        room.second(publish=session(rtt_s=0.01), receive=receiving())
    assert room.state == "good"


def test_an_encoder_that_never_received_is_not_poor_for_it() -> None:
    room = Room()
    room.become_good()
    for _ in range(3):
        room.second(publish=lossy(0.0, "a"), receive=receiving())
    for _ in range(20):
        room.second(publish=lossy(0.0, "b"))  # another device on the seat, which only sends
    assert room.states == ["connecting", "good"]


def test_a_site_that_returns_has_a_clean_slate() -> None:
    room = Room()
    room.become_good()
    for _ in range(5):
        room.second(publish=lossy(0.5))
    assert room.state == "poor"
    room.silent(5)
    for _ in range(2):
        room.second(publish=lossy(0.9))  # all that was lost meanwhile, counted at once
    assert room.states[-2:] == ["lost", "good"]


# --- figures --------------------------------------------------------------------------------------


def test_figures_speak_of_the_worst_stream_and_of_all_bits() -> None:
    audio = StreamStats("audio", "mic", 10, 1000, 24_000.0, loss_ratio=0.0, jitter_s=0.03)
    video = StreamStats("video", "camera", 10, 1000, 120_000.0, loss_ratio=0.05, jitter_s=0.01)
    got = StreamStats("video", None, 10, 1000, 99.0, loss_ratio=0.2)
    room = Room()
    room.page()
    room.media(
        session(consent=0.5, media=0.25, rtt_s=0.04, streams=[audio, video]),
        receiving(rtt_s=0.05, streams=[got]),
    )
    figures = room.health.figures(1.0)
    assert (figures.state, figures.since) == ("connecting", 0.0)
    assert (figures.control_age_s, figures.consent_age_s, figures.media_age_s) == (1.0, 1.1, 1.25)
    assert (figures.rtt_s, figures.jitter_s, figures.bitrate_bps) == (0.04, 0.03, 144_000.0)
    assert (figures.loss_ratio, figures.receive_loss_ratio) == (0.05, 0.2)
    assert figures.quality is not None
    assert 0.3 < figures.quality < 0.6


def test_figures_of_a_site_never_heard_are_unknown_not_zero() -> None:
    figures = SiteHealth(5.0).figures(9.0)
    assert (figures.state, figures.since, figures.control) == ("offline", 5.0, "none")
    assert figures.control_age_s is figures.media_age_s is figures.loss_ratio is None
    assert figures.bitrate_bps is figures.rtt_s is figures.receive_loss_ratio is None
    assert figures.quality is None


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
