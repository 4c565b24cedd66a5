"""A read-only view of RTP packets (RFC 3550 §5.1) and their header extensions (RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HEADER_SIZE = 12
"""Bytes of a header without contributing sources and extensions."""

_FIXED = struct.Struct("!BBHII")
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000


class Header(NamedTuple):
    """Where everything lies in one packet. `start` and `end` bound the payload, without padding;
    they are equal in a packet that carries padding only. `extensions_start` and `extensions_end`
    bound the header extension's data, whose `profile` is 0 when there is none."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    start: int
    end: int
    profile: int
    extensions_start: int
    extensions_end: int


def parse(packet: bytes) -> Header | None:
    """Read a packet's header; None if it is not RTP version 2 or its lengths do not add up."""
    size = len(packet)
    if size < HEADER_SIZE:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    if first >> 6 != 2:
        return None
    start = HEADER_SIZE + 4 * (first & 0x0F)
    profile = extensions_start = extensions_end = 0
    if first & 0x10:
        extensions_start = start + 4
        if extensions_start > size:
            return None
        profile = packet[start] << 8 | packet[start + 1]
        words = packet[start + 2] << 8 | packet[start + 3]
        start = extensions_end = extensions_start + 4 * words
    end = size
    if first & 0x20:
        # "The last octet of the padding contains a count of how many padding octets should be
        # ignored, including itself."
        padding = packet[-1]
        if padding == 0:
            return None
        end -= padding
    if start > end:
        return None
    return Header(
        second & 0x7F,
        second > 0x7F,
        sequence,
        timestamp,
        ssrc,
        start,
        end,
        profile,
        extensions_start,
        extensions_end,
    )


def extension(packet: bytes, header: Header, identifier: int) -> bytes | None:
    """The value of the header extension that the session maps to `identifier` (RFC 8285 §4).

    None if the packet does not carry it, or is cut off before it.
    """
    for found, start, end in _elements(packet, header):
        if found == identifier:
            return packet[start:end]
    return None


def audio_level(packet: bytes, header: Header, identifier: int) -> int | None:
    """The loudness that a packet states under `identifier` (RFC 6464 §3): 0 (the end of the scale)
    to 127 (silence), in −dBov. None if it states none.

    The voice flag is left out: senders that do not know set it as they like.
    """
    if header.profile != _ONE_BYTE_PROFILE:
        value = extension(packet, header, identifier)
        return value[0] & 0x7F if value else None
    # wanted of every sound packet, so without a generator's cost
    at, limit = header.extensions_start, header.extensions_end - 1
    wanted = identifier << 4
    while at < limit:
        head = packet[at]
        if head == wanted:
            return packet[at + 1] & 0x7F
        if head >= 0xF0:
            return None
        at += (head & 0x0F) + 2 if head > 0x0F else 1
    return None


def transport_sequence(packet: bytes, identifier: int) -> int | None:
    """The transport-wide sequence number under `identifier`, or None; quicker than `parse`.

    It is wanted of every packet, so it looks at one-byte elements only, as browsers send them.
    `packet` has the 12 bytes of a header at least.
    """
    at = HEADER_SIZE + 4 * (packet[0] & 0x0F)
    # a packet that ends with the profile is cut off: `words` would lie beyond it
    if not packet[0] & 0x10 or packet[at : at + 2] != b"\xbe\xde" or len(packet) < at + 4:
        return None
    limit = min(at + 4 + 4 * (packet[at + 2] << 8 | packet[at + 3]), len(packet)) - 2
    at += 4
    wanted = identifier << 4 | 1
    while at < limit:
        head = packet[at]
        if head == wanted:
            return packet[at + 1] << 8 | packet[at + 2]
        if head >= 0xF0:
            return None
        at += (head & 0x0F) + 2 if head > 0x0F else 1
    return None


def _elements(packet: bytes, header: Header) -> Iterator[tuple[int, int, int]]:
    """(identifier, start, end) of each whole element."""
    one_byte = header.profile == _ONE_BYTE_PROFILE
    if not one_byte and header.profile & 0xFFF0 != _TWO_BYTE_PROFILE:
        return
    position, limit = header.extensions_start, header.extensions_end
    while position < limit:
        head = packet[position]
        position += 1
        if one_byte:
            # §4.2: 15 is reserved: "processing of the entire extension MUST terminate"
            if head >> 4 == 15:
                return
            identifier = head >> 4
            # a zero id with a length is malformed; as padding it is one octet
            length = (head & 0x0F) + 1 if identifier else 0
        elif head == 0:
            identifier = length = 0
        else:
            if position == limit:
                return
            identifier, length = head, packet[position]
            position += 1
        if position + length > limit:
            return
        if identifier:
            yield identifier, position, position + length
        position += length


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    extensions: Iterable[tuple[int, bytes]] = (),
    padding: int = 0,
) -> bytes:
    """Write a packet. `extensions` are (identifier 1–14, value of 1–16 bytes) pairs.

    Numbers wrap at their field's width; `padding` (0–255) counts octets as RFC 3550 does.
    """
    data = b"".join(
        bytes((identifier << 4 | len(value) - 1,)) + value for identifier, value in extensions
    )
    first = 0x80
    head = b""
    if data:
        data += bytes(-len(data) % 4)
        head = struct.pack("!HH", _ONE_BYTE_PROFILE, len(data) // 4) + data
        first |= 0x10
    tail = b""
    if padding:
        tail = bytes(padding - 1) + bytes((padding,))
        first |= 0x20
    fixed = _FIXED.pack(
        first,
        payload_type | marker << 7,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    return fixed + head + payload + tail
