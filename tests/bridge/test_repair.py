"""Retransmissions, unwrapped into what was lost."""

from bridge import rtp
from bridge.repair import repaired_sequence, restored
from tests.bridge.client import retransmission


def test_a_retransmission_is_the_lost_packet_again():
    lost = rtp.build(96, 4711, 90_000, 7, b"payload", marker=True)
    sent = retransmission(lost, 97, 8, 3)
    header = rtp.parse(sent)
    assert repaired_sequence(sent, header) == 4711
    assert restored(sent, header, 7, 96) == lost


def test_extensions_and_padding_of_the_retransmission_do_no_harm():
    sent = rtp.build(
        97, 3, 90_000, 8, b"\x12\x67payload", extensions=[(11, b"q"), (3, b"\0\7")], padding=5
    )
    header = rtp.parse(sent)
    found = restored(sent, header, 7, 96)
    again = rtp.parse(found)
    assert (again.payload_type, again.sequence, again.ssrc) == (96, 0x1267, 7)
    assert found[again.start : again.end] == b"payload"


def test_padding_repeats_nothing():
    for payload in (b"", b"\x01"):
        sent = rtp.build(97, 3, 90_000, 8, payload, padding=200)
        assert repaired_sequence(sent, rtp.parse(sent)) is None
