"""What an agent's own WebRTC statistics say, made into the same report that a browser sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiortc.stats import (
    RTCInboundRtpStreamStats,
    RTCOutboundRtpStreamStats,
    RTCRemoteInboundRtpStreamStats,
    RTCStats,
)

from signaling.wire.pages import Report

MAX_RTT_S = MAX_FREEZE_S = 60.0
"""What a `Report` may say; beyond it is no measurement."""
PAUSE_S = 5.0
"""No picture for longer is a route that was taken away, not a freeze."""


@dataclass(frozen=True)
class Totals:
    """Counters since the sessions began: octets and pictures sent, packets received and lost
    towards us; and the latest round trip."""

    octets_sent: int = 0
    pictures_sent: int = 0
    received: int = 0
    lost: int = 0
    rtt_s: float | None = None


def totals(stats: Iterable[RTCStats], pictures_sent: int) -> Totals:
    """Sum up what `getStats` of both connections said."""
    octets = received = lost = 0
    rtt_s: float | None = None
    for one in stats:
        match one:
            case RTCOutboundRtpStreamStats():
                octets += one.bytesSent
            case RTCRemoteInboundRtpStreamStats():
                rtt_s = one.roundTripTime if one.roundTripTime is not None else rtt_s
            case RTCInboundRtpStreamStats():
                received += one.packetsReceived
                lost += max(0, one.packetsLost)
            case _:
                pass
    return Totals(octets, pictures_sent, received, lost, rtt_s)


class Freezes:
    """Counts the pictures of one slot, and the time in which they stood still.

    A picture is late, as browsers count it, when it comes after more than three times the usual
    interval, and at least 150 ms more than that.
    """

    def __init__(self) -> None:
        self.pictures = 0
        self.frozen_s = 0.0
        self._usual_s: float | None = None
        self._at: float | None = None

    def came(self, now: float) -> None:
        """A picture was decoded."""
        self.pictures += 1
        at, self._at = self._at, now
        if at is None or now - at > PAUSE_S:
            return
        gap_s, usual_s = now - at, self._usual_s
        if usual_s is not None and gap_s > max(3 * usual_s, usual_s + 0.15):
            self.frozen_s += gap_s
            return
        self._usual_s = gap_s if usual_s is None else usual_s + (gap_s - usual_s) / 30


class Reporter:
    """Turns growing totals into a report of the time since the one before."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._before = Totals()
        self._pictures = 0
        self._frozen_s = 0.0

    def report(
        self,
        now: float,
        sums: Totals,
        shown: Freezes,
        level: float | None,
        camera: bool | None,
        microphone: bool | None,
    ) -> Report | None:
        """The report; None when no time has passed. Totals that fell are of a new session."""
        elapsed_s, before = now - self._at, self._before
        if elapsed_s <= 0:
            return None
        received, lost = sums.received - before.received, sums.lost - before.lost
        pictures, frozen_s = shown.pictures - self._pictures, shown.frozen_s - self._frozen_s
        self._at, self._before = now, sums
        self._pictures, self._frozen_s = shown.pictures, shown.frozen_s
        expected = received + lost
        return Report(
            rtt_s=sums.rtt_s if sums.rtt_s is not None and 0 <= sums.rtt_s <= MAX_RTT_S else None,
            receive_loss_ratio=lost / expected if received >= 0 <= lost and expected else None,
            freeze_s=min(max(0.0, frozen_s), MAX_FREEZE_S),
            frames_per_s=_rate(pictures, elapsed_s, 240),
            sent_frames_per_s=_rate(sums.pictures_sent - before.pictures_sent, elapsed_s, 240),
            sent_bps=_rate(8 * (sums.octets_sent - before.octets_sent), elapsed_s, 1e9),
            microphone_level=level,
            camera=camera,
            microphone=microphone,
        )


def _rate(count: int, elapsed_s: float, most: float) -> float | None:
    return min(count / elapsed_s, most) if count >= 0 else None
