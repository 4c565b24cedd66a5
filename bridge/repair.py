"""Retransmissions on a stream of their own, as publishers send them (RFC 4588)."""

from __future__ import annotations

from bridge import rtp


def repaired_sequence(packet: bytes, header: rtp.Header) -> int | None:
    """Which packet this retransmission repeats (§4, OSN); None if it carries nothing but padding,
    as probes of the path do."""
    if header.end - header.start < 2:
        return None
    return packet[header.start] << 8 | packet[header.start + 1]


def restored(packet: bytes, header: rtp.Header, ssrc: int, payload_type: int) -> bytes:
    """The packet that was lost, as its stream would have brought it; `repaired_sequence` is not
    None. Header extensions stay those of the retransmission."""
    marker = packet[1] & 0x80
    return b"".join(
        (
            packet[:1],
            bytes((marker | payload_type,)),
            packet[header.start : header.start + 2],
            packet[4:8],
            ssrc.to_bytes(4, "big"),
            packet[12 : header.start],
            packet[header.start + 2 :],
        )
    )
