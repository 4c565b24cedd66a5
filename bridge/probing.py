"""When a receiver's path is tried for more than it carries, and whether that went well.

A bridge sends what its sources send, seldom as much as a path can carry, so an estimate that was
cut never grows by itself. When a higher layer is wanted, what is missing to its rate is padded for
a moment (draft-ietf-rmcat-gcc-02 §5.5 leaves that open). Each try climbs by a factor, so that a
slow path is never flooded: a small one after a failure, when the path's capacity is near, a larger
one with every success. Each that fails, or is undone soon after, doubles the wait for the next.
"""

from __future__ import annotations

from dataclasses import dataclass

PROBE_S = 0.4
"""Long enough to outlast the bucket of a rate limiter, too short to be heard in the sound."""
CLIMB = 1.3
"""How much more than the estimate one try sends: what is too much is only a little too much."""
MORE_CLIMB, MOST_CLIMB = 0.35, 2.0
"""What each success adds to that, up to the second, with which a path is tried that has never
failed: `PROBE_S` of it is soon over where it is too much."""
QUEUE_S = 0.06
"""A try whose packets wait so much longer than its first ones is over: the sound waits as well."""
FIRST_WAIT_S = 3.0
LONGEST_WAIT_S = 6.0
"""A try that fails is not heard, so the return of a better path need not wait for long."""
ASSUMED_S, LONGEST_ASSUMED_WAIT_S = 5.0, 24.0
"""Where a better layer itself is the try, the next one waits until reports have judged it; one that
fails is heard, so the waits may become longer."""
PROVEN_S = 20.0
"""What holds so long was a success; what is cut sooner failed."""
JUDGE_S = 1.5
"""How long after the last padding its feedback is waited for."""
MIN_ARRIVED = 0.8
"""Of the packets of a probe, so many must come: loss at random is not a reason to fail."""
MIN_RATE = 0.88
"""The rate at which they come, as a part of the rate at which they were sent."""
MIN_PACKETS = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a try: the rate at which its packets came, and whether the path carried them all."""

    rate_bps: float
    passed: bool


class Prober:
    """Decides when to try, and how fast; the caller sends the padding.

    Call `plan` regularly with what is wanted; while `active`, send `due` octets of padding each
    time it is asked, and hand over the fates of all packets.
    """

    def __init__(self, now: float) -> None:
        self.rate_bps = 0.0
        self._began: float | None = None
        self._ended: float | None = None
        self._next_at = now
        self._wait_s = FIRST_WAIT_S
        self._longest_s = LONGEST_WAIT_S
        self._climb = MOST_CLIMB
        self._risen_at: float | None = None
        self._octets_before = 0
        self._queued = False
        self._fates: list[tuple[float, int, float | None]] = []

    @property
    def active(self) -> bool:
        """Padding is due now."""
        return self._began is not None and self._ended is None

    @property
    def judging(self) -> bool:
        """The padding is sent, its feedback is still on the way."""
        return self._ended is not None

    def plan(self, now: float, estimate_bps: float, wanted_bps: float, octets: int) -> bool:
        """Begin to try for `wanted_bps` if it is more than the estimate and the time has come;
        `octets` have been sent to the peer so far, padding included."""
        if self._risen_at is not None and now >= self._risen_at + PROVEN_S:
            self._risen_at, self._wait_s = None, FIRST_WAIT_S
        if self._began is not None or wanted_bps <= estimate_bps or now < self._next_at:
            return False
        self._longest_s = LONGEST_WAIT_S
        self.rate_bps = min(1.05 * wanted_bps, self._climb * estimate_bps)
        self._began, self._octets_before, self._queued = now, octets, False
        self._fates = []
        return True

    def due(self, now: float, octets: int) -> int:
        """Octets of padding to send now; ends the padding when its time is over."""
        if self._began is None or self._ended is not None:
            return 0
        elapsed_s = now - self._began
        if elapsed_s >= PROBE_S or self._queued:
            self._ended = now
            return 0
        return max(0, round(self.rate_bps * elapsed_s / 8) - (octets - self._octets_before))

    def fate(self, sent_s: float, octets: int, arrived_s: float | None) -> None:
        """What became of a packet, whenever it was sent."""
        if self._began is not None and sent_s >= self._began:
            self._fates.append((sent_s, octets, arrived_s))

    def heed(self) -> None:
        """A report has been handed over: stop if its last packet found a queue. A receiver that
        stalls delays the first ones of a report more than the last."""
        delays = [at - sent_s for sent_s, _, at in self._fates if at is not None]
        self._queued = self._queued or bool(delays and delays[-1] > min(delays) + QUEUE_S)

    def judge(self, now: float) -> Outcome | None:
        """How it went, once, when that is known; the next try waits accordingly."""
        if self._began is None or self._ended is None:
            return None
        complete = bool(self._fates) and self._fates[-1][0] >= self._ended - 0.02
        if not complete and now < self._ended + JUDGE_S:
            return None
        outcome = self._outcome(self._ended)
        self._began = self._ended = None
        if outcome.passed:
            self._next_at, self._risen_at = now, now
            self._climb = min(self._climb + MORE_CLIMB, MOST_CLIMB)
        elif self._risen_at is not None:
            # it climbed, and may have met a hiccup
            self._next_at, self._climb = now + 2 * FIRST_WAIT_S, CLIMB
        else:
            self._postpone(now)
        return outcome

    def assume(self, now: float) -> None:
        """There is nothing to pad with: take the try for passed, until a cut says otherwise."""
        self._began = self._ended = None
        self._risen_at, self._next_at = now, now + ASSUMED_S
        self._longest_s = LONGEST_ASSUMED_WAIT_S

    def cut(self, now: float) -> None:
        """The path is too slow for what flows: a try under way has failed, and so has the last one
        that went well, if it was lately."""
        failed = self._began is not None or self._risen_at is not None
        self._began = self._ended = self._risen_at = None
        self._climb = CLIMB
        if failed:
            self._postpone(now)
        else:
            self._next_at = max(self._next_at, now + self._wait_s)

    def _postpone(self, now: float) -> None:
        self._climb = CLIMB
        self._next_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._longest_s)

    def _outcome(self, ended: float) -> Outcome:
        fates = [one for one in self._fates if one[0] <= ended]
        came = [(at, octets) for _, octets, at in fates if at is not None]
        if len(came) < MIN_PACKETS or self._queued:  # cut short, it has no rate
            return Outcome(0.0, False)
        sent_s = fates[-1][0] - fates[0][0]
        came_s = max(at for at, _ in came) - min(at for at, _ in came)
        # between the first and the last there is one packet less
        size = sum(octets for _, octets in came) * (len(came) - 1) / len(came)
        rate_bps = 8 * size / max(came_s, 0.01)
        arrived = len(came) / len(fates)
        slowed = sent_s / max(came_s, 0.01)
        return Outcome(rate_bps, arrived >= MIN_ARRIVED and slowed >= MIN_RATE)
