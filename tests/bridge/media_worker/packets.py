"""RTP packets of small pictures and sounds, as a slot of the bridge sends them."""

from __future__ import annotations

import itertools

from bridge import rtp
from bridge.endpoint import loops

SSRC = 77


class Stream:
    """Packets of one slot: sequence numbers count on, timestamps are what the test says."""

    def __init__(self, payload_type: int = 96, first: int = 65_530) -> None:
        self._sequence = itertools.count(first)
        self._picture = itertools.count(1)
        self._payload_type = payload_type

    def frame(self, timestamp: int, data: bytes) -> list[bytes]:
        """One VP8 frame."""
        parts = loops.fragments(data, next(self._picture))
        return [
            self.packet(timestamp, part, marker=number == len(parts))
            for number, part in enumerate(parts, start=1)
        ]

    def packet(self, timestamp: int, payload: bytes, *, marker: bool = True) -> bytes:
        """One packet."""
        sequence = next(self._sequence) & 0xFFFF
        return rtp.build(self._payload_type, sequence, timestamp, SSRC, payload, marker=marker)


def key(size: int = 40, width: int = 320, height: int = 180) -> bytes:
    """Something with the head of a VP8 keyframe (RFC 6386 §9.1)."""
    dimensions = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"\x10\x02\x00\x9d\x01\x2a" + dimensions + bytes(size)


def delta(size: int = 40) -> bytes:
    """Something with the head of a VP8 frame that needs the ones before."""
    return b"\x11\x02\x00" + bytes(size)
