"""Transport-wide feedback of a peer, read: what ours writes, every kind of chunk, and junk."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from bridge import rtcp
from bridge.arrivals import TICK_S, Arrivals, read_arrivals
from bridge.congestion import TransportFeedback


def _body(base: int, count: int, chunks: list[int], deltas: bytes, reference: int = 3) -> bytes:
    head = struct.pack("!IIHHI", 7, 8, base, count, reference << 8 | 9)
    return head + b"".join(struct.pack("!H", chunk) for chunk in chunks) + deltas


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 0.5)), min_size=1, max_size=300),
)
def test_reading_returns_what_our_own_feedback_wrote(
    first: int, steps: list[tuple[int, float]]
) -> None:
    written = TransportFeedback(5)
    at, number = 100.0, first
    sent: dict[int, int] = {}
    for gap, wait in steps:
        number, at = number + gap, at + wait
        written.received(at, number & 0xFFFF)
        sent.setdefault(number & 0xFFFF, round(at / TICK_S))
    read: dict[int, int] = {}
    for packet in rtcp.parse(b"".join(written.reports(6))):
        assert isinstance(packet, Arrivals)
        assert (packet.sender_ssrc, packet.media_ssrc) == (5, 6)
        read.update((packet.base + offset & 0xFFFF, ticks) for offset, ticks in packet.came)
    assert read == {number: ticks & 0xFFFFFFFF for number, ticks in sent.items()}


def test_runs_and_both_vectors_are_read() -> None:
    runs = 1 << 13 | 2  # two with a small step
    bits = 0x8000 | 0b10000000000001  # first and last of fourteen
    pairs = 0xC000 | 2 << 12 | 1 << 10  # a large step, then a small one
    body = _body(65_535, 21, [runs, bits, pairs], bytes([4, 0, 8, 1]) + struct.pack("!hB", -9, 5))
    read = read_arrivals(body)
    assert read is not None
    start = 3 * 256
    assert (read.base, read.count, read.number) == (65_535, 21, 9)
    assert read.came == (
        (0, start + 4), (1, start + 4), (2, start + 12), (15, start + 13),
        (16, start + 4), (17, start + 9),
    )  # fmt: skip


def test_a_long_run_of_lost_packets_costs_nothing() -> None:
    read = read_arrivals(_body(0, 0xFFFF, [0x1FFF] * 9, b""))
    assert read is not None
    assert read.came == ()


def test_more_packets_than_there_are_times_is_malformed() -> None:
    assert read_arrivals(_body(0, 0x1FFF, [1 << 13 | 0x1FFF], bytes(100))) is None
    assert read_arrivals(_body(0, 2, [1 << 13 | 2], b"\x01")) is None
    assert read_arrivals(_body(0, 1, [2 << 13 | 1], b"\x01")) is None


def test_reserved_symbols_and_missing_chunks_are_malformed() -> None:
    assert read_arrivals(_body(0, 1, [3 << 13 | 1], bytes(8))) is None
    assert read_arrivals(_body(0, 1, [0xC000 | 3 << 12], bytes(8))) is None
    assert read_arrivals(_body(0, 100, [0x8000], b"")) is None
    # a run of none leads nowhere, as often as it stands there
    assert read_arrivals(_body(0, 100, [0] * 500, b"")) is None


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_junk_is_read_or_not_but_never_raises(tail: bytes, count: int) -> None:
    read = read_arrivals(struct.pack("!IIHHI", 1, 2, 3, count, 4) + tail)
    if read is not None:
        assert len(read.came) <= len(tail)
        assert all(0 <= offset < count for offset, _ in read.came)


def test_a_compound_with_feedback_is_read_among_others() -> None:
    body = _body(1, 1, [1 << 13 | 1], b"\x02\x00")
    body += bytes(-len(body) % 4)
    packet = struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body
    compound = rtcp.build([rtcp.ReceiverReport(1)]) + packet + rtcp.build([rtcp.Bye((2,))])
    read = rtcp.parse(compound)
    assert [type(one).__name__ for one in read] == ["ReceiverReport", "Arrivals", "Bye"]
