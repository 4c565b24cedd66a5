"""Every parser of something that a peer writes, each with what must hold for any input."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from bridge import rtcp, rtp, stun
from bridge.answer import Local, answer_publish, answer_receive, candidate_lines
from bridge.codecs import parse_h264, parse_vp8
from bridge.fingerprint import Fingerprint
from bridge.fragment import read_fragment, write_fragment
from bridge.ice import Candidate, Credentials
from bridge.sdp import MAX_SECTIONS, Offer, read_offer
from signaling.wire.errors import WireError
from signaling.wire.ids import parse_slots, slot_name
from tests.fuzz import flows, waysin

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"

_LOCAL = Local(
    1,
    Credentials("localUfrag", "localPasswordOfSomeLength"),
    Fingerprint("sha-256", ":".join(["AB"] * 32)),
    [Candidate("udp", "192.0.2.1", 9999), Candidate("tcp", "2001:db8::1", 9999)],
)


def corpus(target: str) -> list[bytes]:
    """The inputs that are kept for this target, in a stable order."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def a_stun_message(data: bytes) -> None:
    """Read or refused, also with a FINGERPRINT that fits; nothing that a fuzzer makes is signed."""
    _read_stun(data)
    crc = binascii.crc32(data[:-8]) ^ 0x5354554E
    _read_stun(data[:-8] + struct.pack("!HHI", 0x8028, 4, crc))


def _read_stun(data: bytes) -> None:
    try:
        message = stun.parse(data)
    except stun.StunError:
        return
    assert not message.authentic(b"a password that nobody has guessed")
    assert len(message.ufrag) <= 513
    stun.success(message, "192.0.2.1", 4242, b"password")
    stun.failure(message, 400, "Bad Request", b"password")


def an_rtp_packet(data: bytes) -> None:
    """Everything lies within the packet, and what is written again says the same."""
    for identifier in range(16):
        if len(data) >= rtp.HEADER_SIZE:
            number = rtp.transport_sequence(data, identifier)
            assert number is None or 0 <= number < 0x10000
    header = rtp.parse(data)
    if header is None:
        return
    assert rtp.HEADER_SIZE <= header.start <= header.end <= len(data)
    assert header.extensions_end <= header.start
    for identifier in range(256):
        value = rtp.extension(data, header, identifier)
        assert value is None or len(value) <= 255


def an_rtcp_compound(data: bytes) -> None:
    """Read as far as it can be, with bounded results; what was read can be written."""
    packets = rtcp.parse(data)
    assert len(packets) <= 31 * rtcp.MAX_PACKETS
    assert len(rtcp.feedback_kinds(data)) <= rtcp.MAX_PACKETS
    for packet in packets:
        match packet:
            case rtcp.Nack(lost=lost):
                assert len(lost) <= rtcp.MAX_LOST
                assert all(0 <= one < 0x10000 for one in lost)
            case rtcp.SenderReport(blocks=blocks) | rtcp.ReceiverReport(blocks=blocks):
                assert len(blocks) <= rtcp.MAX_BLOCKS
            case _:
                pass


def a_vp8_payload(data: bytes) -> None:
    """Within the payload, wherever it is cut off."""
    for end in {len(data), len(data) // 2, min(len(data), 3)}:
        payload = parse_vp8(data, 0, end)
        if payload is None:
            continue
        assert 1 <= payload.rest <= end
        assert payload.picture_id < 1 << 15
        assert payload.picture_id_bits in (0, 7, 15)
        assert -1 <= payload.tl0_picture <= 255


def an_h264_payload(data: bytes) -> None:
    """The same."""
    for end in {len(data), len(data) // 2, min(len(data), 3)}:
        payload = parse_h264(data, 0, end)
        assert payload is None or payload.starts_keyframe in (True, False, None)


def an_offer_to_publish(data: bytes) -> None:
    """Answered section for section, or refused with a documented code."""
    offer = _offer(data, "publish")
    if offer is None:
        return
    try:
        answer, tracks = answer_publish(offer, _LOCAL)
    except WireError:
        return
    assert 1 <= len(tracks) <= MAX_SECTIONS["publish"]
    _check_answer(offer, answer)


def an_offer_to_receive(data: bytes) -> None:
    """The same, with as many slots as it has sections for."""
    offer = _offer(data, "receive")
    if offer is None:
        return
    video = sum(one.media == "video" and one.usable and one.receives for one in offer.sections)
    slots = [slot_name("stage", 1 + index) for index in range(video)]
    slots += parse_slots("floor:1") if any(
        one.media == "audio" and one.usable and one.receives for one in offer.sections
    ) else []  # fmt: skip
    try:
        answer, received = answer_receive(offer, _LOCAL, slots, count(1))
    except WireError:
        return
    assert len({one.ssrc for one in received}) == len(received) == len(slots)
    _check_answer(offer, answer)


def _offer(data: bytes, direction: str) -> Offer | None:
    try:
        return read_offer(data.decode("utf-8", "replace"), direction)
    except WireError:
        return None


def _check_answer(offer: Offer, answer: str) -> None:
    lines = answer.split("\r\n")
    assert lines[-1] == ""
    assert all(line[1] == "=" and line.isprintable() for line in lines[:-1]), "lines were smuggled"
    media = [line for line in lines if line.startswith("m=")]
    assert len(media) == len(offer.sections)
    assert sum(line == "a=ice-lite" for line in lines) == 1


def a_fragment(data: bytes) -> None:
    """Refused with a documented code, or what is written for it can be read again."""
    try:
        fragment = read_fragment(data.decode("utf-8", "replace"))
    except WireError:
        return
    told = write_fragment(fragment, _LOCAL.credentials, candidate_lines(_LOCAL.candidates))
    again = read_fragment(told)
    assert again.candidates == len(_LOCAL.candidates)
    assert again.media is not None
    assert fragment.media in (None, again.media)


TARGETS: Mapping[str, Target] = {
    "stun": a_stun_message,
    "rtp": an_rtp_packet,
    "rtcp": an_rtcp_compound,
    "vp8": a_vp8_payload,
    "h264": an_h264_payload,
    "publish": an_offer_to_publish,
    "receive": an_offer_to_receive,
    "fragment": a_fragment,
    "arrivals": flows.arrivals,
    "repair": flows.a_retransmission,
    "layers": flows.layers,
    "latching": flows.a_packet_to_latch,
    "framing": flows.a_byte_stream,
    "parameters": flows.a_parameter_set,
    "recording": flows.a_recording,
    "answer": flows.an_answer,
    "file": flows.a_file_that_was_cut,
    "waysin": waysin.a_publisher,
}
