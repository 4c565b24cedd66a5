"""A trunk's side of ICE: every way is tried, the first that works is kept, a silent one ends."""

from itertools import count

from bridge import stun
from bridge.ice import (
    CheckReceived,
    Credentials,
    IceLite,
    Path,
    PathAdded,
    Respond,
    Selected,
    StateChanged,
    Tick,
)
from bridge.trunkice import CLOSED_AFTER_S, MAX_PAIRS, TrunkIce, pairs

GOOD, DEAD = Path(0, ("192.0.2.1", 4000)), Path(1, ("198.51.100.1", 4000))


def ice(*paths):
    """A trunk's side and its source's."""
    ours, theirs = Credentials("ours", "p" * 22), Credentials("theirs", "q" * 22)
    numbers = count()
    trunk = TrunkIce(ours, theirs, paths, 0.0, lambda size: next(numbers).to_bytes(size, "big"))
    return trunk, IceLite(theirs, ours, 0.0, lambda _ufrag: bytes(12))


def checks(outputs, path=GOOD):
    return [one.datagram for one in outputs if isinstance(one, Respond) and one.path == path]


def answer(source, check, path=GOOD):
    return checks(source.handle(0.0, CheckReceived(stun.parse(check), path)), path)[0]


def test_every_way_is_tried_and_the_first_that_is_answered_is_taken():
    trunk, source = ice(DEAD, GOOD)
    tried = trunk.handle(0.0, Tick())
    assert [len(checks(tried, path)) for path in (DEAD, GOOD)] == [1, 1]

    outputs = trunk.answered(0.1, answer(source, checks(tried)[0]), GOOD)

    assert outputs == [PathAdded(GOOD), Selected(GOOD), StateChanged("alive")]
    assert (trunk.paths, trunk.last_check) == ((GOOD,), 0.1)
    later = trunk.handle(5.0, Tick())
    assert checks(later)
    assert not checks(later, DEAD)


def test_a_later_answer_by_another_way_changes_nothing():
    trunk, source = ice(DEAD, GOOD)
    tried = trunk.handle(0.0, Tick())
    trunk.answered(0.1, answer(source, checks(tried)[0]), GOOD)

    assert trunk.answered(0.2, answer(source, checks(tried, DEAD)[0], DEAD), DEAD) == []
    assert trunk.paths == (GOOD,)


def test_an_answer_by_a_way_that_was_not_tried_means_nothing():
    trunk, source = ice(GOOD)
    (check,) = checks(trunk.handle(0.0, Tick()))

    assert trunk.answered(0.1, answer(source, check), DEAD) == []
    assert trunk.paths == ()


def test_a_source_that_never_answers_is_given_up():
    trunk, _ = ice(DEAD, GOOD)
    now, outputs = 0.0, []
    while not any(isinstance(one, StateChanged) for one in outputs):
        outputs = trunk.handle(now, Tick())
        now += 0.5

    assert outputs == [StateChanged("closed", "consent_expired")]
    assert now >= CLOSED_AFTER_S
    assert trunk.handle(now + 1, Tick()) == []


def test_junk_selects_nothing():
    trunk, _ = ice(GOOD)
    trunk.handle(0.0, Tick())

    assert trunk.answered(0.1, b"\x01\x01\x00\x00" + bytes(16), GOOD) == []
    assert trunk.paths == ()


def test_pairs_are_of_one_family_and_not_too_many():
    hosts = ["10.0.0.1", "fd00::1"]
    addresses = [("fd00::2", 1), ("10.0.0.2", 2)]
    assert pairs(hosts, addresses) == [("fd00::1", ("fd00::2", 1)), ("10.0.0.1", ("10.0.0.2", 2))]
    assert pairs(["10.0.0.1"], [("fd00::2", 1)]) == []
    many = [(f"10.0.0.{host}", 1) for host in range(40)]
    assert len(pairs(hosts, many)) == MAX_PAIRS
