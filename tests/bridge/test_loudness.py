"""What a microphone's packets say of it: voice, silence, nothing, and too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.loudness import (
    GONE_AFTER_S,
    HEARD_AFTER_S,
    QUIET_DBOV,
    UNHEARD_AFTER_S,
    VOICE_DBOV,
    Loudness,
)

FRAME_S = 0.02


def _say(loudness: Loudness, now: float, dbov: int | None, seconds: float) -> float:
    """Packets of one level; returns when the next would come."""
    for _ in range(round(seconds / FRAME_S)):
        loudness.packet(now, None if dbov is None else -dbov)
        now += FRAME_S
    return now


def test_voice_is_loud_within_its_first_word_and_fades_within_a_second() -> None:
    loudness = Loudness()
    now = _say(loudness, 0.0, -127, 1.0)
    assert loudness.smoothed == QUIET_DBOV
    now = _say(loudness, now, -25, 0.1)
    assert loudness.smoothed > VOICE_DBOV
    now = _say(loudness, now, -25, 0.5)
    assert loudness.smoothed == pytest.approx(-25, abs=0.5)
    _say(loudness, now, -127, 1.0)
    assert loudness.smoothed < VOICE_DBOV - 20


def test_somebody_is_heard_after_a_while_of_voice_and_until_a_while_without() -> None:
    loudness = Loudness()
    now = _say(loudness, 0.0, -30, HEARD_AFTER_S - FRAME_S)
    assert loudness.heard(now) is False
    now = _say(loudness, now, -30, 3 * FRAME_S)
    assert loudness.heard(now) is True
    now = _say(loudness, now, -127, UNHEARD_AFTER_S - 0.1)
    assert loudness.heard(now) is True
    now = _say(loudness, now, -127, 0.2)
    assert loudness.heard(now) is False
    now = _say(loudness, now, -30, HEARD_AFTER_S - FRAME_S)
    assert loudness.heard(now) is False


def test_speech_with_its_gaps_is_heard_and_knocks_are_not() -> None:
    speech, knocks = Loudness(), Loudness()
    now = 0.0
    for _ in range(10):
        _say(knocks, _say(knocks, now, -10, 0.08), -127, 0.92)
        middle = _say(speech, now, -28, 0.6)
        now = _say(speech, middle, -60, 0.4)
        assert knocks.heard(now) is False
    assert speech.heard(now) is True


def test_who_speaks_into_gaps_of_silence_that_was_left_out_is_heard() -> None:
    loudness = Loudness()
    now = 0.0
    for _ in range(5):
        loudness.packet(now, 127)
        now += 0.2
    assert loudness.heard(now) is False
    assert loudness.comes(now)
    now = _say(loudness, now, -30, 0.4)
    assert loudness.heard(now) is True


def test_a_single_loud_packet_after_a_long_gap_is_no_voice_yet() -> None:
    loudness = Loudness()
    loudness.packet(0.0, 127)
    loudness.packet(60.0, 0)
    assert loudness.smoothed < VOICE_DBOV + 30
    assert loudness.heard(60.0) is False


def test_silence_is_a_level_and_no_packets_is_none() -> None:
    loudness = Loudness()
    assert (loudness.take_level(), loudness.heard(0.0), loudness.comes(0.0)) == (None, None, False)
    now = _say(loudness, 0.0, -127, 0.5)
    assert (loudness.take_level(), loudness.heard(now)) == (-127.0, False)
    assert loudness.comes(now)
    later = now + GONE_AFTER_S + 0.1
    assert (loudness.take_level(), loudness.comes(later)) == (None, False)
    assert loudness.heard(later) is False


def test_packets_that_state_nothing_leave_the_level_unknown() -> None:
    loudness = Loudness()
    now = _say(loudness, 0.0, None, 1.0)
    assert loudness.comes(now)
    assert not loudness.stated(now)
    assert loudness.heard(now) is None
    assert (loudness.take_level(), loudness.take_clipping()) == (None, None)


def test_the_level_told_is_the_loudest_since_it_was_last_told() -> None:
    loudness = Loudness()
    _say(loudness, _say(loudness, 0.0, -30, 0.1), -70, 0.4)
    assert loudness.take_level() == -30
    _say(loudness, 1.0, -70, 0.4)
    assert loudness.take_level() == -70


def test_clipping_is_the_share_of_packets_at_the_end_of_the_scale() -> None:
    loudness = Loudness()
    now = _say(loudness, 0.0, -3, 1.0)
    assert loudness.take_clipping() == 0.0
    now = _say(loudness, now, -1, 1.0)
    assert loudness.take_clipping() == pytest.approx(0.5, abs=0.1)
    for _ in range(20):
        now = _say(loudness, now, -20, 1.0)
        ratio = loudness.take_clipping()
    assert ratio == pytest.approx(0.0, abs=0.01)
    for _ in range(60):
        ratio = loudness.take_clipping()
    assert ratio is None


@given(
    st.lists(st.tuples(st.floats(0, 100), st.one_of(st.none(), st.integers(0, 127))), max_size=80)
)
def test_whatever_is_stated_and_whenever_figures_stay_in_their_ranges(
    packets: list[tuple[float, int | None]],
) -> None:
    loudness = Loudness()
    now = 100.0
    for pause, level in packets:
        now += pause
        loudness.packet(now, level)
        assert QUIET_DBOV <= loudness.smoothed <= 0
        assert loudness.heard(now) in (None, True, False)
    ratio, level_dbov = loudness.take_clipping(), loudness.take_level()
    assert ratio is None or 0 <= ratio <= 1
    assert level_dbov is None or -127 <= level_dbov <= 0


def test_what_another_node_says_counts_as_stated() -> None:
    loudness = Loudness()
    loudness.packet(1.0, None)
    assert not loudness.stated(1.0)

    loudness.told(1.0, -30.0)

    assert loudness.stated(1.5)
    assert loudness.smoothed == -30.0
    loudness.told(2.0, -1000.0)
    assert loudness.smoothed == QUIET_DBOV
