"""Inputs that are nearly right: a few changes to one of the corpus, from a seeded generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

MAX_BYTES = 65_536
_EXTREMES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\x00\x00", b"\xff\xff\xff\xff")
_TEXTS = (b"\r\n", b"a=", b"m=", b" ", b":", b"4294967296", b"-1", b"999999999999", b"\xc3\xa9")


def mutations(seeds: Sequence[bytes], number: int, seed: int) -> Iterator[bytes]:
    """So many changed inputs; the same ones for the same seed."""
    random = Random(seed)
    for _ in range(number):
        data = bytearray(random.choice(seeds))
        for _ in range(random.randint(1, 6)):
            _change(random, data, seeds)
        yield bytes(data[:MAX_BYTES])


def _change(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    size = random.choice((1, 1, 2, 4, 8, random.randint(0, max(1, len(data) // 2))))
    match random.randint(0, 7):
        case 0 if at < len(data):
            data[at] ^= 1 << random.randint(0, 7)
        case 1 if at < len(data):
            data[at] = random.randint(0, 255)
        case 2:
            del data[at : at + size]
        case 3:
            data[at:at] = data[at : at + size]
        case 4:
            piece = random.choice(_EXTREMES)
            data[at : at + len(piece)] = piece
        case 5:
            other = random.choice(seeds)
            begin = random.randint(0, len(other))
            data[at : at + size] = other[begin : begin + size]
        case 6:
            del data[at:]
        case _:
            data[at:at] = random.choice(_TEXTS)
