"""A source is opened, lost, given up when it hangs, and tried again with growing pauses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.agent.supply import (
    FIRST_RETRY_S,
    HANG_S,
    LAST_RETRY_S,
    MAX_HANGING,
    OPEN_S,
    STALL_S,
    Begin,
    Came,
    Changed,
    Ended,
    Event,
    Stop,
    Supply,
    Tick,
)


def test_source_is_begun_at_once_and_flows_with_its_first_frame() -> None:
    supply = Supply(5.0)
    assert supply.next_deadline() == 5.0
    assert supply.handle(5.0, Tick()) == [Begin(0)]
    assert supply.handle(6.0, Came(0)) == [Changed(flowing=True)]
    assert supply.handle(6.1, Came(0)) == []


def test_failure_is_told_once_and_retried_with_growing_pauses() -> None:
    supply, now = Supply(0.0), 0.0
    told, pauses = [], []
    for attempt in range(7):
        assert supply.handle(now, Tick()) == [Begin(attempt)]
        told += supply.handle(now, Ended(attempt, "no such file"))
        due = supply.next_deadline()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert told == [Changed(flowing=False, why="no such file")]
    assert pauses[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert pauses[-1] == LAST_RETRY_S


def test_another_reason_is_told_again() -> None:
    supply = Supply(0.0)
    supply.handle(0.0, Tick())
    supply.handle(0.0, Ended(0, "no such file"))
    supply.handle(1.0, Tick())
    assert supply.handle(1.0, Ended(1, "busy")) == [Changed(flowing=False, why="busy")]


def test_flowing_again_makes_retries_quick_again() -> None:
    supply = Supply(0.0)
    supply.handle(0.0, Tick())
    supply.handle(0.0, Ended(0, "busy"))
    supply.handle(1.0, Tick())
    supply.handle(1.5, Came(1))
    assert supply.handle(2.0, Ended(1, "unplugged")) == [Changed(flowing=False, why="unplugged")]
    assert supply.next_deadline() == 2.0 + FIRST_RETRY_S


def test_silent_source_is_lost_at_once_and_stopped_before_it_is_tried_again() -> None:
    supply = Supply(0.0)
    supply.handle(0.0, Tick())
    supply.handle(1.0, Came(0))
    assert supply.handle(0.9 + STALL_S, Tick()) == []
    lost = Changed(flowing=False, why=f"no frame for {STALL_S:g} s")
    assert supply.handle(1.0 + STALL_S, Tick()) == [lost, Stop(0)]
    assert supply.handle(4.5, Came(0)) == [], "what comes late is not believed"
    assert supply.handle(5.0, Ended(0, "stopped")) == []
    assert supply.handle(5.0 + FIRST_RETRY_S, Tick()) == [Begin(1)]


def test_attempt_that_hangs_is_left_to_itself() -> None:
    supply = Supply(0.0)
    supply.handle(0.0, Tick())
    assert Stop(0) in supply.handle(OPEN_S, Tick())
    assert supply.handle(OPEN_S + HANG_S, Tick()) == []
    due = supply.next_deadline()
    assert due == OPEN_S + HANG_S + FIRST_RETRY_S
    assert supply.handle(due, Tick()) == [Begin(1)]
    assert supply.handle(due, Came(0)) == []
    assert supply.handle(due + 1, Came(1)) == [Changed(flowing=True)]
    assert supply.handle(due + 2, Ended(0, "woke up")) == []
    assert supply.flowing


def test_hanging_attempts_do_not_pile_up() -> None:
    supply, now, begun = Supply(0.0), 0.0, 0
    while (due := supply.next_deadline()) is not None:
        now = due
        begun += sum(isinstance(one, Begin) for one in supply.handle(now, Tick()))
    assert begun == MAX_HANGING
    supply.handle(now + 100, Ended(0, "woke up"))
    assert supply.handle(now + 100, Tick()) == [Begin(MAX_HANGING)]


events = st.one_of(
    st.builds(Came, st.integers(0, 5)),
    st.builds(Ended, st.integers(0, 5), st.sampled_from(["a", "b"])),
    st.just(Tick()),
)


@given(st.lists(st.tuples(st.floats(0, 20), events), max_size=60))
def test_edges_alternate_and_attempts_are_new(steps: list[tuple[float, Event]]) -> None:
    supply, now, begun, flowing = Supply(0.0), 0.0, [], False
    for pause, event in steps:
        now += pause
        for output in supply.handle(now, event):
            match output:
                case Begin(attempt):
                    begun.append(attempt)
                case Changed(edge):
                    assert edge != flowing or not edge, "it does not begin to flow twice"
                    flowing = edge
                case Stop(attempt):
                    assert attempt == begun[-1]
    assert begun == sorted(set(begun))
    assert supply.flowing == flowing
