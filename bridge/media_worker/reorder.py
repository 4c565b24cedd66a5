"""Packets of one stream in the order in which they were sent, with what never came marked."""

from __future__ import annotations

from bridge import rtp

HOLD_S = 0.5
"""A missing packet is waited for so long: time for several requests (`bridge.nack`)."""
MAX_HELD = 1024
"""Packets that wait behind a missing one; about two seconds of a rich picture."""
MAX_JUMP = 4096
"""A number that is further away belongs to a stream that began anew."""

Ordered = tuple[bytes, rtp.Header] | None
"""A packet, or None where packets are missing that will not come."""


class Reorder:
    """Feed it packets by `put`, and `take` what is in order by now.

    `lost` counts packets that were given up, after `hold_s`; `late` those that came after that, or
    twice.
    """

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self.lost = 0
        self.late = 0
        self._expected: int | None = None
        self._held: dict[int, tuple[float, bytes, rtp.Header]] = {}
        self._jumped = False

    def put(self, now: float, packet: bytes, header: rtp.Header) -> None:
        """A packet, original or resent; `now` in seconds."""
        if self._expected is None:
            self._expected = header.sequence
        step = (header.sequence - self._expected + 0x8000 & 0xFFFF) - 0x8000
        if abs(step) > MAX_JUMP:
            self._held.clear()
            self._jumped, self._expected, step = True, header.sequence, 0
        number = self._expected + step
        if step < 0 or number in self._held:
            self.late += 1
            return
        self._held[number] = now, packet, header

    def take(self, now: float) -> list[Ordered]:
        """What is in order, and what was waited for long enough."""
        taken: list[Ordered] = []
        if self._jumped:
            self._jumped = False
            taken.append(None)
        while self._held:
            assert self._expected is not None
            held = self._held.pop(self._expected, None)
            if held is not None:
                taken.append(held[1:])
                self._expected += 1
                continue
            first = min(self._held)
            if now < self._held[first][0] + self._hold_s and len(self._held) <= MAX_HELD:
                break
            self.lost += first - self._expected
            self._expected = first
            taken.append(None)
        return taken
