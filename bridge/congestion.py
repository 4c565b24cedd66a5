"""Feedback from which a publisher finds its path's capacity: when each of its packets arrived.

Transport-wide congestion control, draft-holmer-rmcat-transport-wide-cc-extensions-01. One counter
runs over all packets of a transport; without this (or REMB) Chromium's pictures stay small.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

MAX_STATUSES = 400
"""Packets that one report covers at most: about 1,000 bytes."""
MAX_REPORTS = 8
"""Reports that one call makes at most; of a longer silence only the end is told."""
MAX_LATE = 100
"""Reordering, in packets behind the last report, that is still told."""

_DELTA_S = 0.000_25
_TICKS_OF_REFERENCE = 256  # 64 ms
_ABSENT, _SMALL, _LARGE = 0, 1, 2
_VECTOR = 7
_MAX_RUN = 0x1FFF

_Arrival = tuple[int, int]  # extended sequence number, ticks of 250 µs


class TransportFeedback:
    """Collects arrivals of one transport and reports them.

    Tell it of every packet that carries the extension (padding and retransmissions too), and send
    what `reports` returns every 50–100 ms.
    """

    def __init__(self, sender_ssrc: int) -> None:
        self._sender_ssrc = sender_ssrc
        self._count = 0
        self._highest: int | None = None
        self._base = 0
        self._arrivals: dict[int, int] = {}

    def received(self, now: float, sequence: int) -> None:
        """A packet with this transport-wide sequence number (16 bits) came at `now`, in seconds of
        any clock that only goes forward. Of a repeated number the first arrival counts."""
        if self._highest is None:
            extended = self._highest = self._base = sequence
        else:
            extended = self._highest + ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
            if extended < self._base - MAX_LATE:
                return
            self._highest = max(self._highest, extended)
        self._arrivals.setdefault(extended, round(now / _DELTA_S))

    def reports(self, media_ssrc: int) -> list[bytes]:
        """RTCP packets about everything since the last call; none when nothing came.

        They cover each number between, so that what did not come is told once as lost.
        `media_ssrc` is any stream of this transport.
        """
        if not self._arrivals or self._highest is None:
            return []
        base = min(self._base, min(self._arrivals))
        base = max(base, self._highest + 1 - MAX_REPORTS * MAX_STATUSES)
        arrivals = sorted(pair for pair in self._arrivals.items() if pair[0] >= base)
        self._arrivals.clear()
        self._base = self._highest + 1
        reports = []
        for part in _parts(base, arrivals):
            reports.append(self._write(media_ssrc, base, part))
            base = part[-1][0] + 1
        return reports

    def _write(self, media_ssrc: int, base: int, arrivals: Sequence[_Arrival]) -> bytes:
        reference = arrivals[0][1] // _TICKS_OF_REFERENCE
        symbols = [_ABSENT] * (arrivals[-1][0] - base + 1)
        deltas = bytearray()
        before = reference * _TICKS_OF_REFERENCE
        for extended, ticks in arrivals:
            delta = ticks - before
            before = ticks
            if 0 <= delta <= 0xFF:
                symbols[extended - base] = _SMALL
                deltas.append(delta)
            else:
                symbols[extended - base] = _LARGE
                deltas += delta.to_bytes(2, "big", signed=True)
        body = struct.pack(
            "!IIHHI",
            self._sender_ssrc,
            media_ssrc,
            base & 0xFFFF,
            len(symbols),
            (reference & 0xFFFFFF) << 8 | self._count,
        )
        self._count = (self._count + 1) & 0xFF
        body += b"".join(chunk.to_bytes(2, "big") for chunk in _chunks(symbols)) + deltas
        body += bytes(-len(body) % 4)
        # version 2, FMT 15, PT 205
        return struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body


def _parts(base: int, arrivals: Iterable[_Arrival]) -> Iterator[list[_Arrival]]:
    """Cut where a report would cover too many numbers or a delta would not fit 16 bits."""
    part: list[_Arrival] = []
    for extended, ticks in arrivals:
        if part and (
            extended - base >= MAX_STATUSES or not -0x8000 <= ticks - part[-1][1] <= 0x7FFF
        ):
            yield part
            base = part[-1][0] + 1
            part = []
        part.append((extended, ticks))
    yield part


def _chunks(symbols: Sequence[int]) -> Iterator[int]:
    """Runs of one symbol where they are longer than a vector, else seven symbols of two bits."""
    at = 0
    while at < len(symbols):
        symbol = symbols[at]
        run = 1
        while run < _MAX_RUN and at + run < len(symbols) and symbols[at + run] == symbol:
            run += 1
        if run > _VECTOR:
            yield symbol << 13 | run
            at += run
            continue
        chunk = 0b11
        for offset in range(_VECTOR):
            chunk = chunk << 2 | (symbols[at + offset] if at + offset < len(symbols) else 0)
        yield chunk
        at += _VECTOR
