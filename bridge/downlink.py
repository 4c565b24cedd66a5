"""How much the path to one receiver can carry, from what the receiver sends.

Three kinds of peer: with transport-wide feedback, after draft-ietf-rmcat-gcc-02 (delay §5, loss
§6, AIMD §5.5); with REMB (draft-alvestrand-rmcat-remb-03), which the peer reckons; with receiver
reports alone, whose loss and round trip tell when it is too much. What differs from the draft
follows from being no sender that fills the path: it is cut to what really arrived, and beyond what
is sent it grows by probes alone (`probing.py`). An unknown path opens first, from `CAREFUL_BPS` on,
up to where it is taken for good: by padding where that can be, else the next layer itself is the
try, and whatever the peer says of it the proof.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from bridge.delay import DelayDetector
from bridge.probing import Prober

START_BPS = 20_000_000.0
"""Before the first cut: an operator's wall of 63 thumbnails and the program at full quality."""
CAREFUL_BPS = 300_000.0
"""What any path is taken to carry: the sound and a small picture."""
OPEN_BPS, ENOUGH = 2_000_000.0, 0.8
"""What a path is tried for to be taken for good: a stage at its best; losses may take a part of
it."""
FED_BACK_S = 3.0
"""Without transport-wide feedback for so long a peer gives none, or none any more; one that has
said nothing at all by then never will."""
CLIMB_S, TRIED_S, EMPTY_S = 1.5, 4.0, 4.0
"""Where the next layer is the try: while the path opens it flows for so long before more is tried;
so long after the try one bad word is enough to end it; and then its queue has so long to empty, and
a peer's estimate to rise again."""
MIN_BPS = 40_000.0
MAX_BPS = 100_000_000.0
CUT = 0.85
"""After overuse, as a part of what arrived (§5.5)."""
CUT_AGAIN_S = 0.3
"""Between cuts, beside the round trip: the effect of the last one must be seen first."""
GROWTH_PER_S = 1.08
"""While what flows comes near the estimate (§5.5)."""
ARRIVED_S = 0.5
"""The window over which the rate of arrivals is taken."""
MODERATE_LOSS, MODERATE_LOSS_S = 0.10, 4.0
"""Above, over this time: the path is full (§6). Shorter, and chance would pass for a full queue."""
HEAVY_LOSS, HEAVY_LOSS_S = 0.25, 1.0
"""Above: it is certain at once."""
TRIED_LOSS = 0.15
"""Above: a try has failed, be it known from a few packets only."""
MIN_LOSS_PACKETS = 25
SILENCE_S = 1.0
"""Without feedback for so long the path was cut, not full: what was lost meanwhile says nothing."""
CLOCK_SET_S = 10.0
"""From one packet to the next, no queue grows so much: the peer's clock was set, or it lies."""
PEER_SHARE = 0.8
"""A peer's own estimate follows what it is sent, between 0.85 and 1.5 times that; below this part
of it, it says that it is too much …"""
PEER_STILL_S, PEER_STEP = 3.0, 0.05
"""… if it fell by such a step, or has not risen by one for so long: after a better layer has begun
it takes a while to catch up."""
LONG_TRIP_S, TRIED_TRIP_S = 0.3, 0.1
"""Beyond the least round trip: a queue, where nothing else tells of it. Less is enough to end a
try."""


class Fate(NamedTuple):
    """What became of a packet: sent at, octets on the wire, arrived at by the peer's clock (None:
    not). Seconds."""

    sent_s: float
    octets: int
    arrived_s: float | None


class Downlink:
    """The estimate for one receiver; give it whatever the receiver says, and the time.

    `estimate_bps` is what may be sent, everything included. While it is `opening` (see `begin`)
    that is not known yet: send no more than what matters most, and try for `OPEN_BPS`, or, if it
    `climbs`, send what fits into the estimate. `prober` says when to pad; hand it the wishes.
    `cuts` counts how often the estimate was lowered. Set by the owner: `needed_bps` is what flows,
    a probe that fails does not take the estimate below it; `next_bps` is what one layer more needs,
    None if all that there is flows.
    """

    def __init__(self, now: float) -> None:
        self.prober = Prober(now)
        self.cuts = 0
        self.needed_bps = MIN_BPS
        self.next_bps: float | None = CAREFUL_BPS
        self.rtt_s = 0.1
        self.opening = False
        self._begun_at = now
        self._climbed_at = now
        self._tried_at = now - TRIED_S
        self._before_bps = CAREFUL_BPS
        self._awaited = False
        self._empty_at = now
        self._padded = False
        self._heard = False
        self._own_bps = START_BPS
        self._detector = DelayDetector()
        self._arrived = _Rate(ARRIVED_S)
        self._clock_s: float | None = None
        self._losses = _Losses(MODERATE_LOSS_S)
        self._late_losses = _Losses(HEAVY_LOSS_S)
        self._feedback_at: float | None = None
        self._deaf_until = now - 60.0
        self._updated_at = now
        self._cut_at = now - 60.0
        self._peer_bps = 0.0
        self._peer_at = now
        self._least_rtt_s: float | None = None
        self._bad_report = False

    @property
    def estimate_bps(self) -> float:
        """The capacity, bits per second."""
        return self._own_bps

    @property
    def queue_s(self) -> float:
        """What packets wait for on the way, as far as it is known."""
        return self._detector.queue_s

    def begin(self, now: float, *, padded: bool) -> None:
        """Open the path with care; `padded` says whether it can be."""
        self.opening, self._padded, self._own_bps = True, padded, CAREFUL_BPS
        self._begun_at = self._climbed_at = now

    def climbs(self, now: float) -> bool:
        """While it opens: whether layers are the tries, since padding cannot be, or is not answered
        by transport-wide feedback."""
        answered_at = self._begun_at if self._feedback_at is None else self._feedback_at
        return not self._padded or now >= answered_at + FED_BACK_S

    def feeds_back(self, now: float) -> bool:
        """Whether transport-wide feedback comes."""
        return self._feedback_at is not None and now < self._feedback_at + FED_BACK_S

    # --- what the receiver says -----------------------------------------------------------------

    def feedback(self, now: float, fates: Iterable[Fate]) -> None:
        """Transport-wide feedback: the fates of packets, in the order in which they were sent."""
        if self._feedback_at is not None and now > self._feedback_at + SILENCE_S:
            self._detector.restart()
            self._arrived.clear()
            self._forget_losses()
            self._deaf_until = now
        self._feedback_at, self._heard = now, True
        over = self._take(fates)
        if over or self._detector.overfull:
            self._overused(now)
        else:
            self._grow(now)
        self._heed_losses(now)
        if not self._lossy:
            self._climb(now)
        outcome = self.prober.judge(now)
        if outcome is not None:
            rate_bps = outcome.rate_bps if outcome.passed else 0.9 * outcome.rate_bps
            self._own_bps = min(max(self._own_bps, rate_bps), MAX_BPS)
            self.opening = self.opening and outcome.passed
        if self.opening and self._own_bps >= ENOUGH * OPEN_BPS:
            self._open()
        self._updated_at = now

    def maximum(self, now: float, bitrate_bps: float, sent_bps: float) -> None:
        """REMB: the peer's own estimate, or the most that it wants, of streams of which `sent_bps`
        were sent in the last second. Of no weight beside feedback, from which we know more."""
        self._heard = True
        before = self._peer_bps
        fell = bitrate_bps < (1 - PEER_STEP) * before
        if fell or bitrate_bps > (1 + PEER_STEP) * before:
            self._peer_bps, self._peer_at = bitrate_bps, now
        if self.feeds_back(now) or now < self._empty_at:
            return
        if bitrate_bps < PEER_SHARE * sent_bps:
            if (fell or now >= self._peer_at + PEER_STILL_S) and not self._undo(now):
                self._lower(now, bitrate_bps)
            return
        if bitrate_bps >= sent_bps:
            self._own_bps = max(self._own_bps, min(bitrate_bps, MAX_BPS))
            if self.opening and self._own_bps >= ENOUGH * OPEN_BPS:
                # who only follows what it is sent never says so
                self._open()
        self._climb(now)

    def reported(self, now: float, loss_ratio: float, rtt_s: float | None, sent_bps: float) -> None:
        """Receiver reports, where there is no feedback: loss over all streams since the last ones,
        the round trip, and what was sent meanwhile. Two bad ones in a row are believed."""
        self._heard = True
        queue_s = 0.0
        if rtt_s is not None:
            self.rtt_s = rtt_s
            self._least_rtt_s = min(rtt_s, self._least_rtt_s or rtt_s)
            queue_s = rtt_s - self._least_rtt_s
        if self.feeds_back(now) or now < self._empty_at:
            return
        if loss_ratio <= TRIED_LOSS and queue_s <= TRIED_TRIP_S:
            self._climb(now)
        elif self._undo(now):
            return
        bad, self._bad_report = (
            self._bad_report,
            loss_ratio > MODERATE_LOSS or queue_s > LONG_TRIP_S,
        )
        if not (bad and self._bad_report):
            return  # once is a hiccup of either side
        if loss_ratio > MODERATE_LOSS:
            kept = 1 - loss_ratio if loss_ratio > HEAVY_LOSS else 1 - loss_ratio / 2
            self._cut(now, kept * sent_bps)
        else:
            self._cut(now, CUT * sent_bps)

    def tick(self, now: float) -> None:
        """Time passes: a probe and an opening without feedback are over."""
        self.prober.judge(now)
        if self.opening and not self._heard and now > self._begun_at + FED_BACK_S:
            self._open()

    def trust(self, now: float, bitrate_bps: float) -> None:
        """Where nothing can be probed, the next layer itself is the try: take its rate as given
        until reports say otherwise."""
        if bitrate_bps > self._own_bps:
            self._climbed_at = self._tried_at = now
            self._before_bps, self._awaited = self._own_bps, True
            self._own_bps = min(bitrate_bps, MAX_BPS)
            self.prober.assume(now)

    def gained(self, now: float) -> None:
        """More flows from now on: if that is what was tried for, the try begins."""
        if self._awaited:
            self._climbed_at = self._tried_at = now
            self._awaited = False

    # --- the machine ----------------------------------------------------------------------------

    def _open(self) -> None:
        self.opening, self._own_bps = False, START_BPS

    def _climb(self, now: float) -> None:
        """What flows is not too much: if that is known of the last gain too, try the next."""
        if not self.opening or not self.climbs(now) or now < self._climbed_at + CLIMB_S:
            return
        if self.next_bps is None or self._own_bps >= ENOUGH * OPEN_BPS:
            self._open()
        elif self.next_bps > self._own_bps:
            self.trust(now, self.next_bps)

    def _undo(self, now: float) -> bool:
        """If a gain was tried just now, it may be too much: back to what flowed before, which is
        proven, and no more of that soon."""
        if now >= self._tried_at + TRIED_S:
            return False
        self.opening = self._bad_report = self._awaited = False
        self._own_bps = min(self._own_bps, self._before_bps)
        self._tried_at = now - TRIED_S
        self._cut_at, self._empty_at = now, now + EMPTY_S
        self.cuts += 1
        self.prober.cut(now)
        return True

    def _take(self, fates: Iterable[Fate]) -> bool:
        """Hand the fates to whom they concern; whether the path is overused now."""
        arrived, prober = self._arrived, self.prober
        probing = prober.active or prober.judging
        count = lost = octets = 0
        first_s = last_s = 0.0
        over = False
        for sent_s, size, arrived_s in fates:
            if probing:
                prober.fate(sent_s, size, arrived_s)
            if sent_s > self._deaf_until:
                first_s, last_s = first_s or sent_s, sent_s
                count += 1
                octets += size
                lost += arrived_s is None
            if arrived_s is not None:
                self._heed_clock(arrived_s - sent_s)
                arrived.add(arrived_s, size)
                # what was sent before the last cut still waits in the queue that made for it
                if self._detector.packet(sent_s, arrived_s) == "over" and sent_s > self._cut_at:
                    over = True
        if probing:
            prober.heed()
        if count:
            for losses in (self._losses, self._late_losses):
                losses.add(first_s, last_s, count, lost, octets)
        return over

    def _heed_clock(self, ahead_s: float) -> None:
        """How far the peer's clock is ahead of ours, delay included: a jump begins it all anew."""
        before, self._clock_s = self._clock_s, ahead_s
        if before is not None and abs(ahead_s - before) > CLOCK_SET_S:
            self._detector = DelayDetector()
            self._arrived.clear()

    def _overused(self, now: float) -> None:
        rate_bps = self._arrived.bps
        if rate_bps is not None:
            self._cut(now, CUT * rate_bps)

    def _heed_losses(self, now: float) -> None:
        for losses, bound in ((self._late_losses, HEAVY_LOSS), (self._losses, MODERATE_LOSS)):
            ratio = losses.ratio
            if ratio is None or ratio <= bound:
                continue
            kept = 1 - ratio if ratio > HEAVY_LOSS else 1 - ratio / 2
            self._cut(now, kept * min(self._own_bps, losses.sent_bps))
            return

    @property
    def _lossy(self) -> bool:
        return self._losses.ratio is not None and self._losses.ratio > MODERATE_LOSS / 2

    def _forget_losses(self) -> None:
        self._losses.clear()
        self._late_losses.clear()

    def _cut(self, now: float, bitrate_bps: float) -> None:
        if now >= self._cut_at + CUT_AGAIN_S + self.rtt_s:
            self._lower(now, bitrate_bps)

    def _lower(self, now: float, bitrate_bps: float) -> None:
        self._deaf_until = now
        self._forget_losses()
        probing = self.prober.active or self.prober.judging
        self.opening = self._awaited = False
        self.prober.cut(now)
        if probing:
            # it was the padding: what flows without it is proven, so it costs nothing of that
            self._own_bps = min(self._own_bps, max(CUT * self._own_bps, self.needed_bps))
            self._cut_at = now
        elif bitrate_bps < self._own_bps:
            self._own_bps = max(MIN_BPS, bitrate_bps)
            self._cut_at = now
            self.cuts += 1

    def _grow(self, now: float) -> None:
        """Only while what arrives comes near the estimate: else there is no evidence for more."""
        rate_bps = self._arrived.bps
        if rate_bps is None or self._detector.usage != "normal":
            return
        if self._lossy:
            return
        if self.opening:
            self._own_bps = max(self._own_bps, rate_bps)
        passed_s = min(now - self._updated_at, 1.0)
        grown = self._own_bps * GROWTH_PER_S**passed_s
        if self._own_bps < 1.2 * rate_bps:
            self._own_bps = min(grown, 1.2 * rate_bps, MAX_BPS)


class _Rate:
    """Bits per second over the last while of arrivals, by the peer's clock, in steps of 5 ms."""

    _STEP_S = 0.005

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._steps: deque[list[float]] = deque()  # since when, until when, octets
        self._octets = 0.0

    def clear(self) -> None:
        self._steps.clear()
        self._octets = 0.0

    def add(self, at: float, octets: int) -> None:
        steps = self._steps
        self._octets += octets
        if steps and at < steps[-1][0] + self._STEP_S:
            steps[-1][1] = at
            steps[-1][2] += octets
            return
        steps.append([at, at, octets])
        while steps[0][0] < at - self._span_s:
            self._octets -= steps.popleft()[2]

    @property
    def bps(self) -> float | None:
        """None until enough came."""
        if len(self._steps) < 5:
            return None
        span_s = self._steps[-1][1] - self._steps[0][1]
        if span_s < self._span_s / 4:
            return None
        return 8 * (self._octets - self._steps[0][2]) / span_s


class _Losses:
    """What was lost of the packets of the last while, by when they were sent, report by report."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._reports: deque[tuple[float, float, int, int, int]] = deque()
        self._count = self._lost = self._octets = 0

    def clear(self) -> None:
        self._reports.clear()
        self._count = self._lost = self._octets = 0

    def add(self, first_s: float, last_s: float, count: int, lost: int, octets: int) -> None:
        """A report about `count` packets that were sent between these times."""
        reports = self._reports
        reports.append((first_s, last_s, count, lost, octets))
        self._count += count
        self._lost += lost
        self._octets += octets
        while reports[0][0] < last_s - self._span_s and len(reports) > 1:
            _, _, count, lost, octets = reports.popleft()
            self._count -= count
            self._lost -= lost
            self._octets -= octets

    @property
    def ratio(self) -> float | None:
        """None until most of the window has passed, with packets enough to tell."""
        if self._count < MIN_LOSS_PACKETS or self._sent_for_s < 0.7 * self._span_s:
            return None
        return self._lost / self._count

    @property
    def sent_bps(self) -> float:
        """The rate of what was sent in the window."""
        return 8 * self._octets / max(self._sent_for_s, 0.1)

    @property
    def _sent_for_s(self) -> float:
        return self._reports[-1][1] - self._reports[0][0]
