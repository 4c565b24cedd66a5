"""Parsers that remember: fed with whole sequences of what a peer writes."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from itertools import pairwise

from bridge import rtp
from bridge.agreed import PublishedTrack
from bridge.arrivals import read_arrivals
from bridge.codecs import OPUS, VP8, parse_h264
from bridge.cuts import Cuts
from bridge.downlink import Downlink, Fate
from bridge.framing import MAX_FRAME, Deframer, FramingError, framed
from bridge.latching import Latched, latch
from bridge.media_worker import frames, matroska
from bridge.media_worker.intake import Intake
from bridge.media_worker.tape import Append, Begin, Tape
from bridge.offers import AnswerError, read_answer
from bridge.parametersets import (
    MAX_PAYLOAD,
    MAX_PPS,
    MAX_SET,
    ParameterSets,
    picture_size,
    read_offered,
)
from bridge.receiveoffer import CodecName, Stream, read_streams
from bridge.repair import repaired_sequence, restored
from bridge.simulcast import MAX_LAYERS, read_content, read_rids
from signaling.wire.control import TRUNK_SLOTS
from signaling.wire.errors import WireError
from signaling.wire.ids import SlotName

_SLOT = SlotName("stage:1")
_CODECS: tuple[CodecName, ...] = ("VP8", "H264", "opus")
_TRACKS = (
    PublishedTrack("0", "mic", OPUS, 111, (66,), 4, 3, nack=False, level_extension=1),
    PublishedTrack(
        *("1", "camera", VP8, 96, (), 4, 3),
        nack=True,
        layers=("q", "h", "f"),
        rid_extension=10,
        repaired_extension=11,
        rtx=97,
    ),
    PublishedTrack("2", "slides", VP8, 98, (88,), 4, 3, nack=True, rtx=99, repairs={89: 88}),
)


def pieces(data: bytes) -> Iterable[bytes]:
    """An input as a sequence of packets: cut after each two octets 0xFF 0x00."""
    cuts = [0]
    while (at := data.find(b"\xff\x00", cuts[-1])) >= 0:
        cuts.append(at + 2)
    return [data[one:other] for one, other in pairwise([*cuts, len(data)])]


def arrivals(data: bytes) -> None:
    """Of transport-wide feedback: never more than was written, and an estimate within its bounds,
    whatever it says of packets that were sent."""
    downlink = Downlink(0.0)
    for number, body in enumerate(pieces(data)):
        found = read_arrivals(body)
        if found is None:
            continue
        offsets = [offset for offset, _ in found.came]
        assert len(offsets) <= len(body)
        assert offsets == sorted(set(offsets))
        assert all(0 <= offset < found.count for offset in offsets)
        now = 1.0 + number / 10
        fates = [Fate(now - 0.1, 1200, ticks * 0.000_25) for _, ticks in found.came]
        downlink.feedback(now, fates)
        assert 1_000 <= downlink.estimate_bps <= 1e9


def a_retransmission(data: bytes) -> None:
    """Padding, or a packet of the stream that it repairs, with the same payload."""
    header = rtp.parse(data)
    if header is None:
        return
    sequence = repaired_sequence(data, header)
    if sequence is None:
        return
    packet = restored(data, header, 77, 96)
    again = rtp.parse(packet)
    if again is None:
        # padding that reached into the number
        assert header.end < len(data)
        return
    assert (again.sequence, again.ssrc, again.payload_type) == (sequence, 77, 96)
    assert packet[again.start : again.end] == data[header.start + 2 : header.end]


def layers(data: bytes) -> None:
    """Of an SDP section: lines of rid, then simulcast, then content, told by their first octet."""
    lines = data.decode("utf-8", "replace").split("\n")
    rids = [line[1:] for line in lines if line[:1] == "r"]
    several = [line[1:] for line in lines if line[:1] == "s"]
    with contextlib.suppress(WireError):
        found = read_rids(rids, several)
        assert len(found) <= MAX_LAYERS
        assert len({one.name for one in found}) == len(found)
    with contextlib.suppress(WireError):
        read_content(next((line[1:] for line in lines if line[:1] == "c"), None))


def a_packet_to_latch(data: bytes) -> None:
    """Of one layer of one section, or of none."""
    header = rtp.parse(data)
    if header is None:
        return
    found = latch(_TRACKS, data, header)
    if isinstance(found, Latched):
        assert found.layer in found.track.layers
        assert header.payload_type == (
            found.track.rtx if found.repairs else found.track.payload_type
        )


def a_byte_stream(data: bytes) -> None:
    """However it is cut, the same datagrams come out, and less than a frame is kept."""
    whole, cut = Deframer(), Deframer()
    found: list[bytes] = []
    broken = False
    try:
        found = whole.feed(data)
    except FramingError:
        broken = True
    bits: list[bytes] = []
    size = 1 + len(data) % 7
    try:
        for at in range(0, len(data), size):
            bits += cut.feed(data[at : at + size])
        assert not broken
        assert bits == found
    except FramingError:
        assert broken
    assert all(1 <= len(one) <= MAX_FRAME for one in bits)
    again = Deframer().feed(b"".join(map(framed, bits)))
    assert again == bits


def a_parameter_set(data: bytes) -> None:
    """Of H.264: a size that a picture may have, or none; and what came before is not outgrown,
    whether it came in packets or in an offer."""
    size = picture_size(data)
    assert size is None or (0 < size[0] <= 16384 and 0 < size[1] <= 16384)
    sets = ParameterSets(read_offered(data.decode("latin-1")))
    cuts = Cuts(())
    for packet in pieces(data):
        sets.put(packet)
        cut = parse_h264(packet, 0, len(packet))
        if cut is not None:
            cuts.read(packet, 0, len(packet))
    for one in (sets, cuts.sets):
        assert len(one.payload or b"") <= MAX_PAYLOAD
        assert len(one.config or b"") <= (MAX_PPS + 1) * (MAX_SET + 2) + 8


def a_recording(data: bytes) -> None:
    """What a slot of a subscription brings becomes a file that can be read again; the first octet
    tells the codec, and every third piece comes as a retransmission."""
    codec = _CODECS[data[0] % 3] if data else "VP8"
    intake = Intake(Stream(_SLOT, codec, 96, 77, (97, 78)))
    tape = Tape({_SLOT: "program"}, "fuzz", 60.0)
    file: list[bytes] = []
    now = 10.0
    for number, packet in enumerate(pieces(data[1:])):
        now += 0.02
        (intake.repair if number % 3 == 2 else intake.receive)(now, 1e9 + now, packet)
        for received in intake.take(now):
            assert len(received.frame.data) <= frames.MAX_FRAME
            tape.put(now, received)
        intake.wants_keyframe(now)
        assert len(intake.missing(now, 0.1)) <= 2048
    for received in intake.take(now + 2.0):
        tape.put(now, received)
    for output in tape.close():
        if isinstance(output, Begin):
            _read_again(file)
            file = [output.head.data]
        elif isinstance(output, Append):
            file.append(output.data)
    _read_again(file)


def _read_again(file: list[bytes]) -> None:
    data = b"".join(file)
    if data:
        found = matroska.scan(io.BytesIO(data), len(data))
        assert found is not None
        assert found.end == len(data)


def a_file_that_was_cut(data: bytes) -> None:
    """As the disk gives it after a crash: what is whole ends within it."""
    found = matroska.scan(io.BytesIO(data), len(data))
    assert found is None or found.end <= len(data)


def an_answer(data: bytes) -> None:
    """Of the node whose receiver we are: what flows in each slot, or why not."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(AnswerError):
        found = read_streams(text, TRUNK_SLOTS)
        assert [one.slot for one in found] == list(TRUNK_SLOTS)
        assert all(0 <= one.ssrc < 1 << 32 and one.payload_type < 128 for one in found)
    with contextlib.suppress(AnswerError):
        read_answer(text)
