"""What is made of what was heard: figures, grades, and whose fault a silence is."""

from __future__ import annotations

from monitor.health import SiteHealth
from signaling.wire.control import StreamStats
from signaling.wire.pages import Report
from signaling.wire.samples import NodeGone
from tests.monitor.room import NODE, OTHER, Room, lossy, receiving, session

# --- is it me? ----------------------------------------------------------------------------------


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


# --- good, fair, poor ---------------------------------------------------------------------------


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


# --- figures ------------------------------------------------------------------------------------


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


def test_a_layer_that_rests_says_nothing_of_the_path() -> None:
    low = StreamStats(
        "video", "camera", 10, 1000, 120_000.0, loss_ratio=0.01, jitter_s=0.002, layer="q"
    )
    high = StreamStats("video", "camera", 10, 1000, 0.0, loss_ratio=0.5, jitter_s=0.2, layer="f")
    room = Room()
    room.page()
    room.media(session(consent=0.5, media=0.25, streams=[low, high]), receiving())
    figures = room.health.figures(1.0)
    assert (figures.loss_ratio, figures.jitter_s) == (0.01, 0.002)
    assert figures.bitrate_bps == 120_000.0


def test_a_site_that_sends_nothing_now_shows_what_it_had() -> None:
    silent = StreamStats("video", "camera", 10, 1000, 0.0, loss_ratio=0.25, jitter_s=0.03)
    room = Room()
    room.page()
    room.media(session(consent=0.5, media=0.25, streams=[silent]), receiving())
    assert room.health.figures(1.0).loss_ratio == 0.25


def test_figures_of_its_microphone_are_as_its_node_hears_it() -> None:
    heard = {"level_dbov": -31.0, "heard": True, "clipping_ratio": 0.02, "floor": 3}
    mic = StreamStats("audio", "mic", 10, 1000, 24_000.0, **heard)
    camera = StreamStats("video", "camera", 10, 1000, 120_000.0)
    room = Room()
    room.media(session(consent=0.5, media=0.25, streams=[camera, mic]))
    figures = room.health.figures(1.0)
    assert (figures.mic_level_dbov, figures.mic_heard) == (-31.0, True)
    assert (figures.mic_clipping_ratio, figures.floor_position) == (0.02, 3)
    room.media(session(consent=0.5, media=0.25, streams=[camera]))
    figures = room.health.figures(1.0)
    assert figures.mic_level_dbov is figures.mic_heard is figures.floor_position is None


def test_figures_of_a_site_never_heard_are_unknown_not_zero() -> None:
    figures = SiteHealth(5.0).figures(9.0)
    assert (figures.state, figures.since, figures.control) == ("offline", 5.0, "none")
    assert figures.control_age_s is figures.media_age_s is figures.loss_ratio is None
    assert figures.bitrate_bps is figures.rtt_s is figures.receive_loss_ratio is None
    assert figures.quality is None
