"""How bursts are spread: nothing waits outside them, and nothing for long inside."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.pacer import (
    ALL_BURST_OCTETS,
    ALL_OCTETS_PER_S,
    BURST_OCTETS,
    MAX_WAIT_S,
    STEP_S,
    LinkPacer,
    Spreader,
)

PACKET = 1200


def drain(pacer: LinkPacer, octets: int, at: float = 0.0) -> list[tuple[float, int]]:
    """What leaves when, of so many octets that came at once, in steps."""
    left, now, waiting = [], at, octets
    while waiting:
        allowance = pacer.allowance(now, waiting, at)
        sent = 0
        while waiting > sent < allowance:
            sent += PACKET
        pacer.spent(sent)
        waiting = max(0, waiting - sent)
        if sent:
            left.append((now - at, sent))
        now += STEP_S
    return left


def test_a_usual_picture_leaves_at_once():
    assert drain(LinkPacer(0.0), 9 * PACKET) == [(0.0, 9 * PACKET)]


def test_pictures_of_a_fast_stream_never_wait():
    pacer = LinkPacer(0.0)
    for n in range(200):  # 12.5 Mbit/s, in pictures of 15.6 kB
        assert drain(pacer, BURST_OCTETS, n / 100)[-1][0] == 0.0


def test_a_keyframe_is_spread_over_the_links_pace():
    left = drain(LinkPacer(0.0), 48_000)
    assert left[0] == (0.0, BURST_OCTETS)
    assert len(left) > 3
    assert 0.004 < left[-1][0] <= MAX_WAIT_S


@given(st.integers(1, 400), st.floats(1e4, 1e9))
def test_whatever_the_pace_nothing_waits_longer_than_that(packets: int, bps: float):
    pacer = LinkPacer(0.0)
    pacer.pace(bps)
    left = drain(pacer, packets * PACKET)
    assert left[-1][0] <= MAX_WAIT_S + STEP_S
    assert sum(sent for _, sent in left) == packets * PACKET


def test_a_slow_link_gets_a_keyframe_in_even_parts_not_at_the_last_moment():
    pacer = LinkPacer(0.0)
    pacer.pace(400_000)
    parts = [sent for _, sent in drain(pacer, 48_000)][1:]
    assert max(parts) <= 4 * PACKET


def test_all_links_together_are_held_to_one_pace():
    spreader = Spreader()
    spreader.refill(5.0)
    assert spreader.credit == ALL_BURST_OCTETS
    spreader.credit = -1000.0
    spreader.refill(5.0 + STEP_S)
    assert abs(spreader.credit - (STEP_S * ALL_OCTETS_PER_S - 1000)) < 1
    spreader.refill(6.0)
    assert spreader.credit == ALL_BURST_OCTETS
