"""RTCP packets: read what a compound holds, write reports and feedback.

Reading never raises: what is cut off, malformed or of an unknown kind is skipped (RFC 3550 §6.1),
and reduced-size compounds (RFC 5506) are as good as full ones. The work is linear in the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bridge.arrivals import Arrivals, read_arrivals

MAX_BLOCKS = 31
"""Report blocks of one report: the count field has five bits."""
MAX_PACKETS = 256
"""Packets read of one compound; what follows is ignored."""
MAX_LOST = 512
"""Numbers read of one NACK; who has lost more needs a keyframe."""

_SR, _RR, _SDES, _BYE, _APP, _RTPFB, _PSFB, _XR = 200, 201, 202, 203, 204, 205, 206, 207
_LEVELS = b"LEVL"
_NTP_EPOCH_S = 2_208_988_800


def ntp_time(wall_s: float) -> int:
    """The 64-bit NTP timestamp of a Unix time in seconds (RFC 3550 §4)."""
    return int((wall_s + _NTP_EPOCH_S) * 2**32) & 0xFFFFFFFF_FFFFFFFF


def compact_ntp(ntp: int) -> int:
    """The middle 32 bits of an NTP timestamp, in units of 2^-16 s, as LSR and DLSR use them."""
    return ntp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one receiver says of one SSRC (RFC 3550 §6.4.1).

    `fraction_lost` is in 1/256; `lost` is signed; `highest_sequence` carries the cycles above its
    low 16 bits; `jitter` is in timestamp units; `lsr` and `dlsr` are in 2^-16 s, 0 when no sender
    report came yet.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR (RFC 3550 §6.4.1): `rtp_timestamp` belongs to the instant `ntp`."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR (RFC 3550 §6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class CanonicalName:
    """The CNAME of one SDES chunk (RFC 3550 §6.5.1)."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE (RFC 3550 §6.6): these streams end."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK (RFC 4585 §6.2.1): `lost` are sequence numbers of `media_ssrc`."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """PLI (RFC 4585 §6.3.1): `media_ssrc` needs a keyframe."""

    sender_ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntra:
    """FIR (RFC 5104 §4.3.1): (SSRC, command number) of each stream that needs a keyframe."""

    sender_ssrc: int
    requests: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MaximumBitrate:
    """REMB (draft-alvestrand-rmcat-remb-03): the sum of `ssrcs` may be up to `bitrate_bps`."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """XR receiver reference time (RFC 3611 §4.4): asks a sender to reply with `ReferenceReply`."""

    ssrc: int
    ntp: int


@dataclass(frozen=True, slots=True)
class ReferenceReply:
    """XR DLRR (RFC 3611 §4.5): (SSRC, last RR, delay since it) per receiver, times in 2^-16 s."""

    ssrc: int
    replies: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Levels:
    """APP (RFC 3550 §6.7) of name ``LEVL``: (SSRC, loudness in −dBov, 0–127) of sounds that are
    forwarded without the extension that states it (RFC 6464). Our own, between nodes."""

    ssrc: int
    levels: tuple[tuple[int, int], ...]


Packet = (
    SenderReport
    | ReceiverReport
    | CanonicalName
    | Bye
    | Nack
    | PictureLoss
    | FullIntra
    | MaximumBitrate
    | ReferenceTime
    | ReferenceReply
    | Levels
)
Received = Packet | Arrivals
"""What is read; arrivals are written by `congestion.TransportFeedback`."""


# --- reading ------------------------------------------------------------------------------------

_HEAD = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IQIII")
_PAIR = struct.Struct("!II")


def parse(data: bytes) -> list[Received]:
    """The packets of one compound that could be read, in their order."""
    packets: list[Received] = []
    for kind, count, body in _bodies(data):
        reader = _READERS.get(kind)
        if reader is not None:
            packets.extend(reader(count, body))
    return packets


FeedbackKind = Literal["pli", "fir", "nack", "remb", "twcc"]


def feedback_kinds(data: bytes) -> list[FeedbackKind]:
    """The type of each feedback packet of one compound (RFC 4585 §6.1), one by one."""
    kinds: list[FeedbackKind] = []
    for kind, count, body in _bodies(data):
        named = _FEEDBACK.get((kind, count))
        if named is None or len(body) < 8 or (named == "remb" and body[8:12] != b"REMB"):
            continue
        kinds.append(named)
    return kinds


_FEEDBACK: Final[Mapping[tuple[int, int], FeedbackKind]] = {
    (_RTPFB, 1): "nack",
    (_RTPFB, 15): "twcc",
    (_PSFB, 1): "pli",
    (_PSFB, 4): "fir",
    (_PSFB, 15): "remb",
}


def _bodies(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Packet type, count or format, and body without padding, of each packet of a compound."""
    position = read = 0
    while position + 4 <= len(data) and read < MAX_PACKETS:
        first, kind, words = _HEAD.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            break
        body = data[position + 4 : end]
        if first & 0x20 and body:
            # padding is whole words of the last packet; a count that is too large leaves nothing
            body = body[: max(0, len(body) - body[-1])]
        yield kind, first & 0x1F, body
        position = end
        read += 1


def _read_blocks(count: int, data: bytes, position: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for _ in range(min(count, (len(data) - position) // _BLOCK.size)):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(data, position)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 1 << 24
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr))
        position += _BLOCK.size
    return tuple(blocks)


def _read_sender_report(count: int, body: bytes) -> Iterator[Packet]:
    if len(body) >= _SENDER.size:
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        blocks = _read_blocks(count, body, _SENDER.size)
        yield SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)


def _read_receiver_report(count: int, body: bytes) -> Iterator[Packet]:
    if len(body) >= 4:
        yield ReceiverReport(_word(body, 0), _read_blocks(count, body, 4))


def _read_description(count: int, body: bytes) -> Iterator[Packet]:
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            return
        ssrc = _word(body, position)
        position += 4
        while position < len(body) and body[position]:
            if position + 2 > len(body):
                return
            item, start = body[position], position + 2
            position = start + body[position + 1]
            if position > len(body):
                return
            if item == 1:
                yield CanonicalName(ssrc, body[start:position].decode("utf-8", "replace"))
        position += 4 - position % 4


def _read_bye(count: int, body: bytes) -> Iterator[Packet]:
    yield Bye(tuple(_word(body, 4 * n) for n in range(min(count, len(body) // 4))))


def _read_application(_: int, body: bytes) -> Iterator[Packet]:
    if len(body) >= 8 and body[4:8] == _LEVELS:
        levels = ((_word(body, at), body[at + 4] & 0x7F) for at in range(8, len(body) - 7, 8))
        yield Levels(_word(body, 0), tuple(levels))


def _read_transport_feedback(kind: int, body: bytes) -> Iterator[Received]:
    if kind == 1 and len(body) >= 12:
        sender, media = _PAIR.unpack_from(body)
        lost = []
        for position in range(8, len(body) - 3, 4):
            first, mask = struct.unpack_from("!HH", body, position)
            lost.append(first)
            lost.extend((first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1)
            if len(lost) >= MAX_LOST:
                break
        yield Nack(sender, media, tuple(lost[:MAX_LOST]))
    elif kind == 15:
        arrivals = read_arrivals(body)
        if arrivals is not None:
            yield arrivals


def _read_payload_feedback(kind: int, body: bytes) -> Iterator[Packet]:
    if len(body) < 8:
        return
    sender, media = _PAIR.unpack_from(body)
    if kind == 1:
        yield PictureLoss(sender, media)
    elif kind == 4:
        requests = ((_word(body, at), body[at + 4]) for at in range(8, len(body) - 7, 8))
        yield FullIntra(sender, tuple(requests))
    elif kind == 15 and body[8:12] == b"REMB" and len(body) >= 16:
        rate = (body[13] & 0x03) << 16 | body[14] << 8 | body[15]
        count = min(body[12], (len(body) - 16) // 4)
        ssrcs = tuple(_word(body, 16 + 4 * n) for n in range(count))
        yield MaximumBitrate(sender, rate << (body[13] >> 2), ssrcs)


def _read_extended_report(_: int, body: bytes) -> Iterator[Packet]:
    if len(body) < 4:
        return
    ssrc, position = _word(body, 0), 4
    while position + 4 <= len(body):
        kind, _reserved, words = _HEAD.unpack_from(body, position)
        start, position = position + 4, position + 4 + 4 * words
        if position > len(body):
            return
        if kind == 4 and words == 2:
            yield ReferenceTime(ssrc, int.from_bytes(body[start:position], "big"))
        elif kind == 5:
            replies = (
                struct.unpack_from("!III", body, at) for at in range(start, position - 11, 12)
            )
            yield ReferenceReply(ssrc, tuple(replies))


def _word(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


_READERS: Final[Mapping[int, Callable[[int, bytes], Iterator[Received]]]] = {
    _SR: _read_sender_report,
    _RR: _read_receiver_report,
    _SDES: _read_description,
    _BYE: _read_bye,
    _APP: _read_application,
    _RTPFB: _read_transport_feedback,
    _PSFB: _read_payload_feedback,
    _XR: _read_extended_report,
}


# --- writing ------------------------------------------------------------------------------------


def build(packets: Iterable[Packet]) -> bytes:
    """One compound of these packets, in this order (RFC 3550 §6.1 wants a report first).

    The caller keeps it below the path's MTU. Numbers must fit their fields.
    """
    return b"".join(map(_write, packets))


def _write(packet: Packet) -> bytes:
    match packet:
        case SenderReport(ssrc, ntp, timestamp, sent, octets, blocks):
            head = _SENDER.pack(ssrc, ntp, timestamp, sent & 0xFFFFFFFF, octets & 0xFFFFFFFF)
            return _packet(len(blocks), _SR, head + _write_blocks(blocks))
        case ReceiverReport(ssrc, blocks):
            return _packet(len(blocks), _RR, struct.pack("!I", ssrc) + _write_blocks(blocks))
        case CanonicalName(ssrc, cname):
            name = cname.encode()
            chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
            # a chunk ends with one to four null octets, at a word boundary
            return _packet(1, _SDES, chunk + bytes(4 - len(chunk) % 4))
        case Bye(ssrcs):
            return _packet(len(ssrcs), _BYE, _words(ssrcs))
        case Nack(sender, media, lost):
            return _packet(1, _RTPFB, _PAIR.pack(sender, media) + _write_lost(lost))
        case PictureLoss(sender, media):
            return _packet(1, _PSFB, _PAIR.pack(sender, media))
        case FullIntra(sender, requests):
            entries = (struct.pack("!IBxxx", ssrc, number & 0xFF) for ssrc, number in requests)
            return _packet(4, _PSFB, _PAIR.pack(sender, 0) + b"".join(entries))
        case MaximumBitrate(sender, bitrate_bps, ssrcs):
            exponent = max(0, bitrate_bps.bit_length() - 18)
            rate = exponent << 18 | bitrate_bps >> exponent
            body = b"REMB" + bytes((len(ssrcs),)) + rate.to_bytes(3, "big") + _words(ssrcs)
            return _packet(15, _PSFB, _PAIR.pack(sender, 0) + body)
        case Levels(ssrc, levels):
            pairs = (struct.pack("!IBxxx", one, level & 0x7F) for one, level in levels)
            return _packet(0, _APP, struct.pack("!I", ssrc) + _LEVELS + b"".join(pairs))
        case ReferenceTime(ssrc, ntp):
            return _packet(0, _XR, struct.pack("!IBBHQ", ssrc, 4, 0, 2, ntp))
        case ReferenceReply(ssrc, replies):
            head = struct.pack("!IBBH", ssrc, 5, 0, 3 * len(replies))
            return _packet(0, _XR, head + b"".join(struct.pack("!III", *one) for one in replies))


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _words(values: Sequence[int]) -> bytes:
    return struct.pack(f"!{len(values)}I", *values)


def _write_blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.lsr,
            block.dlsr,
        )
        for block in blocks
    )


def _write_lost(lost: Sequence[int]) -> bytes:
    """Pairs of a sequence number and a mask of the 16 that follow; `lost` in ascending order."""
    entries: list[list[int]] = []
    for sequence in lost:
        distance = (sequence - entries[-1][0]) & 0xFFFF if entries else 0
        if 1 <= distance <= 16:
            entries[-1][1] |= 1 << distance - 1
        else:
            entries.append([sequence, 0])
    return b"".join(struct.pack("!HH", first, mask) for first, mask in entries)
