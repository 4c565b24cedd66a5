"""One receiver's path in a closed loop: what it carries is found, kept, and found again."""

from __future__ import annotations

import pytest

from bridge.downlink import CAREFUL_BPS, FED_BACK_S, MIN_BPS, START_BPS, Downlink, Fate
from tests.fakes.bottleneck import Bottleneck
from tests.fakes.congested import Congested

SEEDS = (1, 2, 3)


def _late(site: Congested, since: float) -> float:
    """The share of sound packets that were lost or waited more than 0.2 s beyond the path."""
    waits = [wait for at, wait in site.waited if at >= since]
    bound = site.path.delay_s + 0.2
    return sum(wait is None or wait > bound for wait in waits) / len(waits)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", [0, 0.05])
@pytest.mark.parametrize("delay_s", [0.02, 0.1])
def test_a_good_path_is_opened_soon_and_never_probed_again(
    seed: int, loss: float, delay_s: float
) -> None:
    path = Bottleneck(rate_bps=50e6, loss=loss, delay_s=delay_s, jitter_s=delay_s / 4, seed=seed)
    site = Congested(path, seed=seed)
    site.run(3)
    assert [rank for _, rank in site.history] == [0, 2]
    padded = site.padding
    site.run(117)
    assert [rank for _, rank in site.history] == [0, 2]
    assert site.padding == padded < 250_000


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("queue_s", [0.1, 0.3, 2.0])
@pytest.mark.parametrize("rate_bps", [250e3, 400e3, 1e6])
def test_a_slow_path_is_opened_without_harm_to_the_sound(
    seed: int, queue_s: float, rate_bps: float
) -> None:
    site = Congested(Bottleneck(rate_bps=rate_bps, queue_s=queue_s, seed=seed), seed=seed)
    site.run(6)
    assert _late(site, since=100.0) < 0.02


def test_a_receiver_that_stalls_has_no_slow_path() -> None:
    site = Congested(Bottleneck(rate_bps=50e6, stall_s=0.3))
    site.run(60)
    assert [rank for _, rank in site.history] == [0, 2]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("queue_s", [0.05, 0.3, 2.0])
def test_a_slow_path_soon_has_a_picture_and_sound_that_does_not_wait(
    seed: int, queue_s: float
) -> None:
    site = Congested(Bottleneck(rate_bps=400e3, queue_s=queue_s, seed=seed), seed=seed)
    site.run(120)
    assert site.shown == 0
    assert site.switches(since=110.0) == 0, site.history
    assert _late(site, since=110.0) < 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_when_even_the_only_layer_is_too_much_the_sound_stays_alone_until_it_fits(
    seed: int,
) -> None:
    site = Congested(Bottleneck(rate_bps=400e3, seed=seed), layers=((0, 1_200_000.0),), seed=seed)
    site.run(60)
    assert [rank for _, rank in site.history] == [0, None]
    assert _late(site, since=105.0) < 0.02
    site.path.rate_bps = 50e6
    site.run(40)
    assert [rank for _, rank in site.history] == [0, None, 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_quality_comes_back_when_the_path_does_and_stays(seed: int) -> None:
    site = Congested(Bottleneck(rate_bps=400e3, seed=seed), seed=seed)
    site.run(60)
    site.path.rate_bps = 50e6
    lifted = site.now
    site.run(60)
    assert [rank for at, rank in site.history if at > lifted] == [1, 2]
    assert site.history[-1][0] < lifted + 12


@pytest.mark.parametrize("rate_bps", [90e3, 250e3, 600e3, 1e6, 1.4e6, 1.7e6])
def test_no_rate_makes_it_flap(rate_bps: float) -> None:
    site = Congested(Bottleneck(rate_bps=rate_bps))
    site.run(240)
    assert site.switches(since=280.0) <= 2, site.history


def test_a_path_that_was_cut_for_ten_seconds_is_as_good_as_before() -> None:
    site = Congested(Bottleneck(rate_bps=50e6))
    site.run(20)
    site.path.cut = True
    site.run(10)
    site.path.cut = False
    site.run(20)
    assert [rank for _, rank in site.history] == [0, 2]


def test_a_peer_that_says_nothing_is_not_held_back() -> None:
    site = Congested(Bottleneck(rate_bps=50e6), says="nothing")
    site.run(10)
    assert site.downlink.estimate_bps == START_BPS
    assert [rank for _, rank in site.history] == [0, 2]
    assert site.history[-1][0] < 104.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("queue_s", [0.1, 0.3, 2.0])
@pytest.mark.parametrize("rate_bps", [400e3, 1e6])
def test_a_slow_path_of_which_reports_alone_tell_is_opened_layer_by_layer(
    seed: int, queue_s: float, rate_bps: float
) -> None:
    path = Bottleneck(rate_bps=rate_bps, queue_s=queue_s, seed=seed)
    site = Congested(path, says="reports", seed=seed)
    site.run(20)
    # begun with everything, it is 0.26 to 0.5 where the queue is longer than that of a switch
    assert _late(site, since=100.0) < 0.25
    assert site.history[0] == (100.0, 0)


def test_a_good_path_of_which_reports_alone_tell_has_all_in_some_seconds() -> None:
    site = Congested(Bottleneck(rate_bps=50e6, loss=0.05, jitter_s=0.03), says="reports")
    site.run(60)
    assert [rank for _, rank in site.history] == [0, 1, 2]
    assert site.history[-1][0] < 107.0
    assert site.downlink.estimate_bps == START_BPS


def _opening(*, padded: bool = False) -> Downlink:
    """At 0 s, with a layer that needs 575 kbit/s to come."""
    downlink = Downlink(0.0)
    downlink.begin(0.0, padded=padded)
    downlink.next_bps = 575_000.0
    return downlink


def test_what_a_peer_estimates_itself_opens_a_path_step_by_step() -> None:
    downlink = _opening()
    for at in (0.2, 0.5, 1.6, 1.7, 2.0):
        downlink.maximum(at, 250_000, 170_000)
    assert downlink.estimate_bps == 575_000
    downlink.next_bps = None
    downlink.maximum(3.2, 620_000, 500_000)
    assert not downlink.opening
    assert downlink.estimate_bps == START_BPS


def test_one_bad_report_takes_back_the_last_step_and_a_later_one_is_a_hiccup() -> None:
    for bad in ((0.2, 0.05), (0.0, 0.2)):
        downlink = _opening()
        for at in (1.0, 2.0, 3.0):
            downlink.reported(at, 0.0, 0.05, 170_000)
        assert downlink.estimate_bps == 575_000
        downlink.reported(4.0, *bad, 500_000)
        assert downlink.estimate_bps == CAREFUL_BPS
        assert not downlink.opening
        downlink.reported(20.0, *bad, 170_000)
        assert downlink.estimate_bps == CAREFUL_BPS


def test_a_try_begins_when_what_was_tried_for_flows() -> None:
    downlink = Downlink(0.0)
    downlink.maximum(1.0, 1_100_000, 1_300_000)
    downlink.maximum(2.0, 170_000, 1_300_000)
    downlink.trust(10.0, 575_000)
    # it was lost before, so it is given late
    downlink.gained(16.0)
    downlink.reported(18.0, 0.0, 0.05, 500_000)
    downlink.reported(19.0, 0.2, 0.05, 500_000)
    assert downlink.estimate_bps == 170_000


def test_a_peer_that_wants_much_need_not_be_tried() -> None:
    downlink = _opening()
    downlink.maximum(0.2, 10_000_000, 170_000)
    assert not downlink.opening


def test_arrivals_open_a_path_that_cannot_be_padded() -> None:
    downlink = _opening()
    for step in range(1, 30):
        _feedback(downlink, step / 10, 0.03, octets=200)
    assert downlink.estimate_bps == 575_000


def test_a_peer_that_falls_silent_while_its_path_opens_is_no_proof() -> None:
    downlink = _opening(padded=True)
    _feedback(downlink, 0.5, 0.03)
    for step in range(1, 100):
        downlink.tick(0.5 + step / 10)
    assert downlink.opening
    assert downlink.climbs(10.0)
    assert downlink.estimate_bps < 575_000
    for at in (10.0, 12.0):
        downlink.reported(at, 0.0, 0.05, 170_000)
    assert downlink.estimate_bps == 575_000


def test_remb_that_follows_what_is_sent_is_no_ceiling() -> None:
    downlink = Downlink(0.0)
    for step in range(100):
        # after a better layer has begun it takes its time to catch up
        downlink.maximum(step / 2, min(265_000 * 1.04**step, 450_000), 500_000)
    assert downlink.estimate_bps == START_BPS


def test_remb_that_falls_below_what_is_sent_is_a_full_path_and_more_is_believed() -> None:
    downlink = Downlink(0.0)
    downlink.maximum(1.0, 1_100_000, 1_300_000)
    assert downlink.estimate_bps == START_BPS
    downlink.maximum(2.0, 340_000, 1_300_000)
    assert downlink.estimate_bps == 340_000
    downlink.maximum(3.0, 180_000, 120_000)
    assert downlink.estimate_bps == 340_000
    downlink.maximum(4.0, 700_000, 120_000)
    assert downlink.estimate_bps == 700_000
    downlink.maximum(6.0, 0, 120_000)
    assert downlink.estimate_bps == MIN_BPS


def test_remb_that_stays_below_what_is_sent_is_the_most_that_the_peer_wants() -> None:
    downlink = Downlink(0.0)
    for step in range(10):
        downlink.maximum(1.0 + step / 2, 300_000, 1_300_000)
    assert downlink.estimate_bps == 300_000


def test_remb_says_nothing_new_beside_transport_wide_feedback() -> None:
    site = Congested(Bottleneck(rate_bps=50e6))
    site.run(5)
    site.downlink.maximum(site.now, 900_000, 1_300_000)
    site.downlink.maximum(site.now, 100_000, 1_300_000)
    assert site.downlink.estimate_bps == START_BPS


def test_reports_alone_cut_for_loss_and_for_a_long_round_trip() -> None:
    downlink = Downlink(0.0)
    downlink.reported(1.0, 0.05, 0.04, 1_300_000)
    assert downlink.estimate_bps == START_BPS
    downlink.reported(2.0, 0.6, 0.04, 1_300_000)
    assert downlink.estimate_bps == START_BPS
    downlink.reported(3.0, 0.0, 0.04, 1_300_000)
    downlink.reported(4.0, 0.6, 0.04, 1_300_000)
    downlink.reported(5.0, 0.6, 0.04, 1_300_000)
    assert downlink.estimate_bps == pytest.approx(0.4 * 1_300_000)
    downlink.reported(6.0, 0.0, 0.5, 400_000)
    assert downlink.estimate_bps == pytest.approx(0.85 * 400_000)
    downlink.trust(10.0, 900_000)
    assert downlink.estimate_bps == 900_000


def test_reports_say_nothing_new_beside_transport_wide_feedback_but_much_once_it_has_ended() -> (
    None
):
    site = Congested(Bottleneck(rate_bps=50e6))
    site.run(5)
    for at in (site.now, site.now + 1, site.now + 2):
        site.downlink.reported(at, 0.5, 0.04, 1_300_000)
    assert site.downlink.estimate_bps == START_BPS
    for at in (site.now + FED_BACK_S, site.now + FED_BACK_S + 1):
        site.downlink.reported(at, 0.5, 0.04, 1_300_000)
    assert site.downlink.estimate_bps == pytest.approx(0.5 * 1_300_000)


def _feedback(downlink: Downlink, now: float, delay_s: float, octets: int = 1250) -> None:
    """Ten packets of a tenth of a second, which came so much later by the peer's clock."""
    sent = [now - 0.1 + n * 0.01 for n in range(10)]
    downlink.feedback(now, [Fate(at, octets, at + delay_s) for at in sent])


def test_a_peer_whose_clock_was_set_is_judged_anew() -> None:
    downlink = Downlink(0.0)
    for step in range(1, 400):
        # two days ahead for one report, as only a clock that was set can be, or a lie
        _feedback(downlink, step / 10, 172_800.0 if step == 50 else 0.03)
    assert downlink.queue_s == pytest.approx(0.0, abs=0.001)
    assert downlink.estimate_bps == START_BPS
    for step in range(400, 420):
        _feedback(downlink, step / 10, 0.03 + (step - 400) * 0.05)
    assert downlink.estimate_bps < 1_200_000
