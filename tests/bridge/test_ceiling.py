"""A publisher that sends more than anybody may."""

from __future__ import annotations

from bridge.ceiling import BURST_S, CEILING_BPS, RECOVERED_S, Ceiling


def _send(ceiling: Ceiling, now: float, seconds: float, bps: float) -> float:
    """The rate that was admitted of that one."""
    admitted = 0
    for step in range(int(seconds * 1000)):
        octets = round(bps / 8000)
        admitted += octets if ceiling.admit(now + step / 1000, octets) else 0
    return 8 * admitted / seconds


def test_twenty_megabits_are_cut_to_the_ceiling() -> None:
    ceiling = Ceiling(0.0)
    rate = _send(ceiling, 0.0, 20, 20_000_000)
    assert 0.98 * CEILING_BPS < rate < CEILING_BPS * (1 + BURST_S / 20) * 1.01
    assert ceiling.dropped > 9_000


def test_what_everybody_sends_passes_and_so_does_a_burst_of_keyframes() -> None:
    ceiling = Ceiling(0.0)
    assert _send(ceiling, 0.0, 20, 6_000_000) > 5_990_000
    assert all(ceiling.admit(20.0, 1_200) for _ in range(150))
    assert ceiling.dropped == 0


def test_its_edges_are_told_once() -> None:
    ceiling = Ceiling(0.0)
    assert ceiling.edge(0.0) is None
    _send(ceiling, 0.0, 2, 20_000_000)
    assert [ceiling.edge(2.0), ceiling.edge(3.0)] == ["cut", None]
    _send(ceiling, 3.0, 2, 20_000_000)
    assert ceiling.edge(5.0) is None
    assert ceiling.edge(5.0 + RECOVERED_S - 0.1) is None
    assert [ceiling.edge(5.0 + RECOVERED_S), ceiling.edge(60.0)] == ["free", None]


def test_a_clock_that_stands_still_admits_no_more() -> None:
    ceiling = Ceiling(0.0, bps=8_000)
    assert ceiling.admit(1.0, 500)
    assert not ceiling.admit(1.0, 1)
    assert not ceiling.admit(0.5, 1)
