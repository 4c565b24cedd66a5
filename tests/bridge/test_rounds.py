"""Everybody has a turn, nobody two, and not all at once."""

from collections import Counter

from bridge.rounds import GROUPS, ROUND_STEPS, Rounds


def test_each_member_is_ticked_once_and_sends_ten_times_a_round():
    rounds = Rounds[int]()
    for number in range(130):
        rounds.add(number, number)
    ticks, sends = Counter(), Counter()

    for _ in range(ROUND_STEPS):
        ticked, sending = rounds.step()
        ticks.update(ticked)
        sends.update(sending)

    assert ticks == dict.fromkeys(range(130), 1)
    assert sends == dict.fromkeys(range(130), ROUND_STEPS // GROUPS)


def test_turns_are_spread():
    rounds = Rounds[int]()
    for number in range(126):
        rounds.add(number, number)

    turns = [rounds.step() for _ in range(ROUND_STEPS)]

    assert max(len(ticked) for ticked, _ in turns) == -(-126 // GROUPS)
    assert max(len(sending) for _, sending in turns) == -(-126 // GROUPS)


def test_who_is_removed_has_no_turn():
    rounds = Rounds[str]()
    rounds.add(7, "gone")
    rounds.add(107, "here")
    rounds.remove(7)
    rounds.remove(8)

    assert [ticked for ticked, _ in (rounds.step() for _ in range(ROUND_STEPS)) if ticked] == [
        ["here"]
    ]
