"""Sharing a budget among slots: priority, never over it, and nothing that flaps."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bridge.budget import (
    HEADROOM,
    NO_CEILING,
    NOMINAL_BPS,
    UPGRADE_AFTER_S,
    Budget,
    Cap,
    Want,
    by_priority,
    cost_bps,
    fit,
    opened,
)
from signaling.wire.ids import SlotName

PAGE = ((0, 120_000.0), (1, 400_000.0), (2, 1_200_000.0))
ONE = ((0, 1_200_000.0),)
THUMB = ((0, 120_000.0),)
AUDIO = 50_000.0


def _want(name: str, layers: tuple[tuple[int, float], ...] = PAGE) -> Want:
    return Want(SlotName(name), layers)


layer_sets = st.lists(st.floats(1_000, 3e6), max_size=3).map(
    lambda rates: tuple(enumerate(sorted(rates)))
)
names = st.lists(
    st.sampled_from([f"{kind}:{n}" for kind in ("stage", "preview", "thumb") for n in (1, 2, 3)]),
    unique=True,
    max_size=9,
)


@st.composite
def _wants(draw: st.DrawFn) -> list[Want]:
    return [_want(name, draw(layer_sets)) for name in draw(names)]


def _total(wants: list[Want], caps: dict[SlotName, Cap]) -> float:
    return sum(cost_bps(want, caps[want.slot]) for want in wants)


def _heights(wants: list[Want], caps: dict[SlotName, Cap]) -> tuple[list[bool], list[int]]:
    """Which pictures there are, by priority, and how good each is."""
    ordered = [caps[want.slot] for want in by_priority(wants) if want.layers]
    return [cap is not None for cap in ordered], [-1 if cap is None else cap for cap in ordered]


def test_pictures_at_all_come_before_better_ones_and_the_stage_before_the_wall() -> None:
    wants = [_want("thumb:1", THUMB), _want("preview:1"), _want("stage:1"), _want("stage:2")]

    def caps(budget_bps: float) -> list[Cap]:
        found = fit(budget_bps, AUDIO, wants, {})
        names = ("stage:1", "stage:2", "preview:1", "thumb:1")
        return [found[SlotName(name)] for name in names]

    assert caps(60_000) == [None, None, None, None]
    assert caps(180_000) == [0, None, None, None]
    assert caps(300_000) == [0, 0, None, None]
    assert caps(531_000) == [0, 0, 0, 0]
    assert caps(820_000) == [1, 0, 0, 0]
    assert caps(1_700_000) == [2, 0, 0, 0]
    assert caps(2_000_000) == [2, 1, 0, 0]
    assert caps(4_000_000) == [2, 2, 2, 0]


def test_a_layer_that_is_switched_off_costs_what_it_would() -> None:
    want = _want("stage:1", ((0, 120_000.0), (2, 0.0)))
    assert fit(AUDIO + NOMINAL_BPS[2] - 1, AUDIO, [want], {}) == {want.slot: 0}
    assert fit(AUDIO + NOMINAL_BPS[2] + 1, AUDIO, [want], {}) == {want.slot: 2}


@given(_wants(), st.floats(0, 1e7), st.floats(0, 3e5))
def test_the_budget_is_never_exceeded_unless_by_sound_alone(
    wants: list[Want], budget_bps: float, audio_bps: float
) -> None:
    caps = fit(budget_bps, audio_bps, wants, {})
    total = _total(wants, caps)
    assert total == 0 or total + audio_bps <= budget_bps * (1 + 1e-9)


@given(_wants(), st.floats(0, 1e7), st.floats(0, 1e7))
def test_more_budget_is_never_worse(wants: list[Want], one: float, other: float) -> None:
    less, more = sorted((one, other))
    there, good = _heights(wants, fit(less, AUDIO, wants, {}))
    there_then, good_then = _heights(wants, fit(more, AUDIO, wants, {}))
    assert there_then >= there
    if there_then == there:
        assert good_then >= good


@given(st.lists(st.tuples(_wants(), st.floats(0, 1e7), st.floats(0.1, 5)), min_size=1, max_size=12))
def test_whatever_happens_a_decision_is_within_the_budget_and_lasts(
    steps: list[tuple[list[Want], float, float]],
) -> None:
    budget, now = Budget(), 0.0
    for wants, budget_bps, passed_s in steps:
        now += passed_s
        made = budget.allocate(now, budget_bps, AUDIO, wants)
        assert made.cost_bps <= max(budget_bps, AUDIO) * (1 + 1e-9)
        assert set(made.caps) == {want.slot for want in wants}
    # with nothing new, it comes to rest, and stays there
    last = []
    for _ in range(40):
        now += 30
        last.append(dict(budget.allocate(now, budget_bps, AUDIO, wants).caps))
    assert all(caps == last[20] for caps in last[20:])


def test_less_is_decided_at_once_and_more_after_a_while_with_headroom() -> None:
    budget = Budget()
    wants = [_want("stage:1")]

    def cap(now: float, budget_bps: float) -> Cap:
        return budget.allocate(now, budget_bps, AUDIO, wants).caps[wants[0].slot]

    assert cap(0.0, 5e6) == 2
    assert cap(0.1, 500_000) == 1
    assert cap(0.2, 300_000) == 0
    assert cap(0.3, 150_000) is None
    # it would fit, but only just
    assert cap(1.0, 175_000) is None
    assert cap(60.0, 175_000) is None
    assert cap(61.0, 5e6) is None
    assert cap(61.0 + 3 * UPGRADE_AFTER_S, 5e6) == 2


def test_the_stage_is_not_kept_waiting_while_new_pictures_of_the_wall_are_shown() -> None:
    budget, stage = Budget(), SlotName("stage:1")
    wants, now = [_want("stage:1", ONE)], 0.0
    for budget_bps in 3 * [5e6, 1e6]:
        for _ in range(20):
            budget.allocate(now, budget_bps, AUDIO, wants)
            now += 0.5
    # it has lost what it gained again and again
    assert budget.allocate(now + 5, 5e6, AUDIO, wants).caps[stage] is None
    wants += [_want(f"thumb:{n}", THUMB) for n in range(1, 21)]
    for passed_s in (10.0, 10.0 + UPGRADE_AFTER_S):
        made = budget.allocate(now + passed_s, 3e6, AUDIO, wants)
    assert made.caps[stage] == 0
    assert any(cap is None for cap in made.caps.values())


def test_what_is_not_all_that_is_wanted_says_how_much_more_is_needed() -> None:
    budget = Budget()
    made = budget.allocate(0.0, 300_000, AUDIO, [_want("stage:1"), _want("thumb:1", THUMB)])
    assert made.next_bps is not None
    assert 570_000 < made.next_bps < 700_000
    bare = Budget().allocate(0.0, 180_000, AUDIO, [_want("stage:1"), _want("thumb:1", THUMB)])
    assert bare.next_bps is not None
    # the missing picture, before a better one
    assert 290_000 < bare.next_bps < 350_000
    assert Budget().allocate(0.0, 5e6, AUDIO, [_want("stage:1")]).next_bps is None


def test_a_source_with_other_layers_is_decided_at_once() -> None:
    budget = Budget()
    slot = SlotName("stage:1")
    assert budget.allocate(0.0, 400_000, AUDIO, [_want("stage:1", ONE)]).caps[slot] is None
    assert budget.allocate(0.1, 400_000, AUDIO, [_want("stage:1", ())]).caps[slot] is None
    assert budget.allocate(0.2, 400_000, AUDIO, [_want("stage:1")]).caps[slot] == 0
    assert budget.allocate(0.3, 400_000, AUDIO, [_want("stage:1", ONE)]).caps[slot] is None


def test_an_empty_slot_costs_nothing_and_has_no_ceiling_yet() -> None:
    made = Budget().allocate(0.0, 60_000, AUDIO, [_want("stage:1", ())])
    assert made.caps[SlotName("stage:1")] == NO_CEILING
    assert made.cost_bps == AUDIO


def test_an_estimate_that_sways_does_not_make_pictures_flap() -> None:
    """However it sways around what a layer costs, ever fewer changes."""
    for seed in range(5):
        rng, budget, wants = random.Random(seed), Budget(), [_want("stage:1")]
        caps, changes = [], 0
        for step in range(1200):
            budget_bps = 450_000 * (1 + 0.35 * rng.uniform(-1, 1))
            if step % 60 < 30:
                budget_bps *= 1.3
            made = budget.allocate(step * 0.5, budget_bps, AUDIO, wants).caps[wants[0].slot]
            changes += bool(caps) and made != caps[-1]
            caps.append(made)
        assert changes <= 24, (seed, changes)


def test_an_unknown_line_begins_with_all_lowest_layers_and_better_ones_within_the_budget() -> None:
    wants = [_want("stage:1"), _want("thumb:1", THUMB), _want("preview:1", ())]
    begun = opened(0.0, AUDIO, wants)
    assert begun.caps == {"stage:1": 0, "thumb:1": 0, "preview:1": 0}
    assert begun.cost_bps == 290_000.0
    assert begun.next_bps == 570_000.0 * HEADROOM
    assert opened(570_000.0, AUDIO, wants).caps == {"stage:1": 1, "thumb:1": 0, "preview:1": 0}
