"""Datagrams through a byte stream, cut anywhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.framing import MAX_FRAME, Deframer, FramingError, framed


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 2500), max_size=8))
def test_what_goes_in_comes_out_wherever_the_stream_is_cut(datagrams, cuts):
    stream = b"".join(map(framed, datagrams))
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    deframer = Deframer()
    found = []
    for start, end in itertools.pairwise(edges):
        found += deframer.feed(stream[start:end])
    assert found == [one for one in datagrams if one]


def test_length_comes_first_in_network_order():
    assert framed(b"abc") == b"\x00\x03abc"
    assert framed(bytes(300))[:2] == b"\x01\x2c"


def test_longest_frame_is_taken_and_a_longer_one_ends_the_stream():
    deframer = Deframer()
    assert deframer.feed(framed(bytes(MAX_FRAME))) == [bytes(MAX_FRAME)]
    with pytest.raises(FramingError, match="2049"):
        deframer.feed(framed(b"before") + framed(bytes(MAX_FRAME + 1)))
