"""One site, driven by a list of samples and simulated time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.health import Event, SiteHealth
from signaling.wire.control import SessionStats, StreamStats
from signaling.wire.ids import ConferenceId, Direction, NodeId, Port, Scope, SessionId, SiteCode
from signaling.wire.pages import HealthState
from signaling.wire.samples import NodeGone, NodeHeard, SiteGone, SiteHeard, SiteMedia

CONFERENCE, SITE = ConferenceId("hn"), SiteCode("48")
NODE, OTHER = NodeId("node-1"), NodeId("node-2")


def session(
    direction: Direction = "publish",
    consent: float | None = 0.1,
    media: float | None = 0.1,
    **figures: object,
) -> SessionStats:
    fixed = {"session": SessionId(direction), "scope": Scope("hn"), "port": Port("48/main")}
    return SessionStats(
        **fixed,  # type: ignore[arg-type]
        direction=direction,
        state="connected",
        consent_age_s=consent,
        media_age_s=media,
        **figures,  # type: ignore[arg-type]
    )


def receiving(consent: float | None = 0.1) -> SessionStats:
    return session("receive", consent, None)


class Room:
    """A site as the tests play it: says what is heard at `now`, and notes every change."""

    def __init__(self) -> None:
        self.health = SiteHealth(0.0)
        self.now = 0.0
        self.changes: list[tuple[float, HealthState]] = []

    @property
    def state(self) -> HealthState:
        return self.health.state

    def hear(self, event: Event | None) -> None:
        for edge in self.health.handle(self.now, event):
            self.changes.append((self.now, edge.after))

    def page(self) -> None:
        self.hear(SiteHeard(CONFERENCE, SITE, self.now))

    def closed(self, leaving: bool) -> None:
        self.hear(SiteGone(CONFERENCE, SITE, self.now, leaving))

    def media(
        self,
        publish: SessionStats | None = None,
        receive: SessionStats | None = None,
        node: NodeId = NODE,
    ) -> None:
        self.hear(SiteMedia(CONFERENCE, SITE, node, self.now, publish, receive))

    def node(self) -> None:
        self.hear(NodeHeard(NODE, self.now))

    def second(self, page: bool = True, publish: SessionStats | None = None) -> None:
        """One second of a bridge node that reports; without `publish` all media have ended."""
        self.now += 1.0
        if page:
            self.page()
        self.node()
        self.media(publish)
        self.hear(None)

    def become_good(self) -> None:
        for _ in range(3):
            self.second(publish=session())
        assert self.state == "good"


def test_a_site_of_which_nothing_was_heard_is_offline() -> None:
    room = Room()
    room.now = 1000.0
    room.hear(None)
    assert (room.state, room.changes) == ("offline", [])


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
    assert room.state == "good"


def test_a_page_that_goes_silent_before_any_media_is_offline_after_six_seconds() -> None:
    room = Room()
    room.page()
    room.now = 5.9
    room.hear(None)
    assert room.state == "connecting"
    assert room.health.next_deadline() == 6.0
    room.now = 6.0
    room.hear(None)
    assert room.state == "offline"


def test_a_receiver_that_publishes_nothing_is_good_while_its_consent_is_fresh() -> None:
    room = Room()
    for _ in range(2):
        room.now += 1.0
        room.page()
        room.media(receive=receiving())
    assert room.state == "good"
    for _ in range(5):
        room.now += 1.0
        room.node()
        room.media(receive=receiving(consent=room.now - 2.0))
    assert room.changes[-1] == (6.0, "lost")


def test_consent_silent_for_four_seconds_is_lost() -> None:
    room = Room()
    room.become_good()
    silent_since = room.now
    while room.state == "good":
        room.second(publish=session(consent=room.now + 1 - silent_since))
    assert room.now - silent_since == 4.0


def test_rtp_silent_for_four_seconds_is_lost_even_with_fresh_consent() -> None:
    room = Room()
    room.become_good()
    silent_since = room.now
    while room.state == "good":
        room.second(publish=session(media=room.now + 1 - silent_since))
    assert room.now - silent_since == 4.0


def test_three_seconds_of_silence_change_nothing() -> None:
    room = Room()
    room.become_good()
    for silent in (1.0, 2.0):
        room.second(publish=session(consent=silent, media=silent))
    room.second(publish=session())
    assert [state for _, state in room.changes] == ["connecting", "good"]


def test_page_and_media_gone_without_leaving_is_lost_and_stays_lost() -> None:
    room = Room()
    room.become_good()
    room.closed(leaving=False)
    for _ in range(60):
        room.second(page=False)
    assert [state for _, state in room.changes] == ["connecting", "good", "lost"]


def test_publishing_ended_while_it_still_receives_is_lost() -> None:
    room = Room()
    room.become_good()
    for _ in range(5):
        room.now += 1.0
        room.page()
        room.node()
        room.media(receive=receiving())
    assert room.state == "lost"


def test_lost_becomes_good_again_after_two_good_reports() -> None:
    room = Room()
    room.become_good()
    for silent in range(1, 8):
        room.second(publish=session(consent=float(silent)))
    assert room.state == "lost"
    room.second(publish=session())
    assert room.state == "lost"
    room.second(publish=session())
    assert room.state == "good"


def test_a_site_that_leaves_is_offline_at_once_and_may_come_back() -> None:
    room = Room()
    room.become_good()
    room.closed(leaving=True)
    assert room.state == "offline"
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
    for _ in range(6):
        room.second()
    assert room.state == "lost"
    room.closed(leaving=True)
    assert room.state == "offline"


def test_a_node_that_went_silent_blames_nobody_but_ages_grow() -> None:
    room = Room()
    room.become_good()
    for _ in range(60):
        room.now += 1.0
        room.page()
        room.hear(None)
    assert room.state == "good"
    figures = room.health.figures(room.now)
    assert figures.consent_age_s is not None
    assert figures.consent_age_s > 60
    assert figures.rtt_s is None
    assert figures.bitrate_bps is None


def test_a_node_that_disconnected_blames_nobody() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    room.now += 3.0
    room.hear(None)
    room.now += 30.0
    room.hear(None)
    assert room.state == "good"


def test_another_nodes_end_is_no_excuse() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(OTHER, room.now))
    for silent in range(1, 6):
        room.second(publish=session(consent=float(silent)))
    assert room.state == "lost"


def test_after_a_node_comes_back_empty_the_site_has_the_usual_time_to_return() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    room.now += 20.0
    back_at = room.now
    while room.state == "good":
        room.second()
    assert 3.0 <= room.now - back_at <= 5.0
    assert room.state == "lost"


def test_after_a_node_comes_back_a_site_that_is_there_never_was_lost() -> None:
    room = Room()
    room.become_good()
    room.hear(NodeGone(NODE, room.now))
    room.now += 20.0
    room.second()
    for _ in range(3):
        room.second(publish=session())
    assert [state for _, state in room.changes] == ["connecting", "good"]


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
    assert room.state == "good"
    room.health.forgive(room.now, 3599.0)
    assert room.health.figures(room.now).consent_age_s == 0.0


def test_figures_speak_of_the_worst_stream_and_of_all_bits() -> None:
    audio = StreamStats("audio", "mic", 10, 1000, 24_000.0, loss_ratio=0.0, jitter_s=0.03)
    video = StreamStats("video", "camera", 10, 1000, 120_000.0, loss_ratio=0.05, jitter_s=0.01)
    got = StreamStats("video", None, 10, 1000, 99.0, loss_ratio=0.2)
    room = Room()
    room.page()
    room.media(
        session(consent=0.5, media=0.25, rtt_s=0.04, streams=[audio, video]),
        session("receive", 0.1, None, rtt_s=0.05, streams=[got]),
    )
    figures = room.health.figures(1.0)
    assert (figures.state, figures.since) == ("connecting", 0.0)
    assert (figures.control_age_s, figures.consent_age_s, figures.media_age_s) == (1.0, 1.1, 1.25)
    assert (figures.rtt_s, figures.jitter_s, figures.bitrate_bps) == (0.04, 0.03, 144_000.0)
    assert (figures.loss_ratio, figures.receive_loss_ratio) == (0.05, 0.2)


def test_figures_of_a_site_never_heard_are_unknown_not_zero() -> None:
    figures = SiteHealth(5.0).figures(9.0)
    assert (figures.state, figures.since) == ("offline", 5.0)
    assert figures.control_age_s is figures.media_age_s is figures.loss_ratio is None
    assert figures.bitrate_bps is figures.rtt_s is figures.receive_loss_ratio is None


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
            before = room.state
            room.hear(None)
            assert room.state == before
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
