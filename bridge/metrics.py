"""What a node counts about itself."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from bridge.rtcp import FeedbackKind
from signaling.wire.control import LATENCY_EDGES_S, SessionStats, Traffic
from signaling.wire.ids import Direction, Media


class Counters:
    """Totals since the process started. `dropped` is by reason; the reasons are in `Stats`."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "dropped",
        "feedback",
        "latency",
        "packets_in",
        "packets_out",
    )

    def __init__(self) -> None:
        self.packets_in = 0
        self.packets_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.dropped: Counter[str] = Counter()
        self.feedback: Counter[str] = Counter(dict.fromkeys(get_args(FeedbackKind), 0))
        self.latency = Latency()


class Latency:
    """How long forwarded packets were in the node: counts by `LATENCY_EDGES_S`, and their sum in
    seconds; `burst` counts those of keyframes and what the pacer held up, `counts` the others.

    `arrival` is when the packet in hand came in, on the monotonic clock; 0 if that is unknown.
    """

    __slots__ = ("arrival", "burst", "burst_sum_s", "counts", "sum_s")

    def __init__(self) -> None:
        self.arrival = 0.0
        self.counts = [0] * (len(LATENCY_EDGES_S) + 1)
        self.sum_s = 0.0
        self.burst = [0] * (len(LATENCY_EDGES_S) + 1)
        self.burst_sum_s = 0.0

    def took(self, seconds: float, packets: int, burst: bool) -> None:
        """So many more, this long; a wall clock that was set meanwhile makes it 0 at least."""
        seconds = max(0.0, seconds)
        bucket = bisect_left(LATENCY_EDGES_S, seconds)
        if burst:
            self.burst[bucket] += packets
            self.burst_sum_s += packets * seconds
        else:
            self.counts[bucket] += packets
            self.sum_s += packets * seconds


class MediaTotals:
    """Packets and bytes by kind of media. Those of a session that ends stay in the sum."""

    def __init__(self) -> None:
        self._packets: Counter[tuple[str, str]] = Counter()
        self._bytes: Counter[tuple[str, str]] = Counter()

    def add(self, sessions: Iterable[SessionStats]) -> None:
        """The last figures of sessions that are over."""
        _sum_up(sessions, self._packets, self._bytes)

    def with_(self, sessions: Iterable[SessionStats]) -> list[Traffic]:
        """The sums over these sessions and all that are over."""
        packets, octets = self._packets.copy(), self._bytes.copy()
        _sum_up(sessions, packets, octets)
        return [
            Traffic(way, media, packets[way, media], octets[way, media])
            for way in _WAYS.values()
            for media in get_args(Media)
        ]


_WAYS: Final[Mapping[Direction, Literal["in", "out"]]] = {"publish": "in", "receive": "out"}


def _sum_up(
    sessions: Iterable[SessionStats],
    packets: Counter[tuple[str, str]],
    octets: Counter[tuple[str, str]],
) -> None:
    for session in sessions:
        way = _WAYS[session.direction]
        for stream in session.streams:
            packets[way, stream.media] += stream.packets
            octets[way, stream.media] += stream.bytes


STALL_S = 0.05
"""From here a delay is a stall: three pictures of a fluent one."""
Stall = Literal["busy", "waited"]


class LoopLag:
    """How late the event loop runs: the worst delay of a timer since `take` was last called, and
    how often it stood still.

    `stalls` counts by cause: ``busy`` where this process computed for most of that time itself,
    ``waited`` where it had no core, or the kernel did something for it.
    """

    def __init__(self) -> None:
        self.stalls: dict[str, int] = dict.fromkeys(get_args(Stall), 0)
        self._worst_s = 0.0
        self._used_s = 0.0

    def late(self, due: float, now: float, used_s: float) -> None:
        """A timer that was due then runs now; `used_s` is the thread's CPU time so far."""
        late_s = now - due
        self._worst_s = max(self._worst_s, late_s)
        if late_s >= STALL_S:
            self.stalls["busy" if used_s - self._used_s >= late_s / 2 else "waited"] += 1
        self._used_s = used_s

    def take(self) -> float:
        """The worst delay in seconds; starts anew."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s
