"""One receiver's line: what it carries, and which layer of each picture goes over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from bridge.arrivals import TICK_S, Arrivals
from bridge.budget import NO_CEILING, Allocation, Budget, Cap, Want, opened
from bridge.crosspoint import Crosspoint, Output
from bridge.downlink import OPEN_BPS, START_BPS, Downlink, Fate
from bridge.hotpath import PAD_OCTETS, Leg, Outlet
from bridge.slot import Slot
from signaling.wire.ids import SlotName, slot_kind, slot_media

DECIDE_S = 0.5
"""How often the slots are decided anew, beside at once when the estimate falls below their cost."""
HEED_S = 0.05
"""After a decision, the next one waits so long: a flood of reports costs no more than a few."""
PAD_S = 0.01
"""The pace of padding."""
DATAGRAM_OCTETS = 28
"""IP and UDP."""
PACKET_OCTETS = 64
"""Beside the payload: IP and UDP, RTP with its extension, SRTP's tag."""
OVERHEAD = 1.1
"""The same on top of a layer's rate."""
AUDIO_RESERVE_BPS = 60_000.0
"""One voice, packet headers included: kept free while nobody speaks."""
SPARE_BPS = 1_500_000.0
"""With so much to spare, a picture at its best has no ceiling: the next source may have more."""
PACE = 1.5
"""How much faster than the estimate a burst leaves."""
RESENT_SHARE, RESENT_OCTETS, RESENT_BURST = 0.25, 1_200, 8
"""Of a limited line, what retransmissions may take: more of them would only fill the queue."""
SHOWN_S = 1.0
"""A peer's own estimate is compared with what it was sent in so long, up to a half more."""
REPORTED_S = 0.9
"""Receiver reports are judged over so long at least."""
MAX_STATUSES = 10_000
"""Packets that feedback is read for between two looks; a receiver that lies costs no more."""
_MIN_REPORTED = 20
_SMOOTHING = 0.4


class Line:
    """Estimates one receiver's path, shares it among its slots and has them capped.

    `slots` are those of the session by name; pictures among them may be capped, sound never is.
    Call `tick` when it is `due`, and `pad` at `PAD_S` while `padding`; `carry_out` is given what
    the crosspoint wants done. `now` is a monotonic clock in seconds, the same in all calls.
    """

    def __init__(
        self,
        now: float,
        leg: Leg,
        slots: Mapping[SlotName, Slot],
        crosspoint: Crosspoint,
        carry_out: Callable[[Sequence[Output]], None],
    ) -> None:
        self.paused: list[SlotName] = []
        self._leg = leg
        self._crosspoint = crosspoint
        self._carry_out = carry_out
        self._pictures = {name: one for name, one in slots.items() if slot_media(name) == "video"}
        self._sounds = [one.outlet for name, one in slots.items() if slot_media(name) == "audio"]
        self._outlets = [one.outlet for one in slots.values()]
        self._downlink = Downlink(now)
        self._budget = Budget()
        self._rates: dict[tuple[SlotName, int], float] = {}
        self._caps: dict[SlotName, Cap] = dict.fromkeys(self._pictures, NO_CEILING)
        self._allocation: Allocation | None = None
        self._careful = False
        self.due = now
        self._decided_at = now - HEED_S
        self._padded = 0
        self._pads: Outlet | None = None
        self._paced_bps: float | None = None
        # transport-wide feedback: the next number to hear of, and the peer's clock
        self._next = 0
        self._ticks: int | None = None
        self._statuses = MAX_STATUSES
        self._shown = deque([(now, 0)], maxlen=3)
        self._sound_before = (now, 0)
        self._sound_bps = 0.0
        self._reported_at = now
        self._reported_before = dict.fromkeys(self._outlets, 0)
        self._reported_octets = 0
        self._losses: list[tuple[int, float]] = []
        self._resends, self._resends_at = float(RESENT_BURST), now

    @property
    def budget_bps(self) -> float | None:
        """What the path is taken to carry; None while nothing limits it and nothing is known."""
        estimate_bps = self._downlink.estimate_bps
        return None if estimate_bps >= START_BPS or self._downlink.opening else estimate_bps

    @property
    def padding(self) -> bool:
        """Whether `pad` is to be called."""
        return self._downlink.prober.active

    def begin(self, now: float) -> None:
        """The receiver is connected, and its slots are in the crosspoint: its line is opened with
        care."""
        if self._pictures:
            self._careful = True
            self._downlink.begin(now, padded=any(one.pads for one in self._outlets))
            self._decide(now)

    # --- what the receiver says -----------------------------------------------------------------

    def arrivals(self, now: float, report: Arrivals) -> None:
        """Transport-wide feedback."""
        if report.count > self._statuses:
            return
        self._statuses -= report.count
        if not self._downlink.feeds_back(now):
            self._next = report.base
        came = dict(report.came)
        fates = []
        for number, sent_s, octets in self._leg.sent(report.base, report.count):
            if (number - self._next) & 0x8000:
                continue  # it was told before
            self._next = (number + 1) & 0xFFFF
            ticks = came.get((number - report.base) & 0xFFFF)
            arrived_s = None if ticks is None else self._peer_s(ticks)
            fates.append(Fate(sent_s, octets + DATAGRAM_OCTETS, arrived_s))
        if fates:
            judging = self._downlink.prober.judging
            self._downlink.feedback(now, fates)
            if judging and not self._downlink.prober.judging:
                self.due = now
            self._heed(now)

    def maximum(self, now: float, bitrate_bps: float) -> None:
        """REMB: it is of pictures alone, and of their payload: headers are not counted by who
        writes it."""
        at, octets = self._shown[0]
        sent_bps = 8 * (self._picture_octets() - octets) / max(now - at, SHOWN_S)
        self._downlink.maximum(now, bitrate_bps + self._sound_bps, sent_bps + self._sound_bps)
        self._heed(now)

    def reported(self, now: float, losses: Mapping[Outlet, float], rtt_s: float | None) -> None:
        """Receiver reports: the loss ratio of some slots, and the round trip."""
        if rtt_s is not None:
            self._downlink.rtt_s = rtt_s
        if self._downlink.feeds_back(now):
            return
        for outlet, ratio in losses.items():
            before, self._reported_before[outlet] = self._reported_before[outlet], outlet.packets
            self._losses.append((outlet.packets - before, ratio))
        passed_s = now - self._reported_at
        if passed_s < REPORTED_S:
            return
        octets = self._octets()
        packets = sum(count for count, _ in self._losses)
        if packets >= _MIN_REPORTED:
            ratio = sum(count * one for count, one in self._losses) / packets
            sent_bps = 8 * (octets - self._reported_octets) / passed_s
            self._downlink.reported(now, ratio, rtt_s, sent_bps)
            self._heed(now)
        self._losses.clear()
        self._reported_at, self._reported_octets = now, octets

    def resendable(self, now: float, name: SlotName, lost: Sequence[int]) -> Sequence[int]:
        """Those of the lost packets that the line has room for once more."""
        budget_bps = self.budget_bps
        if budget_bps is None:
            return lost
        if self._caps.get(name) is None:
            return ()
        self._resends += (now - self._resends_at) * RESENT_SHARE * budget_bps / 8 / RESENT_OCTETS
        self._resends = min(self._resends, float(RESENT_BURST))
        self._resends_at = now
        allowed = lost[: int(self._resends)]
        self._resends -= len(allowed)
        return allowed

    # --- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look after it."""
        self._statuses = MAX_STATUSES
        if now >= self._shown[-1][0] + SHOWN_S / 2:
            self._shown.append((now, self._picture_octets()))
        trying = self._downlink.opening and not self._downlink.climbs(now)
        self._downlink.tick(now)
        self.due = now if trying else now + DECIDE_S
        self._decide(now)

    def pad(self, now: float) -> None:
        """Send the padding that is due; the caller sees to it that it leaves."""
        due = self._downlink.prober.due(now, self._octets())
        if self._pads is not None and due >= PAD_OCTETS:
            sent = self._pads.pad(now, due // (PAD_OCTETS + PACKET_OCTETS) or 1)
            self._padded += sent * (PAD_OCTETS + PACKET_OCTETS)

    def _heed(self, now: float) -> None:
        """Something was heard: less is decided at once, and that all is well."""
        if self._careful and not self._downlink.opening:
            self._careful = False
            self._decide(now)
            return
        allocation = self._allocation
        limited = self._downlink.estimate_bps < START_BPS and not self._downlink.opening
        if (allocation is None and limited) or (
            allocation is not None and self._downlink.estimate_bps < allocation.cost_bps
        ):
            if now >= self._decided_at + HEED_S:
                self._decide(now)
            else:
                self.due = now

    # --- the decision ---------------------------------------------------------------------------

    def _decide(self, now: float) -> None:
        self._hear_sound(now)
        estimate_bps = self._downlink.estimate_bps
        if self._allocation is None and estimate_bps >= START_BPS:
            # nothing was ever wrong with it
            for name in self._pictures:
                self._cap(now, name, NO_CEILING)
            return
        wants = [self._want(name, slot) for name, slot in self._pictures.items()]
        audio_bps = max(AUDIO_RESERVE_BPS, self._sound_bps)
        if self._downlink.opening:
            self._open(now, estimate_bps, audio_bps, wants)
            return
        self._decided_at = now
        made = self._allocation = self._budget.allocate(now, estimate_bps, audio_bps, wants)
        roomy = estimate_bps - made.cost_bps >= SPARE_BPS
        self._downlink.needed_bps = made.cost_bps
        for want in wants:
            cap = made.caps[want.slot]
            if roomy and cap is not None and want.layers and cap == want.layers[-1][0]:
                cap = NO_CEILING
            self._cap(now, want.slot, cap)
        self.paused = [want.slot for want in wants if want.layers and self._caps[want.slot] is None]
        self._pace(estimate_bps)
        if made.next_bps is not None:
            self._try(now, estimate_bps, made.next_bps)

    def _open(
        self, now: float, estimate_bps: float, audio_bps: float, wants: Sequence[Want]
    ) -> None:
        """Nothing is known of it yet."""
        climbs = self._downlink.climbs(now)
        made = opened(estimate_bps if climbs else 0.0, audio_bps, wants)
        for name, cap in made.caps.items():
            self._cap(now, name, cap)
        self._downlink.needed_bps = made.cost_bps
        # without a picture there is nothing that could be a try
        shows = any(one.layers for one in wants)
        self._downlink.next_bps = made.next_bps if shows else estimate_bps
        if not climbs:
            self._try(now, estimate_bps, OPEN_BPS)

    def _cap(self, now: float, name: SlotName, cap: Cap) -> None:
        before = self._caps[name]
        if cap != before:
            self._caps[name] = cap
            if cap is not None and (before is None or cap > before):
                self._downlink.gained(now)
            self._carry_out(self._crosspoint.cap(now, self._pictures[name], cap))

    def _want(self, name: SlotName, slot: Slot) -> Want:
        """What the slot could carry; a thumbnail never wants more than its lowest layer."""
        infos = self._crosspoint.layers(slot)
        if slot_kind(name) == "thumb":
            infos = infos[:1]
        layers = []
        for info in infos:
            key = (name, info.rank)
            before = self._rates.get(key, info.bitrate_bps)
            rate = before + _SMOOTHING * (info.bitrate_bps - before)
            self._rates[key] = rate
            layers.append((info.rank, OVERHEAD * rate))
        return Want(name, tuple(layers))

    def _try(self, now: float, estimate_bps: float, wanted_bps: float) -> None:
        """See whether the path carries more, by padding; where that cannot be, by doing it."""
        prober = self._downlink.prober
        self._pads = next((one for one in self._outlets if one.pads), None)
        if not prober.plan(now, estimate_bps, wanted_bps, self._octets()):
            return
        opening = self._downlink.opening
        if self._pads is None or not (opening or self._downlink.feeds_back(now)):
            self._downlink.trust(now, wanted_bps)

    def _pace(self, estimate_bps: float) -> None:
        before = self._paced_bps
        if before is None or not 0.9 * before < estimate_bps < 1.1 * before:
            self._paced_bps = estimate_bps
            self._leg.pace(PACE * estimate_bps)

    # --- figures --------------------------------------------------------------------------------

    def _hear_sound(self, now: float) -> None:
        """What the sound takes: it follows a rise at once, a fall slowly."""
        octets = sum(one.octets + PACKET_OCTETS * one.packets for one in self._sounds)
        at, before = self._sound_before
        if now - at < DECIDE_S / 2:
            return
        rate = 8 * (octets - before) / (now - at)
        self._sound_before = now, octets
        self._sound_bps = max(rate, 0.9 * self._sound_bps)

    def _picture_octets(self) -> int:
        return sum(slot.outlet.octets for slot in self._pictures.values())

    def _octets(self) -> int:
        """On the wire so far, by slots and padding."""
        return self._padded + sum(one.octets + PACKET_OCTETS * one.packets for one in self._outlets)

    def _peer_s(self, ticks: int) -> float:
        """The peer's time, whose ticks come modulo 2^32."""
        before = ticks if self._ticks is None else self._ticks
        self._ticks = before + ((ticks - before + 2**31) & 0xFFFFFFFF) - 2**31
        return self._ticks * TICK_S
