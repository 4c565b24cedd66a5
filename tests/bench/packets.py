"""The packets of S1: what the publisher sends, and how a receiver counts them."""

from __future__ import annotations

import secrets
import struct
import time

VIDEO_BYTES = 1170
"""Of one video packet, RTP header included."""
AUDIO_BYTES = 12 + 60
"""Opus with 24 kbit/s in frames of 20 ms."""
AUDIO_PER_S = 50
PICTURES_PER_S = 25
_HEADER = struct.Struct("!BBHII")
_STAMP = struct.Struct("!Q")
_KEYFRAME = b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xb4\x00"
_DELTA = b"\x11" + bytes(9)


class VideoTrack:
    """VP8 in the shape that Chromium sends it: picture id of 15 bits, TL0PICIDX (RFC 7741).

    The last 8 bytes of each packet say when it was made, in nanoseconds of Unix time.
    """

    def __init__(self, payload_type: int) -> None:
        self.ssrc = secrets.randbits(32)
        self.packets = 0
        self.wants_keyframe = True
        self._payload_type = payload_type
        self._sequence = secrets.randbits(15)
        self._picture = secrets.randbits(14)
        self._ends_at = 0.0
        self._timestamp = 0
        self._fresh = True

    def packet(self, now: float) -> bytes:
        """The next one; `now` is a clock in seconds, which decides to which picture it belongs."""
        if self._fresh:
            self._begin(now)
        head = _KEYFRAME if self._key and self._fresh else _DELTA
        first = 0x90 if self._fresh else 0x80
        last = now >= self._ends_at
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets += 1
        self._fresh = last
        body = struct.pack(
            "!BBHBB", first, 0xE0, 0x8000 | self._picture & 0x7FFF, self._picture & 0xFF, 0x20
        )
        filler = VIDEO_BYTES - _HEADER.size - len(body) - len(head) - _STAMP.size
        return b"".join(
            (
                _HEADER.pack(
                    0x80,
                    self._payload_type | (0x80 if last else 0),
                    self._sequence,
                    self._timestamp,
                    self.ssrc,
                ),
                body,
                head,
                bytes(filler),
                _STAMP.pack(time.time_ns()),
            )
        )

    def _begin(self, now: float) -> None:
        self._key, self.wants_keyframe = self.wants_keyframe, False
        self._picture += 1
        self._timestamp = int(now * 90_000) & 0xFFFFFFFF
        self._ends_at = now + 1 / PICTURES_PER_S


class AudioTrack:
    """Opus: a packet each 20 ms."""

    def __init__(self, payload_type: int) -> None:
        self.ssrc = secrets.randbits(32)
        self.packets = 0
        self._payload_type = payload_type
        self._sequence = secrets.randbits(15)

    def packet(self, now: float) -> bytes:
        """The next one; `now` is a clock in seconds."""
        self.packets += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        timestamp = round(now * AUDIO_PER_S) * 960 & 0xFFFFFFFF
        head = _HEADER.pack(0x80, self._payload_type, self._sequence, timestamp, self.ssrc)
        return head + bytes(AUDIO_BYTES - _HEADER.size)


class Count:
    """Packets of one received stream, and the holes in their sequence numbers."""

    __slots__ = ("_last", "holes", "packets")

    def __init__(self) -> None:
        self.packets = 0
        self.holes = 0
        self._last = -1

    def take(self, sequence: int) -> None:
        """Count a packet; one that comes late fills the hole that it left."""
        self.packets += 1
        step = (sequence - self._last) & 0xFFFF
        if step == 1 or self._last < 0:
            self._last = sequence
        elif step < 0x8000:
            self.holes += step - 1
            self._last = sequence
        else:
            self.holes -= 1


def made_at_ns(packet: bytes) -> int:
    """When a plain video packet was made."""
    return int(_STAMP.unpack_from(packet, len(packet) - _STAMP.size)[0])
