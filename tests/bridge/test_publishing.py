"""The transport-wide sequence number, read in haste, against the careful reader."""

from hypothesis import given
from hypothesis import strategies as st

from bridge import rtp
from bridge.publishing import transport_number


def built(extensions):
    return rtp.build(96, 1, 2, 3, b"payload", extensions=extensions)


def test_found_wherever_it_stands():
    others = [(1, b"\x31"), (4, b"abc")]
    for at in range(3):
        extensions = [*others[:at], (3, b"\x12\x34"), *others[at:]]
        assert transport_number(built(extensions), 3) == 0x1234


def test_absent():
    assert transport_number(built([]), 3) is None
    assert transport_number(built([(1, b"\x31\x31")]), 3) is None
    assert transport_number(built([(3, b"\x12")]), 3) is None


@given(st.binary(min_size=12, max_size=60))
def test_junk_is_survived(packet):
    transport_number(packet, 3)


@given(st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4))
def test_agrees_with_the_whole_header(extensions):
    packet = built(extensions)
    header = rtp.parse(packet)
    sizes = [value for identifier, value in extensions if identifier == 3]
    if sizes and len(sizes[0]) == 2:
        expected = int.from_bytes(rtp.extension(packet, header, 3), "big")
        assert transport_number(packet, 3) == expected
