"""Receive statistics against what RFC 3550 says of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import rtcp
from bridge.estimator import (
    MAX_DROPOUT,
    MAX_MISORDER,
    Delivery,
    Meter,
    Reception,
    RollingMeter,
    round_trip_s,
)


def _receive(reception: Reception, sequences: list[int]) -> list[int | None]:
    return [
        reception.receive(n * 0.02, sequence & 0xFFFF, n * 960, 100)
        for n, sequence in enumerate(sequences)
    ]


def _report(reception: Reception) -> rtcp.ReportBlock:
    block = reception.report(1.0, 7)
    assert block is not None
    return block


def test_nothing_is_reported_before_the_first_packet() -> None:
    assert Reception(48_000).report(0.0, 7) is None


def test_extended_sequence_counts_cycles_and_takes_late_packets() -> None:
    reception = Reception(48_000)
    sequences = [65534, 65535, 65537, 65536, 65538]
    assert _receive(reception, sequences) == sequences
    block = _report(reception)
    assert block.highest_sequence == 65538
    assert (block.lost, block.fraction_lost) == (0, 0)
    assert (reception.packets, reception.octets) == (5, 500)


def test_loss_is_total_and_of_the_interval() -> None:
    reception = Reception(48_000)
    _receive(reception, [1, 2, 4])
    block = _report(reception)
    assert (block.lost, block.fraction_lost) == (1, 64)
    assert reception.loss_ratio == 0.25
    _receive(reception, [5, 6])
    block = _report(reception)
    assert (block.lost, block.fraction_lost) == (1, 0)
    _receive(reception, [3])
    assert _report(reception).lost == 0


def test_a_repeated_packet_makes_the_loss_negative_but_not_the_fraction() -> None:
    reception = Reception(48_000)
    _receive(reception, [1, 2, 2, 2])
    block = _report(reception)
    assert (block.lost, block.fraction_lost) == (-2, 0)


def test_a_jump_is_believed_with_the_packet_after_it() -> None:
    reception = Reception(48_000)
    far = 10 + MAX_DROPOUT + 100
    assert _receive(reception, [10, far]) == [10, None]
    assert _receive(reception, [11]) == [11]
    found = _receive(reception, [far, far + 1, far + 2])
    assert found[0] is None
    assert found[1] is not None
    assert found[1] > 11 + MAX_DROPOUT
    assert found[1] & 0xFFFF == far + 1
    assert found[2] == found[1] + 1
    assert _report(reception).lost == 0


def test_loss_from_before_a_restart_stays_in_the_total() -> None:
    reception = Reception(48_000)
    _receive(reception, [10, 12, 40_000, 40_001, 40_003])
    assert reception.lost == 2
    assert (reception.packets, reception.octets) == (4, 400)


def test_a_step_back_is_late_or_a_restart() -> None:
    reception = Reception(48_000)
    _receive(reception, [5000])
    assert _receive(reception, [5000 - MAX_MISORDER]) == [5000 - MAX_MISORDER]
    back = 5000 - MAX_MISORDER - 10
    first, second = _receive(reception, [back, back + 1])
    assert first is None
    assert second is not None
    assert second > 5000


def test_jitter_of_even_arrivals_is_zero_and_of_uneven_ones_follows_the_formula() -> None:
    reception = Reception(8_000)
    reception.receive(0.0, 0, 0, 1)
    reception.receive(0.02, 1, 160, 1)
    assert reception.jitter_s == 0
    reception.receive(0.05, 2, 320, 1)  # 10 ms late: |D| = 80, J = 80 / 16
    assert reception.jitter_s == pytest.approx(5 / 8000)
    reception.receive(0.07, 3, 480, 1)
    assert reception.jitter_s == pytest.approx((5 - 5 / 16) / 8000)


def test_jitter_takes_timestamps_over_their_wrap_and_ignores_pauses() -> None:
    reception = Reception(8_000)
    reception.receive(0.0, 0, 2**32 - 160, 1)
    reception.receive(0.02, 1, 0, 1)
    reception.receive(60.0, 2, 160, 1)
    assert reception.jitter_s == 0


def test_report_carries_the_last_sender_report_and_the_delay_since() -> None:
    reception = Reception(8_000)
    reception.receive(0.0, 0, 0, 1)
    assert (_report(reception).lsr, _report(reception).dlsr) == (0, 0)
    reception.sender_report(0.5, 0x11112222_33334444)
    block = _report(reception)
    assert (block.lsr, block.dlsr) == (0x22223333, 32768)


@given(st.lists(st.integers(-MAX_MISORDER, MAX_DROPOUT - 1), max_size=60), st.integers(0, 0xFFFF))
def test_extended_numbers_follow_any_believable_walk(steps: list[int], first: int) -> None:
    reception = Reception(90_000)
    assert reception.receive(0.0, first, 0, 0) == first
    highest = first
    for step in steps:
        extended = highest + step
        assert reception.receive(0.0, extended & 0xFFFF, 0, 0) == extended
        highest = max(highest, extended)
    block = reception.report(0.0, 1)
    assert block is not None
    assert block.highest_sequence == highest
    assert 0 <= block.fraction_lost <= 255


def test_round_trip_is_arrival_minus_report_minus_delay() -> None:
    # the example of RFC 3550 §6.4.1, figure 2
    arrival = 0xB710_8000 << 16
    assert round_trip_s(arrival, 0, 0) is None  # no sender report yet
    assert round_trip_s(arrival, 0xB705_2000, 0x0005_4000) == pytest.approx(6.125)


def test_round_trip_over_the_wrap_and_of_junk() -> None:
    assert round_trip_s(0x0000_8000 << 16, 0xFFFF_8000, 0) == 1.0
    assert round_trip_s(1 << 32, 0x0001_0001, 0) == 0.0  # rounding
    assert round_trip_s(1 << 32, 0x0003_0000, 0) is None


def test_delivery_keeps_the_last_known_round_trip() -> None:
    delivery = Delivery(90_000)
    delivery.reported(0x0002_0000 << 16, rtcp.ReportBlock(1, 128, 5, 0, 9000, 0x0001_0000, 0))
    assert (delivery.lost, delivery.loss_ratio, delivery.jitter_s) == (5, 0.5, 0.1)
    assert delivery.rtt_s == 1.0
    delivery.reported(0x0002_0000 << 16, rtcp.ReportBlock(1, 0, 5, 0, 0, 0, 0))
    assert delivery.rtt_s == 1.0


def test_meter_gives_the_rate_since_the_last_look() -> None:
    meter = Meter(10.0)
    assert meter.bitrate_bps(10.0, 500) == 0
    assert meter.bitrate_bps(12.0, 1000) == 4000
    assert meter.bitrate_bps(13.0, 1000) == 0


def test_rolling_meter_gives_the_rate_of_the_last_second_in_which_anything_came() -> None:
    meter = RollingMeter()
    rates = [meter.bitrate_bps(0.1 * n, 1000 * n) for n in range(30)]
    assert rates[0] == 0
    assert rates[1:] == pytest.approx([80_000] * 29)
    faster = [meter.bitrate_bps(3.0 + 0.1 * n, 30_000 + 3000 * n) for n in range(12)]
    assert faster == sorted(faster)
    assert faster[-1] == pytest.approx(240_000)
    assert meter.bitrate_bps(9.0, 63_100) == faster[-1]  # the pause does not count
    assert meter.bitrate_bps(9.1, 63_200) == pytest.approx(8000)


def test_a_packet_that_comes_again_late_is_no_jitter() -> None:
    reception = Reception(90_000)
    for number in (1, 2, 4, 5):
        reception.receive(number * 0.02, number, number * 1800, 100)
    reception.receive(0.2, 3, 3 * 1800, 100)
    reception.receive(0.12, 6, 6 * 1800, 100)
    assert reception.jitter_s < 0.001
    assert reception.lost == 0
