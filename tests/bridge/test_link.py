"""The control link's states in simulated time."""

from bridge.link import (
    MAX_DELAY_S,
    REFUSED_DELAY_S,
    ControlLink,
    Dial,
    Ended,
    Opened,
    Tick,
    WentDown,
    WentUp,
)


def test_dials_at_once_and_goes_up():
    link = ControlLink(now=10.0)
    assert link.next_deadline() == 10.0
    assert link.handle(10.0, Tick()) == [Dial()]
    assert link.state == "dialling"
    assert link.next_deadline() is None
    assert link.handle(10.5, Opened()) == [WentUp(0.5)]
    assert link.state == "up"


def test_dials_only_once_at_a_time():
    link = ControlLink(now=0.0)
    link.handle(0.0, Tick())
    assert link.handle(1.0, Tick()) == []


def delays(link, now, count):
    found = []
    for _ in range(count):
        assert link.handle(now, Tick()) == [Dial()]
        link.handle(now, Ended("no route"))
        found.append(round(link.next_deadline() - now, 3))
        now = link.next_deadline()
    return found


def test_delays_double_up_to_a_second_for_ever():
    assert delays(ControlLink(now=0.0), 0.0, 8) == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]


def test_not_dialled_before_its_time():
    link = ControlLink(now=0.0)
    link.handle(0.0, Tick())
    link.handle(0.0, Ended("x"))
    assert link.handle(0.05, Tick()) == []
    assert link.handle(0.1, Tick()) == [Dial()]


def test_failure_is_told_once_until_the_link_was_up_again():
    link = ControlLink(now=0.0)
    link.handle(0.0, Tick())
    assert link.handle(0.0, Ended("first")) == [WentDown("first", refused=False)]
    link.handle(1.0, Tick())
    assert link.handle(1.0, Ended("second")) == []
    link.handle(2.0, Tick())
    assert link.handle(3.0, Opened()) == [WentUp(3.0)]
    assert link.handle(4.0, Ended("third")) == [WentDown("third", refused=False)]


def test_steady_link_starts_with_a_short_delay_again_and_a_flapping_one_does_not():
    link = ControlLink(now=0.0)
    delays(link, 0.0, 6)
    now = link.next_deadline()
    link.handle(now, Tick())
    link.handle(now, Opened())
    link.handle(now + 1, Ended("flap"))
    assert link.next_deadline() == now + 1 + MAX_DELAY_S
    now = link.next_deadline()
    link.handle(now, Tick())
    link.handle(now, Opened())
    link.handle(now + 60, Ended("restart"))
    assert link.next_deadline() == now + 60.1


def test_refused_token_is_retried_slowly_and_told_though_down_was_told():
    link = ControlLink(now=0.0)
    link.handle(0.0, Tick())
    link.handle(0.0, Ended("no route"))
    link.handle(1.0, Tick())
    outputs = link.handle(1.0, Ended("4401", refused=True))
    assert outputs == [WentDown("4401", refused=True)]
    assert link.next_deadline() == 1.0 + REFUSED_DELAY_S
    link.handle(6.0, Tick())
    assert link.handle(6.0, Ended("4401", refused=True)) == []
