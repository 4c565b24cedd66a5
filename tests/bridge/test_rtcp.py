"""RTCP: compounds read and written, and never a surprise from junk."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import rtcp
from bridge.congestion import TransportFeedback

words = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    rtcp.ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=words,
    jitter=words,
    lsr=words,
    dlsr=words,
)
block_lists = st.lists(blocks, max_size=rtcp.MAX_BLOCKS).map(tuple)
ntp_times = st.integers(0, 2**64 - 1)
packets = st.one_of(
    st.builds(rtcp.SenderReport, words, ntp_times, words, words, words, block_lists),
    st.builds(rtcp.ReceiverReport, words, block_lists),
    st.builds(rtcp.CanonicalName, words, st.text(max_size=60)),
    st.builds(rtcp.Bye, st.lists(words, max_size=31).map(tuple)),
    st.builds(rtcp.PictureLoss, words, words),
    st.builds(
        rtcp.FullIntra,
        words,
        st.lists(st.tuples(words, st.integers(0, 255)), max_size=5).map(tuple),
    ),
    st.builds(rtcp.ReferenceTime, words, ntp_times),
    st.builds(
        rtcp.Levels, words, st.lists(st.tuples(words, st.integers(0, 127)), max_size=5).map(tuple)
    ),
    st.builds(
        rtcp.ReferenceReply, words, st.lists(st.tuples(words, words, words), max_size=5).map(tuple)
    ),
    # its mantissa has 18 bits
    st.builds(
        rtcp.MaximumBitrate,
        words,
        st.builds(
            lambda mantissa, shift: mantissa << shift, st.integers(0, 2**18 - 1), st.integers(0, 40)
        ),
        st.lists(words, max_size=10).map(tuple),
    ),
)


@given(st.lists(packets, max_size=6))
def test_parse_returns_what_build_wrote(compound: list[rtcp.Packet]) -> None:
    assert rtcp.parse(rtcp.build(compound)) == compound


@given(st.integers(0, 0xFFFF), st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_nack_names_each_lost_packet_once_and_wraps(first: int, steps: list[int]) -> None:
    lost = [first]
    for step in steps:
        lost.append((lost[-1] + step) & 0xFFFF)
    assert rtcp.parse(rtcp.build([rtcp.Nack(1, 2, tuple(lost))])) == [rtcp.Nack(1, 2, tuple(lost))]


def test_nack_of_everything_is_cut() -> None:
    entries = b"".join((17 * n).to_bytes(2, "big") + b"\xff\xff" for n in range(290))
    head = bytes((0x81, 205)) + (2 + 290).to_bytes(2, "big")
    nack = rtcp.parse(head + bytes.fromhex("00000001 00000002") + entries)[0]
    assert isinstance(nack, rtcp.Nack)
    assert nack.lost == tuple(range(rtcp.MAX_LOST))


def test_bytes_of_a_sender_report_are_those_of_the_rfc() -> None:
    block = rtcp.ReportBlock(2, 64, -1, 0x1FFFF, 7, 8, 9)
    data = rtcp.build([rtcp.SenderReport(1, 0x0102030405060708, 3, 4, 5, (block,))])
    assert data == bytes.fromhex(
        "81c8000c 00000001 0102030405060708 00000003 00000004 00000005"
        "00000002 40ffffff 0001ffff 00000007 00000008 00000009"
    )


def test_bytes_of_pli_nack_and_remb() -> None:
    assert rtcp.build([rtcp.PictureLoss(1, 2)]) == bytes.fromhex("81ce0002 00000001 00000002")
    assert rtcp.build([rtcp.Nack(1, 2, (5, 6, 8))]) == bytes.fromhex(
        "81cd0003 00000001 00000002 0005 0005"
    )
    # draft-alvestrand-rmcat-remb-03 §2.2: 6 bits of exponent, 18 of mantissa
    assert rtcp.build([rtcp.MaximumBitrate(1, 6_000_000, (2,))]) == bytes.fromhex(
        "8fce0005 00000001 00000000 52454d42 01 16dc6c 00000002"
    )


def test_parse_goes_past_unknown_kinds_and_stops_where_the_length_lies() -> None:
    unknown = bytes.fromhex("80cc0001 00000001")
    pli = rtcp.PictureLoss(1, 2)
    good = rtcp.build([pli])
    assert rtcp.parse(unknown + good) == [pli]
    assert rtcp.parse(good + good[:-4]) == [pli]
    assert rtcp.parse(b"\x41" + good[1:]) == []  # version 1


def test_parse_ignores_padding() -> None:
    report = rtcp.ReceiverReport(7)
    padded = bytes.fromhex("a0c90002 00000007 00000004")
    assert rtcp.parse(padded) == [report]


def test_parse_takes_the_blocks_that_are_there_when_the_count_promises_more() -> None:
    block = rtcp.ReportBlock(2, 0, 0, 0, 0, 0, 0)
    data = bytearray(rtcp.build([rtcp.ReceiverReport(1, (block,))]))
    data[0] |= 0x1F
    assert rtcp.parse(bytes(data)) == [rtcp.ReceiverReport(1, (block,))]


def test_parse_reads_the_cname_among_other_items_and_chunks() -> None:
    first = struct.pack("!I", 1) + b"\x02\x01n" + b"\x01\x03abc" + bytes(4)
    second = struct.pack("!I", 2) + b"\x01\x00" + bytes(2)
    data = struct.pack("!BBH", 0x82, 202, (len(first) + len(second)) // 4) + first + second
    assert rtcp.parse(data) == [rtcp.CanonicalName(1, "abc"), rtcp.CanonicalName(2, "")]


def test_parse_is_bounded_in_packets() -> None:
    assert len(rtcp.parse(rtcp.build([rtcp.Bye((1,))] * 1000))) == rtcp.MAX_PACKETS


@pytest.mark.parametrize(
    ("wall_s", "ntp"), [(0.0, 2_208_988_800 << 32), (0.5, 0x83AA7E80_80000000)]
)
def test_ntp_time_counts_from_1900(wall_s: float, ntp: int) -> None:
    assert rtcp.ntp_time(wall_s) == ntp
    assert rtcp.compact_ntp(ntp) == ntp >> 16 & 0xFFFFFFFF


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(data: bytes) -> None:
    rtcp.parse(data)


@given(st.lists(packets, min_size=1, max_size=3), st.data())
def test_mutated_compounds_never_raise_and_stay_small(
    compound: list[rtcp.Packet], data: st.DataObject
) -> None:
    mutated = bytearray(rtcp.build(compound))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    found = rtcp.parse(bytes(mutated[: data.draw(st.integers(0, len(mutated)))]))
    assert len(found) <= len(mutated)


def test_feedback_is_told_by_type_and_junk_is_none():
    compound = rtcp.build(
        [
            rtcp.ReceiverReport(1),
            rtcp.PictureLoss(1, 2),
            rtcp.FullIntra(1, ((2, 1), (3, 1))),
            rtcp.Nack(1, 2, (3, 4)),
            rtcp.MaximumBitrate(1, 1000, (2,)),
            rtcp.PictureLoss(1, 3),
        ]
    )
    arrivals = TransportFeedback(1)
    arrivals.received(0.0, 1)
    compound += arrivals.reports(2)[0]
    assert rtcp.feedback_kinds(compound) == ["pli", "fir", "nack", "remb", "pli", "twcc"]
    other = struct.pack("!BBHII4s", 0x8F, 206, 3, 1, 2, b"JUNK")
    short = struct.pack("!BBHI", 0x81, 206, 1, 1)
    assert rtcp.feedback_kinds(other + short + b"\x81\xce\x00\xff") == []
