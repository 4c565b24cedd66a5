"""When a peer got our packets: transport-wide feedback, as it comes in.

draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1; `congestion.py` writes the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

TICK_S = 0.000_25
"""Arrival times are in steps of 250 µs."""

_HEAD = struct.Struct("!IIHHI")
_CHUNK = struct.Struct("!H")
_ABSENT, _SMALL, _LARGE, _RESERVED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One report: of `count` packets from transport-wide number `base` on, which came, and when.

    `came` has (offset from `base`, time in ticks of 250 µs) in ascending order of offsets; what is
    not in it did not come (yet). The peer's clock has any zero; times are modulo 2^32 plus what
    the report itself adds. `number` counts the peer's reports, modulo 256.
    """

    sender_ssrc: int
    media_ssrc: int
    base: int
    count: int
    number: int
    came: tuple[tuple[int, int], ...]


def read_arrivals(body: bytes) -> Arrivals | None:
    """Read a report's body, behind its common header and without padding; None if malformed.

    Work and memory are linear in the bytes, however many packets the report claims to cover.
    """
    if len(body) < _HEAD.size + 2:
        return None
    sender, media, base, count, last = _HEAD.unpack_from(body)
    found = _statuses(body, count)
    if found is None:
        return None
    statuses, at = found
    ticks = last >> 8 << 8  # the reference is in 64 ms: 256 ticks
    came = []
    for offset, symbol in statuses:
        if symbol == _SMALL:
            if at >= len(body):
                return None
            ticks += body[at]
            at += 1
        else:
            if at + 2 > len(body):
                return None
            ticks += int.from_bytes(body[at : at + 2], "big", signed=True)
            at += 2
        came.append((offset, ticks))
    return Arrivals(sender, media, base, count, last & 0xFF, tuple(came))


def _statuses(body: bytes, count: int) -> tuple[list[tuple[int, int]], int] | None:
    """(offset, symbol) of each packet that came, and where the times begin."""
    statuses: list[tuple[int, int]] = []
    offset, at = 0, _HEAD.size
    while offset < count:
        if at + 2 > len(body):
            return None
        (chunk,) = _CHUNK.unpack_from(body, at)
        at += 2
        if chunk >> 15 == 0:
            symbol, run = chunk >> 13, min(chunk & 0x1FFF, count - offset)
            if symbol != _ABSENT:
                # each has a time of one octet at least
                if symbol == _RESERVED or len(statuses) + run > len(body):
                    return None
                statuses.extend((offset + n, symbol) for n in range(run))
            offset += run
            continue
        for symbol in _vector(chunk):
            if offset == count:
                break
            if symbol == _RESERVED:
                return None
            if symbol != _ABSENT:
                statuses.append((offset, symbol))
            offset += 1
    return statuses, at


def _vector(chunk: int) -> Iterator[int]:
    """Seven symbols of two bits, or fourteen of one (came with a small step, or not)."""
    if chunk & 0x4000:
        return (chunk >> shift & 3 for shift in range(12, -1, -2))
    return (chunk >> shift & 1 for shift in range(13, -1, -1))
