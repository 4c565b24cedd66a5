"""A receiver's line: its reports become an estimate, and that becomes layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.arrivals import TICK_S, Arrivals
from bridge.budget import NO_CEILING
from bridge.downlink import FED_BACK_S
from bridge.hotpath import PAD_OCTETS
from bridge.layers import LayerInfo
from bridge.line import DATAGRAM_OCTETS, MAX_STATUSES, PACKET_OCTETS, Line
from bridge.probing import PROBE_S
from signaling.wire.ids import SlotName

STAGE, THUMB, FLOOR = SlotName("stage:1"), SlotName("thumb:1"), SlotName("floor:1")
LAYERS = tuple(
    LayerInfo(rank, bps, True) for rank, bps in enumerate((120_000.0, 400_000.0, 1_200_000.0))
)


@dataclass(eq=False)
class _Outlet:
    pads: bool = True
    packets: int = 0
    octets: int = 0
    padded: int = 0

    def pad(self, now: float, count: int) -> int:
        self.padded += count
        return count


@dataclass(eq=False)
class _Slot:
    outlet: _Outlet = field(default_factory=_Outlet)


@dataclass
class _Leg:
    """What left, as the real one remembers it."""

    history: dict[int, tuple[float, int]] = field(default_factory=dict)
    pace_bps: float | None = None
    looked_up: int = 0

    def pace(self, bps: float) -> None:
        self.pace_bps = bps

    def sent(self, first: int, count: int) -> list[tuple[int, float, int]]:
        self.looked_up += count
        numbers = ((first + n) & 0xFFFF for n in range(count))
        return [(one, *self.history[one]) for one in numbers if one in self.history]


@dataclass
class _Crosspoint:
    shown: tuple[LayerInfo, ...] = LAYERS
    capped: list[tuple[int | None, Any]] = field(default_factory=list)
    looked: int = 0

    def layers(self, slot: object) -> tuple[LayerInfo, ...]:
        self.looked += 1
        return self.shown

    def cap(self, now: float, slot: Any, rank: int | None) -> Sequence[Any]:
        self.capped.append((rank, slot))
        return ()


class _Site:
    """A line with one picture on stage, one thumbnail and one voice, over fakes."""

    def __init__(self, *names: SlotName, pads: bool = True) -> None:
        self.leg, self.crosspoint = _Leg(), _Crosspoint()
        self.slots = {name: _Slot(_Outlet(pads)) for name in names or (STAGE, FLOOR)}
        self.now = 100.0
        self.number = 0
        slots: Any = self.slots
        leg: Any = self.leg
        crosspoint: Any = self.crosspoint
        self.line = Line(self.now, leg, slots, crosspoint, lambda outputs: None)

    @property
    def caps(self) -> list[int | None]:
        return [rank for rank, _ in self.crosspoint.capped]

    def report(self, packets: int = 20, seconds: float = 0.1, lost: int = 0) -> None:
        """So many packets left, and all but each `lost`-th came 30 ms later."""
        base, came = self.number, []
        for n in range(packets):
            at = self.now + n * seconds / packets
            self.leg.history[self.number & 0xFFFF] = (at, 1000)
            if not lost or n % lost:
                came.append((n, round((at + 0.03) / TICK_S) & 0xFFFFFFFF))
            self.number += 1
        self.now += seconds
        self.line.arrivals(self.now, Arrivals(1, 2, base & 0xFFFF, packets, 0, tuple(came)))
        self.line.tick(self.now)

    def padded(self, seconds: float) -> None:
        """Nothing but padding leaves, and all of it comes."""
        outlet, base = self.slots[STAGE].outlet, self.number
        for step in range(1, round(seconds / 0.01)):
            self.now += 0.01
            before = outlet.padded
            if self.line.padding:
                self.line.pad(self.now)
            for _ in range(before, outlet.padded):
                self.leg.history[self.number] = (self.now, PAD_OCTETS + PACKET_OCTETS)
                self.number += 1
            if step % 10 == 0:
                came = [
                    (number - base, round((self.leg.history[number][0] + 0.03) / TICK_S))
                    for number in range(base, self.number)
                ]
                count = self.number - base
                self.line.arrivals(self.now, Arrivals(1, 2, base, count, 0, tuple(came)))
                base = self.number
                self.line.tick(self.now)

    def says(self, bitrate_bps: float) -> None:
        """The receiver's own estimate falls to this, while four times as much is sent."""
        outlet = self.slots[STAGE].outlet
        self.line.maximum(self.now, 8 * bitrate_bps)
        for _ in range(10):
            outlet.octets += round(4 * bitrate_bps / 80)
            self.wait(0.1)
        self.line.maximum(self.now, bitrate_bps)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            self.line.tick(self.now)


def test_a_line_without_trouble_is_left_alone() -> None:
    site = _Site()
    site.number = 65_000  # over the wrap
    for _ in range(100):
        site.report()
    assert site.caps == []
    assert site.line.budget_bps is None
    assert not site.line.padding
    assert site.leg.pace_bps is None


def test_a_line_that_can_be_padded_begins_with_the_lowest_layer_until_it_has_carried_more() -> None:
    site = _Site()
    site.line.begin(site.now)
    assert site.caps == [0]
    assert site.line.budget_bps is None
    assert site.leg.pace_bps is None
    site.padded(3.0)
    assert site.caps == [0, NO_CEILING]
    assert site.line.budget_bps is None


def test_a_line_whose_receiver_says_nothing_of_what_comes_is_not_held_back_for_long() -> None:
    site = _Site()
    site.line.begin(site.now)
    site.wait(FED_BACK_S + 1)
    assert site.caps == [0, NO_CEILING]


def _good_reports(site: _Site, seconds: int) -> None:
    outlet: Any = site.slots[STAGE].outlet
    for _ in range(seconds):
        outlet.packets, outlet.octets = outlet.packets + 50, outlet.octets + 20_000
        site.wait(1.0)
        site.line.reported(site.now, {outlet: 0.0}, 0.05)


def test_a_line_that_cannot_be_padded_has_layer_after_layer_while_reports_are_good() -> None:
    site = _Site(pads=False)
    site.line.begin(site.now)
    assert site.caps == [0]
    _good_reports(site, 10)
    assert site.caps == [0, 1, 2, NO_CEILING]
    assert site.line.budget_bps is None


def test_a_line_without_a_picture_to_show_is_not_taken_for_tried() -> None:
    site = _Site(pads=False)
    site.crosspoint.shown = ()
    site.line.begin(site.now)
    _good_reports(site, 20)
    site.crosspoint.shown = LAYERS
    site.wait(1.0)
    assert site.caps == [0]


def test_a_line_whose_padding_is_no_more_reported_on_goes_on_by_reports() -> None:
    site = _Site()
    site.line.begin(site.now)
    site.padded(0.3)
    site.wait(FED_BACK_S)
    padded = site.slots[STAGE].outlet.padded
    _good_reports(site, 10)
    assert site.caps == [0, 1, 2, NO_CEILING]
    assert site.slots[STAGE].outlet.padded == padded


def test_sound_alone_is_no_line_to_open() -> None:
    site = _Site(FLOOR)
    site.line.begin(site.now)
    site.wait(1.0)
    assert not site.line.padding
    assert site.caps == []


def test_a_receiver_that_stops_its_feedback_is_judged_by_its_reports() -> None:
    site = _Site()
    outlet: Any = site.slots[STAGE].outlet
    for _ in range(10):
        site.report()
    site.wait(FED_BACK_S)
    for _ in range(3):
        outlet.packets, outlet.octets = outlet.packets + 200, outlet.octets + 200_000
        site.wait(1.5)
        site.line.reported(site.now, {outlet: 0.6}, 0.05)
    assert site.line.budget_bps is not None
    assert site.caps[0] in (0, 1)


def test_heavy_loss_takes_layers_at_once_and_paces_the_rest() -> None:
    site = _Site()
    for _ in range(15):
        site.report(lost=2)
    # 20 packets of 1,028 octets in a tenth of a second, half of which came
    assert site.line.budget_bps == pytest.approx(0.5 * 8 * 200 * (1000 + DATAGRAM_OCTETS), rel=0.2)
    assert site.caps[0] == 1
    assert site.leg.pace_bps is not None


def test_remb_pauses_the_picture_and_then_the_sound_is_alone() -> None:
    site = _Site()
    site.says(150_000)
    assert site.caps == [None]
    assert site.line.paused == [STAGE]
    site.line.maximum(site.now, 1_000_000)
    site.wait(2.0)
    assert site.caps == [None, 1]
    assert site.line.paused == []


def test_a_receiver_that_counts_payload_alone_does_not_complain() -> None:
    site = _Site()
    outlet = site.slots[STAGE].outlet
    for bitrate_bps in (200_000, 85_000):
        for _ in range(10):
            # 100 kbit/s in small packets, whose headers are as much again
            outlet.octets, outlet.packets = outlet.octets + 1250, outlet.packets + 20
            site.wait(0.1)
        site.line.maximum(site.now, bitrate_bps)
    assert site.line.budget_bps is None


def test_a_receiver_that_says_less_again_and_again_has_few_decisions() -> None:
    site = _Site()
    site.says(150_000)
    looked = site.crosspoint.looked
    for _ in range(1000):
        site.now += 0.0001
        # less than the sound alone takes
        site.line.maximum(site.now, 0)
    assert site.crosspoint.looked <= looked + 2


def test_less_that_comes_right_after_a_decision_is_decided_in_the_next_turn() -> None:
    site = _Site()
    site.says(900_000)
    assert site.caps == [1]
    site.line.maximum(site.now, 100_000)
    site.wait(0.1)
    assert site.caps == [1, None]


def test_a_slot_with_nothing_to_show_is_not_paused() -> None:
    site = _Site()
    site.crosspoint.shown = ()
    site.says(50_000)
    assert site.line.paused == []


def test_a_thumbnail_takes_its_lowest_layer_alone() -> None:
    site = _Site(STAGE, THUMB, FLOOR)
    # all that the stage wants, and no more for the thumbnail, is there
    site.says(1_800_000)
    site.wait(1.0)
    assert not site.line.padding
    assert site.line.paused == []
    assert (1, site.slots[THUMB]) not in site.crosspoint.capped
    assert (2, site.slots[THUMB]) not in site.crosspoint.capped


def test_with_much_to_spare_the_best_layer_is_no_ceiling() -> None:
    site = _Site()
    site.says(600_000)
    assert site.caps == [1]
    site.line.maximum(site.now, 9_000_000)
    site.wait(2.0)
    assert site.caps == [1, NO_CEILING]


def test_what_is_missing_to_the_next_layer_is_padded_for_a_moment() -> None:
    site = _Site()
    for _ in range(15):
        site.report(lost=2)
    for _ in range(60):
        site.report(packets=10)
        if site.line.padding:
            break
    assert site.line.padding
    began, outlet = site.now, site.slots[STAGE].outlet
    while site.line.padding:
        site.now += 0.01
        site.line.pad(site.now)
    assert PROBE_S - 0.01 <= site.now - began <= PROBE_S + 0.02
    rate = 8 * outlet.padded * (PAD_OCTETS + PACKET_OCTETS) / PROBE_S
    budget = site.line.budget_bps
    assert budget is not None
    assert budget < rate < 2 * budget


def test_where_nothing_can_be_padded_the_next_layer_itself_is_the_try() -> None:
    site = _Site(pads=False)
    outlet: Any = site.slots[STAGE].outlet
    for _ in range(3):
        outlet.packets, outlet.octets = outlet.packets + 200, outlet.octets + 200_000
        site.now += 1.5
        site.line.reported(site.now, {outlet: 0.6}, 0.05)
    budget = site.line.budget_bps
    assert budget is not None
    assert site.caps[-1] == 0 or site.caps[-1] == 1
    site.wait(10.0)
    assert site.line.budget_bps is None or site.line.budget_bps > budget
    assert outlet.padded == 0


def test_feedback_that_lies_about_how_much_it_covers_is_not_believed_for_long() -> None:
    site = _Site()
    for _ in range(100):
        site.line.arrivals(site.now, Arrivals(1, 2, 7, 65_535, 0, ()))
        site.line.arrivals(site.now, Arrivals(1, 2, 7, 4_000, 0, ()))
    assert site.leg.looked_up <= MAX_STATUSES
    site.wait(0.1)
    site.report()
    assert site.line.budget_bps is None


def test_what_was_told_once_is_not_counted_again() -> None:
    site = _Site()
    for _ in range(10):
        site.report()
    for _ in range(20):
        # the same again, as lost
        site.line.arrivals(site.now, Arrivals(1, 2, 0, 200, 0, ()))
        site.wait(0.1)
    assert site.line.budget_bps is None


def test_retransmissions_have_a_share_of_a_limited_line() -> None:
    site = _Site()
    lost = list(range(400))
    assert len(site.line.resendable(site.now, STAGE, lost)) == 400
    site.says(600_000)
    first = site.line.resendable(site.now, STAGE, lost)
    site.now += 0.1
    second = site.line.resendable(site.now, STAGE, lost)
    assert 0 < len(first) < 20
    assert len(second) <= 2
    site.line.maximum(site.now, 100_000)
    assert list(site.line.resendable(site.now + 5, STAGE, lost)) == []
