"""VP8 payload descriptors (RFC 7741 §4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codecs import parse_vp8

KEYFRAME = "10020 09d012a".replace(" ", "")


@pytest.mark.parametrize(
    ("payload", "flags", "picture_id", "bits", "tl0_picture", "rest", "starts"),
    [
        ("10" + KEYFRAME, 0x1000, 0, 0, -1, 1, True),
        ("10" + "110200", 0x1000, 0, 0, -1, 1, False),
        ("00" + "10", 0x0000, 0, 0, -1, 1, False),  # the middle of a frame
        ("11" + KEYFRAME, 0x1100, 0, 0, -1, 1, False),  # S in a later partition
        ("9080 05" + KEYFRAME, 0x9080, 5, 7, -1, 3, True),
        ("9080 8105" + KEYFRAME, 0x9080, 0x105, 15, -1, 4, True),
        ("90e0 ffff 07 20" + KEYFRAME, 0x90E0, 0x7FFF, 15, 7, 5, True),
        ("9040 07 " + KEYFRAME, 0x9040, 0, 0, 7, 3, True),
        ("9010 2a" + KEYFRAME, 0x9010, 0, 0, -1, 2, True),  # KEYIDX only
        ("90a0 05 20" + "11", 0x90A0, 5, 7, -1, 3, False),
    ],
)
def test_parse_vp8_reads(
    payload: str,
    flags: int,
    picture_id: int,
    bits: int,
    tl0_picture: int,
    rest: int,
    starts: bool,
) -> None:
    packet = b"head" + bytes.fromhex(payload) + b"tail"
    found = parse_vp8(packet, 4, len(packet) - 4)
    assert found == (flags, picture_id, bits, tl0_picture, 4 + rest, starts)


@pytest.mark.parametrize("payload", ["", "90", "9080", "908081", "9040", "90e08105"])
def test_parse_vp8_of_a_cut_off_descriptor_is_none(payload: str) -> None:
    packet = bytes.fromhex(payload)
    assert parse_vp8(packet + bytes(8), 0, len(packet)) is None


@pytest.mark.parametrize("payload", ["10", "9010", "1010", "10100200000000"])
def test_parse_vp8_cannot_tell_a_keyframe_without_its_start(payload: str) -> None:
    packet = bytes.fromhex(payload)
    found = parse_vp8(packet, 0, len(packet))
    assert found is not None
    assert found.starts_keyframe is None


@given(st.binary(max_size=20), st.integers(0, 20))
def test_parse_vp8_of_junk_stays_within_its_bounds(data: bytes, start: int) -> None:
    start = min(start, len(data))
    found = parse_vp8(data, start, len(data))
    if found is not None:
        assert start < found.rest <= len(data)
        assert 0 <= found.picture_id < 1 << 15
        assert -1 <= found.tl0_picture <= 255
