"""What a slot sent lately, to answer a receiver's NACK with (RFC 4585 §6.2.1, RFC 4588)."""

from __future__ import annotations

import struct

RESEND_AFTER_S = 0.02
"""The same packet is not sent again sooner: the answer to the last NACK is still on its way."""
RESENDS_PER_S = 200.0
RESENDS_BURST = 100.0

_RTX_HEADER = struct.Struct("!BBHIIH")


class PacketCache:
    """The last packets of one outgoing stream, by sequence number, as they were sent (plain).

    `size` is a power of two; a newer packet takes the place of the one `size` numbers before.
    A budget bounds the answers, so that a receiver cannot have the node send without end.
    """

    def __init__(self, size: int, now: float) -> None:
        assert size & (size - 1) == 0, size
        self._mask = size - 1
        self._packets: list[bytes | None] = [None] * size
        self._resent_at: dict[int, float] = {}
        self._budget = RESENDS_BURST
        self._budget_at = now

    def store(self, packet: bytes) -> None:
        """Remember an RTP packet that goes out."""
        self._packets[(packet[2] << 8 | packet[3]) & self._mask] = packet

    def resend(self, now: float, sequence: int) -> bytes | None:
        """The packet of this number; None if it is gone, was resent just now, or the budget is
        used up."""
        packet = self._packets[sequence & self._mask]
        if packet is None or packet[2] << 8 | packet[3] != sequence:
            return None
        if now < self._resent_at.get(sequence, now - 1) + RESEND_AFTER_S:
            return None
        self._budget += (now - self._budget_at) * RESENDS_PER_S
        self._budget = min(self._budget, RESENDS_BURST)
        self._budget_at = now
        if self._budget < 1:
            return None
        self._budget -= 1
        self._resent_at[sequence] = now
        if len(self._resent_at) > self._mask:
            del self._resent_at[next(iter(self._resent_at))]
        return packet


def retransmission(packet: bytes, payload_type: int, ssrc: int, sequence: int) -> bytes:
    """The RTX packet (RFC 4588 §4) of a packet without extensions and contributing sources."""
    assert packet[0] == 0x80
    timestamp = int.from_bytes(packet[4:8], "big")
    original = packet[2] << 8 | packet[3]
    marker = packet[1] & 0x80
    head = _RTX_HEADER.pack(
        0x80, marker | payload_type, sequence & 0xFFFF, timestamp, ssrc, original
    )
    return head + packet[12:]
