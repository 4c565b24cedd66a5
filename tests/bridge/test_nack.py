"""Which packets are asked for, and when, in simulated time."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.nack import MAX_AGE_S, MAX_GAP, MAX_MISSING, MAX_REQUESTS, REORDER_S, RETRY_S, Losses

SOON = 2 * REORDER_S


def fed(*sequences):
    losses = Losses()
    for sequence in sequences:
        losses.received(0.0, sequence)
    return losses


def test_nothing_is_asked_of_a_whole_stream():
    losses = fed(65_534, 65_535, 0, 1)
    assert losses.next_deadline() is None
    assert losses.due(SOON, 0.0) == []


def test_a_gap_is_asked_for_after_the_time_for_reordering():
    losses = fed(65_534, 1)
    assert losses.next_deadline() == REORDER_S
    assert losses.due(REORDER_S / 2, 0.0) == []
    assert losses.due(SOON, 0.0) == [65_535, 0]


def test_overtaken_packet_is_not_asked_for():
    losses = fed(1, 3, 2)
    assert losses.next_deadline() is None
    assert losses.due(SOON, 0.0) == []


def test_a_repeated_packet_changes_nothing():
    losses = fed(1, 2, 2, 1, 3)
    assert losses.next_deadline() is None


def test_request_is_repeated_at_the_pace_of_the_round_trip_until_the_packet_comes():
    losses = fed(1, 3)
    assert losses.due(SOON, 0.2) == [2]
    assert losses.next_deadline() == SOON + 0.2
    assert losses.due(SOON + RETRY_S, 0.2) == []
    assert losses.due(SOON + 0.2, 0.0) == [2]
    assert losses.next_deadline() == SOON + 0.2 + RETRY_S
    losses.received(0.3, 2)
    assert losses.next_deadline() is None


def test_hopeless_losses_are_given_up():
    losses = fed(1, 3)
    now, asked = SOON, 0
    while losses.next_deadline() is not None:
        asked += len(losses.due(now, 0.0))
        now += RETRY_S
    assert asked == MAX_REQUESTS
    old = fed(1, 3)
    assert old.due(MAX_AGE_S + 0.1, 0.0) == []
    assert old.next_deadline() is None


def test_a_jump_is_no_loss():
    assert fed(1, 1 + MAX_GAP + 1).next_deadline() is None
    assert fed(1, 1 + MAX_GAP).next_deadline() is not None


@given(st.lists(st.integers(0, 65_535), max_size=300))
def test_any_order_is_survived_and_bounded(sequences):
    losses = fed(*sequences)
    asked = losses.due(SOON, 0.0)
    assert len(asked) == len(set(asked)) <= MAX_MISSING
    if sequences:
        assert sequences[-1] not in asked
