"""What is kept of a source, and which of it a receiver may ask for again."""

from typing import NamedTuple

from bridge.packetcache import (
    HISTORY,
    KEEP_S,
    RESEND_AFTER_S,
    RESENDS_BURST,
    RUNS,
    Budget,
    History,
    Memory,
    Run,
)


class Kept(NamedTuple):
    sequence: int
    at: float = 0.0


def history(*kept: Kept) -> History:
    made = History()
    for one in kept:
        made.store(one)
    return made


def run(of: History, begins: int, offset: int) -> Run:
    return Run(of, begins, offset, 0, 0, 0)


def held(of: History) -> int:
    return sum(one is not None for one in of._kept)


def test_gives_what_was_stored_and_nothing_else():
    kept = Kept(70_000)
    of = history(kept)
    assert of.get(70_000) is kept
    assert of.get(70_001) is None
    assert of.get(70_000 + HISTORY) is None


def test_newer_packets_take_the_place_of_the_old_ones():
    of = history(*(Kept(number) for number in range(HISTORY + 3)))
    assert [of.get(number) is None for number in (0, 1, 2, 3)] == [True, True, True, False]
    of.store(Kept(1))  # too late
    assert of.get(1) is None


def test_what_is_old_is_let_go_of_though_there_is_room():
    of = history(*(Kept(number, number / 100) for number in range(100)))
    of.store(Kept(100, 0.5 + KEEP_S))
    assert of.get(49) is None
    assert of.get(50) is not None
    assert held(of) == 51


def test_a_late_packet_is_kept_and_let_go_of_like_the_others():
    of = history(Kept(10), Kept(13), Kept(11))
    assert of.get(11) == Kept(11)
    of.store(Kept(14, KEEP_S + 1))
    assert held(of) == 1


def test_a_leap_leaves_nothing_behind():
    of = history(*(Kept(number) for number in range(50)))
    of.store(Kept(1_000_000))
    assert held(of) == 1


def test_finds_by_the_numbers_of_the_slot_over_their_wrap():
    memory = Memory(Budget(0.0))
    memory.begin(0.0, run(history(Kept(5), Kept(6)), 65_535, 65_530))
    found = [memory.find(1.0, 65_536, lost) for lost in (65_535, 0, 1)]
    assert found[2] is None
    assert [one[:2] for one in found[:2]] == [(65_535, Kept(5)), (65_536, Kept(6))]


def test_finds_what_went_out_before_a_switch():
    memory = Memory(Budget(0.0))
    memory.begin(0.0, run(history(Kept(100), Kept(101)), 10, -90))
    memory.begin(0.1, run(history(Kept(7)), 12, 5))
    numbers = [memory.find(0.2, 12, lost) for lost in (9, 10, 11, 12)]
    assert numbers[0] is None
    assert [one[1].sequence for one in numbers[1:]] == [100, 101, 7]


def test_same_packet_not_again_while_its_answer_is_on_the_way():
    memory = Memory(Budget(0.0))
    memory.begin(0.0, run(history(Kept(7)), 7, 0))
    assert memory.find(1.0, 7, 7)
    assert memory.find(1.0 + RESEND_AFTER_S / 2, 7, 7) is None
    assert memory.find(1.0 + 2 * RESEND_AFTER_S, 7, 7)


def test_answers_of_all_slots_of_a_session_are_bounded_and_the_bound_recovers():
    of = history(*(Kept(number) for number in range(400)))
    budget = Budget(0.0)
    one, other = Memory(budget), Memory(budget)
    for memory in (one, other):
        memory.begin(0.0, run(of, 0, 0))
    found = [
        memory.find(0.0, 399, number) is not None
        for number in range(400)
        for memory in (one, other)
    ]
    assert sum(found) == RESENDS_BURST
    assert one.find(0.1, 399, 399) is not None


def test_sources_of_old_runs_are_let_go_of():
    memory = Memory(Budget(0.0))
    first, second = history(Kept(1)), history(Kept(2))
    memory.begin(0.0, run(first, 1, 0))
    memory.begin(1.0, run(second, 2, 0))
    memory.forget(1.0 + KEEP_S / 2, last_at=1.5)
    assert memory.find(1.1 + KEEP_S / 2, 2, 1)
    memory.forget(1.1 + KEEP_S, last_at=1.0 + KEEP_S)
    assert memory.find(1.2 + KEEP_S, 2, 1) is None
    assert memory.find(1.2 + KEEP_S, 2, 2)
    # the slot carries nothing any more
    memory.forget(1.1 + 3 * KEEP_S, last_at=1.0 + KEEP_S)
    assert memory.find(1.2 + 3 * KEEP_S, 2, 2) is None


def test_however_often_a_slot_switches_it_remembers_the_last_runs():
    memory = Memory(Budget(0.0))
    for number in range(3 * RUNS):
        memory.begin(0.0, run(history(Kept(number)), number, 0))
    found = [memory.find(0.0, 3 * RUNS - 1, number) for number in range(3 * RUNS)]
    assert [one is not None for one in found] == [False] * 2 * RUNS + [True] * RUNS
