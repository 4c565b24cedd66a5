import itertools
import random

from bridge import rtp
from bridge.media_worker.reorder import HOLD_S, MAX_HELD, Reorder


def packet(sequence):
    return rtp.build(96, sequence, 0, 1, b"x")


def put(reorder, now, *sequences):
    for sequence in sequences:
        data = packet(sequence)
        reorder.put(now, data, rtp.parse(data)._replace(sequence=sequence & 0xFFFF))


def numbers(reorder, now):
    return [None if one is None else one[1].sequence for one in reorder.take(now)]


def test_packets_in_order_come_at_once_over_the_wrap():
    reorder = Reorder()
    put(reorder, 0.0, 65_534, 65_535, 0, 1)
    assert numbers(reorder, 0.0) == [65_534, 65_535, 0, 1]


def test_an_overtaken_packet_is_waited_for():
    reorder = Reorder()
    put(reorder, 0.0, 1, 3)
    assert numbers(reorder, 0.1) == [1]
    put(reorder, 0.2, 2)
    assert numbers(reorder, 0.2) == [2, 3]
    assert (reorder.lost, reorder.late) == (0, 0)


def test_a_lost_packet_is_a_gap_after_a_while_and_too_late_then():
    reorder = Reorder()
    put(reorder, 0.0, 1, 4)
    assert numbers(reorder, HOLD_S - 0.01) == [1]
    assert numbers(reorder, HOLD_S) == [None, 4]
    assert reorder.lost == 2
    put(reorder, 0.6, 2, 4)
    assert numbers(reorder, 0.6) == []
    assert reorder.late == 2


def test_no_more_is_held_than_agreed():
    reorder = Reorder()
    put(reorder, 0.0, 0, *range(2, MAX_HELD + 3))
    taken = numbers(reorder, 0.0)
    assert taken[:3] == [0, None, 2]
    assert len(taken) == MAX_HELD + 3


def test_a_jump_begins_anew():
    reorder = Reorder()
    put(reorder, 0.0, 1, 2)
    assert numbers(reorder, 0.0) == [1, 2]
    put(reorder, 0.0, 30_000, 30_001)
    assert numbers(reorder, 0.0) == [None, 30_000, 30_001]


def test_whatever_comes_nothing_is_given_twice_or_backwards():
    order = random.Random(5)
    reorder, now, given = Reorder(), 0.0, []
    for start in range(0, 40_000, 20):
        batch = [number for number in range(start, start + 20) if order.random() > 0.1]
        order.shuffle(batch)
        now += 0.02
        put(reorder, now, *(number & 0xFFFF for number in batch), batch[0] & 0xFFFF)
        given += [one for one in numbers(reorder, now) if one is not None]
    steps = [(after - before) & 0xFFFF for before, after in itertools.pairwise(given)]
    assert all(0 < step < 0x8000 for step in steps)
    assert len(given) > 35_000
