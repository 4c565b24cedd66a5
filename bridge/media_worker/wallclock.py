"""Wall-clock times of RTP timestamps, from sender reports (RFC 3550 §6.4.1).

Reports of a forwarding node tell when packets arrived there, so each is late by some jitter. The
mapping follows them slowly, so that times stay smooth; only a jump is followed at once.
"""

from __future__ import annotations

JUMP_S = 0.4
"""A report further off than this says that the timestamps were cut, not that a packet was late."""
SLEW_S = 0.004
"""The most that one report moves the mapping: 4 ms a second follows any sender's clock."""

_NTP_EPOCH_S = 2_208_988_800


class WallClock:
    """Times of one stream in Unix seconds of the node's clock; `clock_hz` is its RTP rate."""

    def __init__(self, clock_hz: int) -> None:
        self._hz = clock_hz
        self._last: int | None = None
        self._offset_s: float | None = None
        self._by_report = False

    def at(self, arrived: float, timestamp: int) -> float:
        """When what carries `timestamp` was at the node. `arrived` (Unix seconds) is when the
        stream's first packet came here: the best guess until a report has come."""
        ticks = self._unwrap(timestamp)
        if self._offset_s is None:
            self._offset_s = arrived - ticks / self._hz
        return ticks / self._hz + self._offset_s

    def report(self, ntp: int, timestamp: int) -> None:
        """A sender report; `ntp` has 64 bits. Nothing before the first packet."""
        if self._last is None or self._offset_s is None:
            return
        # a report tells the timestamp of now, which is not a packet's
        ticks = self._last + (timestamp - self._last + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        told_s = ntp / 2**32 - _NTP_EPOCH_S - ticks / self._hz
        off_s = told_s - self._offset_s
        if not self._by_report or abs(off_s) > JUMP_S:
            self._by_report, self._offset_s = True, told_s
        else:
            self._offset_s += min(max(off_s, -SLEW_S), SLEW_S)

    def _unwrap(self, timestamp: int) -> int:
        if self._last is None:
            self._last = timestamp
        self._last += (timestamp - self._last + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        return self._last
