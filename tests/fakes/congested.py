"""A receiver behind a bottleneck, fed from layers as a bridge feeds it: the loop, closed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bridge.budget import Allocation, Budget, Cap, Want, opened
from bridge.downlink import OPEN_BPS, Downlink, Fate
from signaling.wire.ids import SlotName
from tests.fakes.bottleneck import Bottleneck

LAYERS = ((0, 120_000.0), (1, 400_000.0), (2, 1_200_000.0))
STAGE = SlotName("stage:1")
STEP_S = 0.005
FEEDBACK_S = 0.1
REPORT_S = 1.0
DECIDE_S = 0.5
AUDIO_BPS = 48_000.0
HEAD = 60
"""Octets of IP, UDP, SRTP and RTP."""


@dataclass
class Congested:
    """Runs in simulated time. The receiver `says` when each packet came (it can be sent padding
    then), or its loss and round trip once a second, or nothing. `history` has (time, rank or None)
    of each change of the layer; `waited` has how long each sound packet was on its way, None for
    those that were lost."""

    path: Bottleneck
    layers: tuple[tuple[int, float], ...] = LAYERS
    says: Literal["arrivals", "reports", "nothing"] = "arrivals"
    seed: int = 7
    now: float = 100.0
    wall: float = 5000.0
    """The receiver's clock is ahead by this."""
    history: list[tuple[float, Cap]] = field(default_factory=list)
    waited: deque[tuple[float, float | None]] = field(default_factory=deque)
    padding: int = 0
    estimates: list[tuple[float, float]] = field(default_factory=list)
    allocation: Allocation | None = None

    def __post_init__(self) -> None:
        self.downlink = Downlink(self.now)
        self.downlink.begin(self.now, padded=self.says != "reports")
        self.budget = Budget()
        self._random = random.Random(self.seed)
        self._octets = 0
        self._flight: deque[Fate] = deque()
        self._mail: deque[tuple[float, list[Fate]]] = deque()
        self._heard_at = self._reported_at = self.now
        self._reported_octets = 0
        self._decide_at = self.now
        self._audio_at = self.now
        self._frame_at = self.now
        self._keyframe = True
        self._shown: Cap = None

    @property
    def shown(self) -> Cap:
        """The rank of the layer that flows."""
        return self._shown

    def run(self, seconds: float, each: Callable[[float], None] | None = None) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self._step()
            if each is not None:
                each(self.now)
            self.now += STEP_S

    def switches(self, since: float = 0.0) -> int:
        """Changes of the layer since then; the first picture is none."""
        return sum(at >= since for at, _ in self.history[1:])

    def _step(self) -> None:
        now = self.now
        if self.says == "arrivals" and now >= self._heard_at + FEEDBACK_S:
            self._collect()
        if self.says == "reports" and now >= self._reported_at + REPORT_S:
            self._report()
        while self._mail and self._mail[0][0] <= now:
            judging = self.downlink.prober.judging
            self.downlink.feedback(now, self._mail.popleft()[1])
            if judging and not self.downlink.prober.judging:
                self._decide_at = now
            self.estimates.append((now, self.downlink.estimate_bps))
        assert self.downlink.estimate_bps > 0
        cost = self.allocation.cost_bps if self.allocation else 0.0
        opening = self.downlink.opening and now >= self._decide_at - DECIDE_S + FEEDBACK_S
        if now >= self._decide_at or self.downlink.estimate_bps < cost or opening:
            self._decide()
        if now >= self._audio_at:
            self._audio_at += 0.02
            came = self._send(60 + HEAD)
            self.waited.append((now, None if came is None else came - now))
        if now >= self._frame_at:
            self._frame_at += 0.04
            self._frame()
        for _ in range(64 if self.says != "reports" else 0):
            due = self.downlink.prober.due(now, self._octets)
            if due < 250:
                break
            self.padding += 255 + HEAD
            self._send(255 + HEAD)

    def _decide(self) -> None:
        now = self.now
        self._decide_at = now + DECIDE_S
        self.downlink.tick(now)
        wants = [Want(STAGE, self.layers)]
        if self.downlink.opening:
            estimate_bps, climbs = self.downlink.estimate_bps, self.downlink.climbs(now)
            made = opened(estimate_bps if climbs else 0.0, AUDIO_BPS, wants)
            self._show(made.caps[STAGE])
            self.downlink.needed_bps, self.downlink.next_bps = made.cost_bps, made.next_bps
            if not climbs:
                self.downlink.prober.plan(now, estimate_bps, OPEN_BPS, self._octets)
            return
        self.allocation = self.budget.allocate(now, self.downlink.estimate_bps, AUDIO_BPS, wants)
        self.downlink.needed_bps = self.allocation.cost_bps
        cap = self.allocation.caps[STAGE]
        self._show(None if cap is None else min(cap, self.layers[-1][0]))
        next_bps = self.allocation.next_bps
        if next_bps is not None:
            prober = self.downlink.prober
            begun = prober.plan(now, self.downlink.estimate_bps, next_bps, self._octets)
            if begun and self.says == "reports":
                self.downlink.trust(now, next_bps)

    def _show(self, rank: Cap) -> None:
        if rank is not None and rank > (-1 if self._shown is None else self._shown):
            self.downlink.gained(self.now)
        if rank != self._shown or not self.history:
            self._shown, self._keyframe = rank, True
            self.history.append((self.now, rank))

    def _frame(self) -> None:
        if self._shown is None:
            return
        rate_bps = dict(self.layers)[self._shown]
        octets = int(rate_bps / 8 * 0.04 * self._random.uniform(0.7, 1.3))
        if self._keyframe:
            octets, self._keyframe = octets * 6, False
        while octets > 0:
            size = min(1150, octets)
            self._send(size + HEAD)
            octets -= size

    def _send(self, octets: int) -> float | None:
        self._octets += octets
        came = self.path.send(self.now, octets)
        self._flight.append(Fate(self.now, octets, None if came is None else came + self.wall))
        return came

    def _collect(self) -> None:
        self._heard_at = self.now
        told = self._told()
        if told:
            self._mail.append((self.now + self.path.delay_s, told))

    def _report(self) -> None:
        """Loss and round trip."""
        told = self._told()
        if told:
            last = told[-1]
            assert last.arrived_s is not None
            lost = sum(one.arrived_s is None for one in told) / len(told)
            rtt_s = last.arrived_s - self.wall - last.sent_s + self.path.delay_s
            sent_bps = 8 * (self._octets - self._reported_octets) / (self.now - self._reported_at)
            self.downlink.reported(self.now, lost, rtt_s, sent_bps)
            self.estimates.append((self.now, self.downlink.estimate_bps))
        self._reported_at, self._reported_octets = self.now, self._octets

    def _told(self) -> list[Fate]:
        """What the receiver knows by now: all up to the last packet that it has."""
        known = 0
        for index, fate in enumerate(self._flight):
            if fate.arrived_s is not None and fate.arrived_s - self.wall <= self.now:
                known = index + 1
        return [] if self.path.cut else [self._flight.popleft() for _ in range(known)]
