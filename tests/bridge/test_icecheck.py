"""The checker against the real responder, in simulated time, over a path that can be cut."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bridge import ice, stun
from bridge.ice import Credentials, IceLite, Path
from bridge.icecheck import Answer, Changed, Check, IceChecker, Received, Tick

OURS, THEIRS = Credentials("ours", "p" * 22), Credentials("theirs", "q" * 22)
PATH = Path(0, ("127.0.0.1", 40_000))


class Pair:
    """A checker and a responder joined by a wire; `cut` loses everything."""

    def __init__(self, password: str = THEIRS.password) -> None:
        ids = (number.to_bytes(12, "big") for number in itertools.count())
        remote = Credentials(THEIRS.ufrag, password)
        self.checker = IceChecker(OURS, remote, 7, lambda: next(ids), 0.0, ("127.0.0.1", 40_000))
        self.responder = IceLite(THEIRS, OURS, 0.0, lambda _ufrag: b"\x7f" * 12)
        self.cut = False
        self.checks: list[float] = []
        self.states: list[tuple[float, str]] = []
        self.selected: list[Path] = []

    def run(self, start: float, until: float) -> None:
        now = start
        while now < until:
            for output in self.checker.handle(now, Tick()):
                if isinstance(output, Check):
                    self.checks.append(now)
                    self._deliver(now, output.datagram)
                elif isinstance(output, Changed):
                    self.states.append((now, output.state))
            now = max(now, self.checker.next_deadline())

    def _deliver(self, now: float, datagram: bytes) -> None:
        if self.cut:
            return
        for output in self.responder.handle(now, ice.CheckReceived(stun.parse(datagram), PATH)):
            if isinstance(output, ice.Selected):
                self.selected.append(output.path)
            if isinstance(output, ice.Respond):
                for edge in self.checker.handle(now, Received(output.datagram)):
                    assert isinstance(edge, Changed)
                    self.states.append((now, edge.state))


def test_the_responders_own_check_is_answered_and_a_forged_one_is_not() -> None:
    pair = Pair()
    pair.run(0.0, 1.0)
    check = stun.request(b"c" * 12, "theirs:ours", b"q" * 22, 1, 7)
    moved = Path(0, ("127.0.0.1", 40_001))
    outputs = pair.responder.handle(1.0, ice.CheckReceived(stun.parse(check), moved))
    [question] = [one.datagram for one in outputs if isinstance(one, ice.Ask)]
    [answer] = pair.checker.handle(1.0, Received(question))
    assert isinstance(answer, Answer)
    event = ice.CheckReceived(stun.parse(answer.datagram), moved)
    assert pair.responder.handle(1.0, event) == [ice.Selected(moved)]
    forged = stun.question(b"f" * 12, "ours:theirs", b"x" * 22)
    assert pair.checker.handle(1.0, Received(forged)) == []


def test_checker_connects_and_keeps_consent() -> None:
    pair = Pair()
    pair.run(0.0, 9.0)
    assert pair.states == [(0.0, "connected")]
    assert pair.checks == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert pair.selected == [PATH], "the check nominates its path"
    assert pair.checker.rtt_s == 0.0


def test_checker_backs_off_while_nobody_answers() -> None:
    pair = Pair()
    pair.cut = True
    pair.run(0.0, 10.0)
    gaps = [after - before for before, after in itertools.pairwise(pair.checks)]
    assert gaps == sorted(gaps)
    assert 0 < gaps[0] <= 0.1
    assert gaps[-1] == 2.0
    assert pair.states == []


def test_checker_is_lost_after_ten_silent_seconds_and_comes_back() -> None:
    pair = Pair()
    pair.run(0.0, 1.0)
    pair.cut = True
    pair.run(1.0, 15.0)
    pair.cut = False
    pair.run(15.0, 20.0)
    assert [state for _, state in pair.states] == ["connected", "lost", "connected"]
    assert pair.states[1][0] == 10.0


def test_checker_refuses_an_answer_signed_with_another_password() -> None:
    pair = Pair(password="w" * 22)
    pair.run(0.0, 3.0)
    assert pair.states == []


def test_checker_takes_an_answer_once_and_only_to_its_own_check() -> None:
    checker = IceChecker(OURS, THEIRS, 7, lambda: bytes(12), 0.0, ("127.0.0.1", 40_000))
    [check] = checker.handle(0.0, Tick())
    assert isinstance(check, Check)
    request = stun.parse(check.datagram)
    good = stun.success(request, "127.0.0.1", 1, THEIRS.password.encode())
    foreign = good[:8] + b"x" * 12 + good[20:]
    assert checker.handle(0.1, Received(foreign)) == []
    assert checker.handle(0.1, Received(check.datagram)) == []
    assert checker.handle(0.1, Received(good)) == [Changed("connected")]
    assert checker.handle(11.0, Received(good)) == []
    assert Changed("lost") in checker.handle(11.0, Tick())


@given(st.binary(max_size=120))
def test_checker_ignores_junk(junk: bytes) -> None:
    checker = IceChecker(OURS, THEIRS, 7, lambda: bytes(12), 0.0, ("127.0.0.1", 40_000))
    assert checker.handle(0.0, Received(junk)) == []
