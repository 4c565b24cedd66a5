"""When a path is tried for more, how hard, and how long until the next try."""

from __future__ import annotations

from bridge.probing import (
    ASSUMED_S,
    CLIMB,
    FIRST_WAIT_S,
    LONGEST_ASSUMED_WAIT_S,
    LONGEST_WAIT_S,
    MORE_CLIMB,
    MOST_CLIMB,
    PROBE_S,
    PROVEN_S,
    Prober,
)

WANTED = 450_000.0
ESTIMATE = 340_000.0


def _pad(prober: Prober, now: float, slowed: float = 1.0, lost: int = 0) -> float:
    """Send a whole probe; its packets come stretched by that factor. Returns when it is over."""
    octets, sent, fates = 0, 0, []
    began = now
    while prober.active:
        due = prober.due(now, octets)
        while due >= 1000:
            octets, due, sent = octets + 1000, due - 1000, sent + 1
            came = None if lost and sent % lost == 0 else began + slowed * (now - began)
            fates.append((now, 1000, came))
        now += 0.01
    for fate in fates:
        prober.fate(*fate)
    return now


def _tried(prober: Prober, now: float, until: float) -> float | None:
    """When it begins the next probe."""
    while now < until:
        if prober.plan(now, ESTIMATE, WANTED, 0):
            return now
        now += 0.1
    return None


def test_nothing_is_tried_while_the_estimate_allows_what_is_wanted() -> None:
    prober = Prober(0.0)
    assert not prober.plan(5.0, WANTED, WANTED, 0)
    assert prober.due(5.1, 0) == 0


def test_what_is_sent_beside_counts_towards_the_rate() -> None:
    prober = Prober(0.0)
    assert prober.plan(0.0, ESTIMATE, WANTED, 10_000)
    wanted = round(prober.rate_bps * 0.2 / 8)
    assert prober.due(0.2, 10_000) == wanted
    assert prober.due(0.2, 14_000) == wanted - 4_000
    assert prober.due(0.2, 90_000) == 0
    assert prober.active
    assert prober.due(PROBE_S, 14_000) == 0
    assert not prober.active


def test_one_try_climbs_by_a_factor_that_failure_makes_small_and_success_large() -> None:
    prober = Prober(0.0)
    prober.plan(0.0, ESTIMATE, 5_000_000, 0)
    assert prober.rate_bps == MOST_CLIMB * ESTIMATE
    prober.cut(0.1)
    now, factors = 10.0, []
    for _ in range(4):
        prober.plan(now, ESTIMATE, 5_000_000, 0)
        factors.append(round(prober.rate_bps / ESTIMATE, 3))
        now = _pad(prober, now)
        assert prober.judge(now)
    assert factors == [CLIMB, CLIMB + MORE_CLIMB, MOST_CLIMB, MOST_CLIMB]


def test_a_path_that_carries_the_padding_is_good_for_its_rate_and_may_be_tried_at_once() -> None:
    prober = Prober(0.0)
    prober.plan(0.0, ESTIMATE, WANTED, 0)
    now = _pad(prober, 0.0, lost=20)
    outcome = prober.judge(now + 0.1)
    assert outcome is not None
    assert outcome.passed
    assert 0.85 * prober.rate_bps < outcome.rate_bps < 1.1 * prober.rate_bps
    assert prober.judge(now + 0.2) is None
    assert prober.plan(now + 0.2, outcome.rate_bps, 2 * WANTED, 0)


def test_padding_that_comes_slower_or_not_fails_and_each_failure_doubles_the_wait() -> None:
    prober, now = Prober(0.0), 0.0
    waits = []
    for slowed, lost in [(1.3, 0), (1.0, 3), (1.3, 0), (1.3, 0), (1.3, 0), (1.3, 0)]:
        began = _tried(prober, now, now + 100)
        assert began is not None
        waits.append(began - now)
        now = _pad(prober, began, slowed, lost)
        outcome = prober.judge(now)
        assert outcome is not None
        assert not outcome.passed
    expected = [0, *(min(FIRST_WAIT_S * 2**n, LONGEST_WAIT_S) for n in range(5))]
    assert all(abs(a - b) <= 0.11 for a, b in zip(waits, expected, strict=True)), waits


def test_a_gain_that_is_cut_soon_counts_as_failed_but_not_one_that_lasted() -> None:
    prober = Prober(0.0)
    prober.plan(0.0, ESTIMATE, WANTED, 0)
    now = _pad(prober, 0.0)
    assert prober.judge(now)
    prober.cut(now + 5)
    first = _tried(prober, now + 5, now + 60)
    assert first is not None
    prober.cut(first + 0.1)  # the padding itself was too much
    second = _tried(prober, first + 0.1, first + 60)
    assert second is not None
    assert second - first > 1.5 * (first - now - 5)
    now = _pad(prober, second)
    assert prober.judge(now)
    prober.plan(now + PROVEN_S, ESTIMATE, 0, 0)
    prober.cut(now + PROVEN_S + 1)
    third = _tried(prober, now + PROVEN_S + 1, now + 200)
    assert third is not None
    assert third - now - PROVEN_S - 1 < FIRST_WAIT_S + 0.2


def test_padding_ends_as_soon_as_it_makes_a_queue() -> None:
    prober = Prober(0.0)
    prober.plan(0.0, ESTIMATE, WANTED, 0)
    for step in range(10):
        now = step * 0.01
        assert prober.due(now + 0.005, 0) > 0
        # the first ones stalled with the receiver, the last ones wait in a queue
        prober.fate(now, 300, now + (0.2 if step == 0 else 0.01 * step))
    prober.heed()
    assert prober.due(0.2, 0) == 0
    assert not prober.active
    outcome = prober.judge(2.0)
    assert outcome is not None
    assert not outcome.passed


def test_padding_without_any_feedback_is_judged_in_the_end() -> None:
    prober = Prober(0.0)
    prober.plan(0.0, ESTIMATE, WANTED, 0)
    prober.due(PROBE_S, 0)
    assert prober.judge(PROBE_S + 0.1) is None
    outcome = prober.judge(PROBE_S + 5)
    assert outcome is not None
    assert not outcome.passed


def test_where_a_layer_itself_is_the_try_the_next_one_waits_for_the_reports_on_it() -> None:
    prober, now, waits = Prober(0.0), 0.0, []
    for _ in range(5):
        began = _tried(prober, now, now + 100)
        assert began is not None
        waits.append(began - now)
        prober.assume(began)
        now = began + 0.1
        prober.cut(now)
    assert prober.plan(now + 100, ESTIMATE, WANTED, 0)
    prober.assume(now + 100)
    assert not prober.plan(now + 99.9 + ASSUMED_S, ESTIMATE, WANTED, 0)
    expected = [0, *(min(FIRST_WAIT_S * 2**n, LONGEST_ASSUMED_WAIT_S) for n in range(4))]
    assert all(abs(a - b) <= 0.11 for a, b in zip(waits, expected, strict=True)), waits
