"""RTP headers: read, written, and never a surprise from junk."""

from hypothesis import given
from hypothesis import strategies as st

from bridge import rtp

PAYLOAD = b"\x01\x02\x03\x04"


def test_parse_reads_a_plain_packet() -> None:
    packet = bytes.fromhex("80e0 ffff 00000001 deadbeef") + PAYLOAD
    header = rtp.parse(packet)
    assert header is not None
    assert (header.payload_type, header.marker) == (96, True)
    assert (header.sequence, header.timestamp, header.ssrc) == (0xFFFF, 1, 0xDEADBEEF)
    assert packet[header.start : header.end] == PAYLOAD


def test_parse_finds_the_payload_between_csrcs_extension_and_padding() -> None:
    fixed = bytes.fromhex("b26f 0001 00000002 00000003")
    csrcs = bytes(8)
    extension = bytes.fromhex("bede 0001 10aa0000")
    packet = fixed + csrcs + extension + PAYLOAD + b"\x00\x00\x03"
    header = rtp.parse(packet)
    assert header is not None
    assert packet[header.start : header.end] == PAYLOAD
    assert rtp.extension(packet, header, 1) == b"\xaa"


def test_parse_of_padding_only_has_an_empty_payload() -> None:
    header = rtp.parse(rtp.build(96, 1, 2, 3, b"", padding=255))
    assert header is not None
    assert header.start == header.end


def test_parse_refuses_wrong_version_and_lengths() -> None:
    good = bytes.fromhex("8060 0001 00000002 00000003")
    assert rtp.parse(good) is not None
    assert rtp.parse(b"\x40" + good[1:]) is None  # version 1
    assert rtp.parse(good[:11]) is None
    assert rtp.parse(b"\x81" + good[1:]) is None  # a CSRC that is not there
    assert rtp.parse(b"\x90" + good[1:]) is None  # an extension that is not there
    assert rtp.parse(b"\x90" + good[1:] + bytes.fromhex("bede0001")) is None  # … or cut off
    assert rtp.parse(b"\xa0" + good[1:] + b"\x00") is None  # padding of zero octets
    assert rtp.parse(b"\xa0" + good[1:] + b"\x02") is None  # padding that reaches into the header


def test_extension_of_the_two_byte_form() -> None:
    elements = bytes.fromhex("0500 00 0302aabb 00 00 00") + bytes(2)
    packet = bytes.fromhex("9060 0001 00000002 00000003 1000 0003") + elements + PAYLOAD
    header = rtp.parse(packet)
    assert header is not None
    assert rtp.extension(packet, header, 5) == b""
    assert rtp.extension(packet, header, 3) == b"\xaa\xbb"
    assert rtp.extension(packet, header, 2) is None


def test_extension_stops_at_the_reserved_identifier_and_at_a_cut_off_element() -> None:
    head = bytes.fromhex("9060 0001 00000002 00000003 bede 0001")
    for elements in ("f0aa10bb", "0000001f"):
        packet = head + bytes.fromhex(elements)
        header = rtp.parse(packet)
        assert header is not None
        assert rtp.extension(packet, header, 1) is None


def test_extension_is_none_in_packets_of_another_profile() -> None:
    packet = bytes.fromhex("9060 0001 00000002 00000003 abcd 0001 10aa0000")
    header = rtp.parse(packet)
    assert header is not None
    assert rtp.extension(packet, header, 1) is None


def _level(packet: bytes, identifier: int = 1) -> int | None:
    header = rtp.parse(packet)
    assert header is not None
    return rtp.audio_level(packet, header, identifier)


def test_audio_level_is_read_wherever_it_stands_and_without_its_voice_flag() -> None:
    for extensions in ([(1, b"\x9e")], [(4, b"x"), (3, b"\x00\x07"), (1, b"\x1e")]):
        assert _level(rtp.build(111, 1, 2, 3, PAYLOAD, extensions=extensions)) == 30
    two_byte = bytes.fromhex("906f 0001 00000002 00000003 1000 0002 0302aabb 01019e00") + PAYLOAD
    assert _level(two_byte) == 30
    assert _level(rtp.build(111, 1, 2, 3, PAYLOAD, extensions=[(1, b"\xff")])) == 127


def test_audio_level_is_none_in_packets_that_state_none() -> None:
    assert _level(rtp.build(111, 1, 2, 3, PAYLOAD)) is None
    assert _level(rtp.build(111, 1, 2, 3, PAYLOAD, extensions=[(2, b"\x1e")])) is None
    assert _level(bytes.fromhex("906f 0001 00000002 00000003 1000 0001 01000000")) is None  # empty
    assert _level(bytes.fromhex("906f 0001 00000002 00000003 abcd 0001 101e0000")) is None


@given(st.binary(max_size=40), st.integers(1, 14))
def test_audio_level_of_junk_is_a_level_or_none(junk: bytes, identifier: int) -> None:
    for profile in (b"\xbe\xde", b"\x10\x00"):
        body = junk[: len(junk) // 4 * 4]
        head = bytes.fromhex("906f 0001 00000002 00000003") + profile
        level = _level(head + bytes((0, len(body) // 4)) + body, identifier)
        assert level is None or 0 <= level <= 127


def test_transport_sequence_is_found_among_others_and_nowhere_else() -> None:
    extensions = [(1, b"abc"), (4, b"\x12\x34"), (5, b"x")]
    packet = rtp.build(96, 1, 2, 3, PAYLOAD, extensions=extensions)
    assert rtp.transport_sequence(packet, 4) == 0x1234
    assert rtp.transport_sequence(packet, 1) is None  # of another length
    assert rtp.transport_sequence(packet, 6) is None
    assert rtp.transport_sequence(packet[:20], 4) is None
    assert rtp.transport_sequence(rtp.build(96, 1, 2, 3, PAYLOAD), 4) is None
    assert rtp.transport_sequence(packet[:14], 4) is None


def test_transport_sequence_is_found_wherever_it_stands() -> None:
    others = [(1, b"\x31"), (4, b"abc")]
    for at in range(3):
        extensions = [*others[:at], (3, b"\x12\x34"), *others[at:]]
        packet = rtp.build(96, 1, 2, 3, PAYLOAD, extensions=extensions)
        assert rtp.transport_sequence(packet, 3) == 0x1234


values = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)),
    max_size=5,
    unique_by=lambda pair: pair[0],
)


@given(
    st.integers(0, 127),
    st.integers(0, 1 << 17),
    st.integers(0, 1 << 33),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=50),
    st.booleans(),
    values,
    st.integers(0, 255),
)
def test_parse_returns_what_build_wrote(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    extensions: list[tuple[int, bytes]],
    padding: int,
) -> None:
    packet = rtp.build(
        payload_type,
        sequence,
        timestamp,
        ssrc,
        payload,
        marker=marker,
        extensions=extensions,
        padding=padding,
    )
    header = rtp.parse(packet)
    assert header is not None
    assert header[:5] == (payload_type, marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    assert packet[header.start : header.end] == payload
    for identifier, value in extensions:
        assert rtp.extension(packet, header, identifier) == value


@given(st.binary(max_size=80), st.integers(0, 255), st.integers(0, 255))
def test_junk_is_none_or_stays_within_its_bounds(data: bytes, first: int, identifier: int) -> None:
    packet = bytes((0x80 | first,)) + data
    header = rtp.parse(packet)
    if header is not None:
        assert 12 <= header.start <= header.end <= len(packet)
        value = rtp.extension(packet, header, identifier)
        assert value is None or len(value) <= len(packet)


@given(st.binary(max_size=40), st.integers(1, 14))
def test_transport_sequence_agrees_with_the_careful_reader(
    elements: bytes, identifier: int
) -> None:
    elements += bytes(-len(elements) % 4)
    head = bytes.fromhex("9060 0001 00000002 00000003 bede") + bytes((0, len(elements) // 4))
    packet = head + elements
    header = rtp.parse(packet)
    assert header is not None
    value = rtp.extension(packet, header, identifier)
    expected = int.from_bytes(value, "big") if value is not None and len(value) == 2 else None
    found = rtp.transport_sequence(packet, identifier)
    if value is None or len(value) == 2:
        assert found == expected


@given(st.binary(min_size=11, max_size=60), st.integers(0, 15))
def test_transport_sequence_of_junk_is_none_or_a_number(data: bytes, identifier: int) -> None:
    number = rtp.transport_sequence(b"\x90" + data, identifier)
    assert number is None or 0 <= number <= 0xFFFF
