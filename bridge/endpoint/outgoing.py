"""One outgoing RTP stream of an endpoint: its numbers, its totals, its sender reports."""

from __future__ import annotations

import secrets
import struct

from bridge import rtcp


class Outgoing:
    """Numbers packets from random beginnings on (RFC 3550 §5.1); `step` is the clock's ticks from
    frame to frame."""

    def __init__(self, payload_type: int, clock_hz: int, step: int, ssrc: int) -> None:
        self.ssrc, self.clock_hz = ssrc, clock_hz
        self.payload_type, self._step = payload_type, step
        self.sequence = secrets.randbits(15)
        self.timestamp = secrets.randbits(32)
        self.packets = self.octets = 0
        self._at = 0.0

    def advance(self, now: float, steps: int = 1) -> None:
        """The next frame is `steps` frame times after the last one."""
        self.timestamp = (self.timestamp + steps * self._step) & 0xFFFFFFFF
        self._at = now

    def packet(self, payload: bytes, marker: bool, extension: bytes = b"") -> bytes:
        """The next packet of the frame; `extension` is a whole header extension (RFC 8285)."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        second = self.payload_type | (0x80 if marker else 0)
        first = 0x90 if extension else 0x80
        head = struct.pack("!BBHII", first, second, self.sequence, self.timestamp, self.ssrc)
        return head + extension + payload

    def report(self, now: float, ntp: int) -> rtcp.SenderReport:
        """What is told of it at `now`, which is `ntp` (64 bits)."""
        elapsed = int((now - self._at) * self.clock_hz)
        timestamp = (self.timestamp + elapsed) & 0xFFFFFFFF
        return rtcp.SenderReport(self.ssrc, ntp, timestamp, self.packets, self.octets)
