"""Which packets of a stream are missing, and when to ask for them (RFC 4585 §6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

REORDER_S = 0.01
"""A packet that was only overtaken gets this long to arrive by itself."""
RETRY_S = 0.06
"""Between two requests for the same packet, or the round trip if that is longer."""
FIRST_RTT_S = 0.1
"""The round trip until it is known."""
MAX_REQUESTS = 8
MAX_AGE_S = 1.0
"""Older losses are given up: every receiver has gone on by then."""
MAX_GAP = 128
"""Packets missing in a row beyond which it is no loss but a jump; only a keyframe helps."""
MAX_MISSING = 256


@dataclass
class _Missing:
    since: float
    ask_at: float
    requests: int = 0


class Losses:
    """The missing packets of one incoming stream, by 16-bit sequence number."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}

    @property
    def missing(self) -> int:
        """How many are missing and not given up."""
        return len(self._missing)

    def awaits(self, sequence: int) -> bool:
        """Whether the packet is missing; retransmissions of others are probes of the path."""
        return sequence in self._missing

    def received(self, now: float, sequence: int) -> None:
        """Count a packet in, original or resent."""
        highest = self._highest
        if highest is None:
            self._highest = sequence
            return
        step = (sequence - highest) & 0xFFFF
        if step == 1:
            self._highest = sequence
        elif step & 0x8000 or step == 0:
            self._missing.pop(sequence, None)
        else:
            self._highest = sequence
            self._gap(now, highest, step)

    def _gap(self, now: float, highest: int, step: int) -> None:
        if step > MAX_GAP or len(self._missing) + step > MAX_MISSING:
            self._missing.clear()
            return
        for ahead in range(1, step):
            self._missing[(highest + ahead) & 0xFFFF] = _Missing(now, now + REORDER_S)

    def due(self, now: float, rtt_s: float) -> list[int]:
        """The numbers to ask for now, in order of their loss; what is hopeless is forgotten."""
        asked = []
        for sequence, one in list(self._missing.items()):
            if one.requests == MAX_REQUESTS or now > one.since + MAX_AGE_S:
                del self._missing[sequence]
            elif now >= one.ask_at:
                one.requests += 1
                one.ask_at = now + max(RETRY_S, rtt_s)
                asked.append(sequence)
        return asked

    def next_deadline(self) -> float | None:
        """When `due` has something to say; None while nothing is missing."""
        return min((one.ask_at for one in self._missing.values()), default=None)
