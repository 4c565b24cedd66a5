"""Whether a queue grows on the way to a peer, from when packets were sent and when they came.

After draft-ietf-rmcat-gcc-02 §5.1–5.4: packets sent close together form a group, the change of
delay from group to group is summed up, and the slope of that sum against an adaptive threshold says
whether the path is used beyond its capacity. Where this differs: the slope is a straight line
through the last groups instead of a Kalman filter's state, and a rising slope counts only while
even the least delayed packets of the last moments wait. A peer whose process pauses for a while,
and one whose packets come in clumps as over radio, raise the slope but not the least delay; and a
bridge whose senders do not send at capacity cannot afford to be wrong there.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

Usage = Literal["normal", "over", "under"]

GROUP_S = 0.005
"""Packets sent within this time are one group: a frame leaves in one go (§5.2)."""
SLOPE_GROUPS = 20
STANDING_S = 0.2
"""What waits for so long is a queue; a shorter wait is a hiccup."""
MIN_QUEUE_S = 0.025
"""Queues below are nobody's business: wheels of radio and of timers."""
FULL_QUEUE_S = 0.3
LONG_QUEUE_S, LONG_S = 0.1, 1.5
"""A queue is too long even when it no longer grows: a full buffer has no slope. The second one only
when it lasts."""
STANDING_GROUPS = 64
"""Of `STANDING_S`, at most: a peer whose clock goes backwards would have all of them kept."""
BASE_S = 30.0
"""The least delay of this time is the path's own: clocks drift, and routes change."""

_SMOOTHING = 0.9
_GAIN = 4.0
_MIN_THRESHOLD_S, _MAX_THRESHOLD_S = 0.006, 0.6
_THRESHOLD_UP, _THRESHOLD_DOWN = 0.01, 0.00018  # per millisecond (§5.4)
_MAX_STEP_S = 0.1
_PERSIST_S = 0.01


class DelayDetector:
    """Judges a path by the packets that came. Give it those in the order in which they were sent.

    Times are in seconds, the sender's and the receiver's on clocks of their own.
    """

    def __init__(self) -> None:
        self.usage: Usage = "normal"
        self._base = _Least(BASE_S)
        self._base_s = 0.0
        self._standing: deque[tuple[float, float]] = deque(maxlen=STANDING_GROUPS)
        self._threshold_s = 0.0125
        self.restart()

    def restart(self) -> None:
        """Forget the slope, after a time in which nothing was heard; the path's delay stays."""
        self.usage = "normal"
        self._first_sent: float | None = None
        self._least_s = 0.0
        self._group = self._before = (0.0, 0.0)
        self._groups = 0
        self._began: float | None = None
        self._sum_s = self._smoothed_s = 0.0
        self._slope = _Slope(SLOPE_GROUPS)
        self._slope_s = 0.0
        self._over_since: float | None = None
        self._long_since: float | None = None
        self._standing.clear()

    @property
    def queue_s(self) -> float:
        """What the least delayed packet of the last `STANDING_S` waited beyond the path's own
        delay."""
        return min((delay for _, delay in self._standing), default=self._base_s) - self._base_s

    @property
    def overfull(self) -> bool:
        """Whether the queue is too long and does not fall, as of the last packet."""
        queue_s = self.queue_s
        if queue_s < LONG_QUEUE_S or self._slope_s < -_MIN_THRESHOLD_S:
            self._long_since = None
            return False
        arrived_s = self._standing[-1][0]
        if self._long_since is None:
            self._long_since = arrived_s
        return queue_s >= FULL_QUEUE_S or arrived_s >= self._long_since + LONG_S

    def packet(self, sent_s: float, arrived_s: float) -> Usage:
        """One more packet that came; returns `usage`, as it is known now."""
        if self._first_sent is None:
            self._first_sent = sent_s
            self._least_s = arrived_s - sent_s
        elif sent_s > self._first_sent + GROUP_S:
            self._close_group()
            self._first_sent = sent_s
            self._least_s = arrived_s - sent_s
        else:
            self._least_s = min(self._least_s, arrived_s - sent_s)
        self._group = sent_s, arrived_s
        return self.usage

    def _measure(self, arrived_s: float) -> None:
        """The least delayed packet of a group stands for it."""
        self._base_s = self._base.take(arrived_s, self._least_s)
        standing = self._standing
        standing.append((arrived_s, self._least_s))
        while standing[0][0] < arrived_s - STANDING_S and len(standing) > 3:
            standing.popleft()

    def _close_group(self) -> None:
        (sent_s, arrived_s), before = self._group, self._before
        self._measure(arrived_s)
        self._before = self._group
        self._groups += 1
        if self._groups == 1:
            self._began = arrived_s
            return
        passed_s = max(0.0, arrived_s - before[1])
        self._sum_s += (arrived_s - before[1]) - (sent_s - before[0])
        self._smoothed_s += (1 - _SMOOTHING) * (self._sum_s - self._smoothed_s)
        assert self._began is not None
        self._slope.add(arrived_s - self._began, self._smoothed_s)
        if len(self._slope) >= SLOPE_GROUPS // 2:
            self._judge(self._slope.value, arrived_s, passed_s)

    def _judge(self, slope: float, arrived_s: float, passed_s: float) -> None:
        slope_s = slope * min(self._groups, 60) * _GAIN / 1000
        if slope_s > self._threshold_s and self.queue_s >= MIN_QUEUE_S:
            if self._over_since is None:
                self._over_since = arrived_s
            if arrived_s - self._over_since >= _PERSIST_S and slope_s >= self._slope_s:
                self.usage = "over"
        else:
            self._over_since = None
            self.usage = "under" if slope_s < -self._threshold_s else "normal"
        self._slope_s = slope_s
        self._adapt(abs(slope_s), min(passed_s, _MAX_STEP_S))

    def _adapt(self, slope_s: float, passed_s: float) -> None:
        """The threshold follows the slope, so that others who fill the queue do not starve us."""
        if slope_s > self._threshold_s + 0.015:
            return  # a jump, such as a new route
        pace = _THRESHOLD_DOWN if slope_s < self._threshold_s else _THRESHOLD_UP
        self._threshold_s += pace * 1000 * passed_s * (slope_s - self._threshold_s)
        self._threshold_s = min(max(self._threshold_s, _MIN_THRESHOLD_S), _MAX_THRESHOLD_S)


class _Least:
    """The least of the values of the last `span_s`, in three parts of it."""

    def __init__(self, span_s: float) -> None:
        self._part_s = span_s / 3
        self._parts: deque[tuple[float, float]] = deque(maxlen=3)

    def take(self, at: float, value: float) -> float:
        """One more value; returns the least."""
        parts = self._parts
        if not parts or at >= parts[-1][0] + self._part_s:
            parts.append((at, value))
        elif value < parts[-1][1]:
            parts[-1] = parts[-1][0], value
        return min(least for _, least in parts)


class _Slope:
    """Of the straight line of least squares through the last `size` points."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._points: deque[tuple[float, float]] = deque()
        self._x = self._y = self._xy = self._xx = 0.0

    def __len__(self) -> int:
        return len(self._points)

    def add(self, x: float, y: float) -> None:
        """One more point; with more than `size` the oldest goes."""
        self._points.append((x, y))
        self._sum(x, y, 1)
        if len(self._points) > self._size:
            self._sum(*self._points.popleft(), -1)

    def _sum(self, x: float, y: float, sign: int) -> None:
        self._x += sign * x
        self._y += sign * y
        self._xy += sign * x * y
        self._xx += sign * x * x

    @property
    def value(self) -> float:
        """0 while all points stand above each other."""
        count = len(self._points)
        under = count * self._xx - self._x * self._x
        return (count * self._xy - self._x * self._y) / under if under > 1e-9 else 0.0
