"""Answers to NACKs."""

import pytest

from bridge import rtp
from bridge.packetcache import RESEND_AFTER_S, RESENDS_BURST, PacketCache, retransmission


def packet(sequence):
    return rtp.build(96, sequence, 3000, 77, b"payload %d" % (sequence & 0xFFFF), marker=True)


def test_resends_what_was_stored_and_nothing_else():
    cache = PacketCache(64, now=0.0)
    cache.store(packet(7))
    assert cache.resend(1.0, 7) == packet(7)
    assert cache.resend(1.0, 8) is None
    assert cache.resend(1.0, 7 + 64) is None


def test_newer_packet_takes_the_place_of_the_old_one():
    cache = PacketCache(64, now=0.0)
    for sequence in range(65_500, 65_600):
        cache.store(packet(sequence))
    assert cache.resend(1.0, 65_500) is None
    assert cache.resend(1.0, 65_535) is None
    assert cache.resend(1.0, 65_536 & 0xFFFF) == packet(65_536)
    assert cache.resend(1.0, 63) == packet(65_599)


def test_same_packet_not_again_while_its_answer_is_on_the_way():
    cache = PacketCache(64, now=0.0)
    cache.store(packet(7))
    assert cache.resend(1.0, 7)
    assert cache.resend(1.0 + RESEND_AFTER_S / 2, 7) is None
    assert cache.resend(1.0 + 2 * RESEND_AFTER_S, 7)


def test_answers_are_bounded_and_the_bound_recovers():
    cache = PacketCache(512, now=0.0)
    for sequence in range(400):
        cache.store(packet(sequence))
    answered = sum(cache.resend(0.0, sequence) is not None for sequence in range(400))
    assert answered == RESENDS_BURST
    assert cache.resend(0.1, 399) is not None


def test_retransmission_carries_the_original_number():
    data = retransmission(packet(500), 97, 88, 70_000)
    header = rtp.parse(data)
    assert header is not None
    assert (header.payload_type, header.ssrc, header.sequence) == (97, 88, 70_000 & 0xFFFF)
    assert header.marker
    assert header.timestamp == 3000
    assert data[header.start :] == (500).to_bytes(2, "big") + b"payload 500"


def test_size_must_be_a_power_of_two():
    with pytest.raises(AssertionError):
        PacketCache(100, now=0.0)
