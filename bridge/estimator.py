"""What is measured of a stream: loss, jitter, bitrate, round trip (RFC 3550 §6.4, A.1–A.8)."""

from __future__ import annotations

from collections import deque

from bridge.rtcp import ReportBlock, compact_ntp

MAX_DROPOUT = 3000
"""A larger step forward is believed only when the packet after it follows (A.1)."""
MAX_MISORDER = 512
"""A larger step back, likewise; A.1 has 100, but retransmissions come later than that."""
RATE_STEP_S = 0.1
RATE_STEPS = 10
"""How often `RollingMeter` is told, and how many of these steps it looks back: a second."""


class Reception:
    """Receive statistics of one SSRC.

    `packets`, `octets` (payload) and `lost` are totals; `lost` may fall when late packets come.
    `loss_ratio` (0–1) is over the interval between the last two reports.
    """

    def __init__(self, clock_rate: int) -> None:
        self.packets = 0
        self.octets = 0
        self.loss_ratio = 0.0
        self._clock_rate = clock_rate
        self._base = 0
        self._highest: int | None = None
        self._received = 0
        self._bad_sequence = -1
        self._jitter = 0.0
        self._arrival = 0.0
        self._timestamp = 0
        self._expected_prior = 0
        self._received_prior = 0
        self._lost_before = 0
        self._sender_report: tuple[float, int] | None = None

    @property
    def jitter_s(self) -> float:
        """The interarrival jitter (A.8) in seconds."""
        return self._jitter / self._clock_rate

    @property
    def lost(self) -> int:
        """Packets expected and not received (A.3)."""
        return self._lost_before + self._expected - self._received

    @property
    def _expected(self) -> int:
        return 0 if self._highest is None else self._highest - self._base + 1

    def receive(self, now: float, sequence: int, timestamp: int, octets: int) -> int | None:
        """Count a packet; returns its extended sequence number.

        None when the sequence number is not believed yet (A.1). A stream that restarted at
        another number goes on in a later cycle, so extended numbers of it are always higher.
        """
        highest = self._highest
        in_order = True
        if highest is None:
            self._base = self._highest = extended = sequence
            self._arrival, self._timestamp = now, timestamp
        else:
            step = (sequence - highest) & 0xFFFF
            if step < MAX_DROPOUT:
                extended = self._highest = highest + step
            elif step >= 0x10000 - MAX_MISORDER:
                extended = highest + step - 0x10000
                # most likely sent again: that says nothing of how evenly packets come
                in_order = False
            elif sequence == self._bad_sequence:
                extended = self._restart(sequence)
            else:
                self._bad_sequence = (sequence + 1) & 0xFFFF
                return None
        self._received += 1
        self.packets += 1
        self.octets += octets
        if in_order:
            self._measure_jitter(now, timestamp)
        return extended

    def _restart(self, sequence: int) -> int:
        assert self._highest is not None
        self._lost_before = max(0, self.lost)
        extended = (self._highest & ~0xFFFF) + 0x10000 + sequence
        self._base = self._highest = extended
        self._received = self._expected_prior = self._received_prior = 0
        self._bad_sequence = -1
        return extended

    def _measure_jitter(self, now: float, timestamp: int) -> None:
        step = (timestamp - self._timestamp) & 0xFFFFFFFF
        if step & 0x80000000:
            step -= 0x100000000
        difference = abs((now - self._arrival) * self._clock_rate - step)
        # a step of seconds is a pause or a restarted clock, not jitter
        if difference < 5 * self._clock_rate:
            self._jitter += (difference - self._jitter) / 16
        self._arrival, self._timestamp = now, timestamp

    def sender_report(self, now: float, ntp: int) -> None:
        """Remember a sender report of this stream, for LSR and DLSR."""
        self._sender_report = (now, compact_ntp(ntp))

    def report(self, now: float, ssrc: int) -> ReportBlock | None:
        """The block for the next receiver report; None before the first packet.

        Each call ends an interval of `loss_ratio` (A.3).
        """
        if self._highest is None:
            return None
        expected = self._expected - self._expected_prior
        lost = expected - (self._received - self._received_prior)
        self._expected_prior, self._received_prior = self._expected, self._received
        self.loss_ratio = lost / expected if expected > 0 and lost > 0 else 0.0
        lsr = dlsr = 0
        if self._sender_report is not None:
            at, lsr = self._sender_report
            dlsr = int((now - at) * 65536) & 0xFFFFFFFF
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, int(self.loss_ratio * 256)),
            lost=self.lost,
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=lsr,
            dlsr=dlsr,
        )


class Delivery:
    """What a receiver reports about one stream that it is sent. Figures are of its last report."""

    def __init__(self, clock_rate: int) -> None:
        self.lost = 0
        self.loss_ratio = 0.0
        self.jitter_s = 0.0
        self.rtt_s: float | None = None
        self._clock_rate = clock_rate

    def reported(self, ntp: int, block: ReportBlock) -> None:
        """Take a report block that arrived at the wall clock's `ntp`."""
        self.lost = block.lost
        self.loss_ratio = block.fraction_lost / 256
        self.jitter_s = block.jitter / self._clock_rate
        rtt_s = round_trip_s(ntp, block.lsr, block.dlsr)
        if rtt_s is not None:
            self.rtt_s = rtt_s


def round_trip_s(ntp: int, lsr: int, dlsr: int) -> float | None:
    """A − LSR − DLSR (RFC 3550 §6.4.1) in seconds, of a block that arrived at `ntp`.

    None when the receiver has seen no sender report yet, or the result is no plausible time
    (negative, or over a minute: clocks that were set, or junk). Rounding on both sides may take a
    millisecond off a very short one: that is 0.
    """
    if lsr == 0:
        return None
    units = (compact_ntp(ntp) - lsr - dlsr + 66) & 0xFFFFFFFF
    return max(0, units - 66) / 65536 if units < 60 * 65536 else None


class Meter:
    """The bitrate between two looks at a growing total of octets."""

    def __init__(self, now: float, octets: int = 0) -> None:
        self._at = now
        self._octets = octets

    def bitrate_bps(self, now: float, octets: int) -> float:
        """Bits per second since the last call; 0 when no time has passed."""
        elapsed_s = now - self._at
        if elapsed_s <= 0:
            return 0.0
        rate = 8 * (octets - self._octets) / elapsed_s
        self._at, self._octets = now, octets
        return rate


class RollingMeter:
    """The bitrate over the last second in which anything came, from a growing total of octets.

    Tell it the total every `RATE_STEP_S`, as long as anything comes.
    """

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=RATE_STEPS)
        self._bitrate_bps = 0.0

    def bitrate_bps(self, now: float, octets: int) -> float:
        """Bits per second; after a pause that of before, until the next look."""
        looks = self._looks
        while looks and now - looks[0][0] > 2 * RATE_STEPS * RATE_STEP_S:
            looks.popleft()
        if looks:
            at, before = looks[0]
            self._bitrate_bps = 8 * (octets - before) / (now - at)
        looks.append((now, octets))
        return self._bitrate_bps
