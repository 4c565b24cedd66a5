"""Payload descriptors of VP8 (RFC 7741 §4.2), and where H.264 may be cut (RFC 6184 §5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codecs import parse_h264, parse_vp8

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


@pytest.mark.parametrize(
    ("payload", "starts", "parameters"),
    [
        ("65 88 84", True, False),  # IDR, its first slice
        ("65 44 84", False, False),  # IDR, a later slice
        ("67 42e01f", True, True),
        ("68 ce", False, False),  # picture parameters alone
        ("41 9a", False, False),
        ("06 05", False, False),
        ("7c 85 88", True, False),  # FU-A, the start of an IDR slice
        ("7c 85 44", False, False),  # FU-A, the start of a later one
        ("7c 05 88", False, False),  # its middle
        ("7c 45 88", False, False),  # its end
        ("7c 81 88", False, False),  # the start of another picture
        ("78 0002 6742 0002 68ce", True, True),
        ("78 0002 0605 0002 68ce 0002 6742", True, True),  # anywhere in it
        ("78 0002 6588 0002 6742", True, True),
        ("78 0002 0605 0002 6588", True, False),
        ("78 0002 4188 0002 4144", False, False),
        ("65", None, False),
        ("78 0001 65", None, False),
        ("78 0001 65 0002 6588", True, False),
        ("7e 00", False, False),  # reserved
    ],
)
def test_parse_h264_reads(payload: str, starts: bool | None, parameters: bool) -> None:
    packet = b"head" + bytes.fromhex(payload) + b"\xff\xff"
    assert parse_h264(packet, 4, len(packet) - 2) == (starts, parameters)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "7c",
        "7c85",
        "78 00",
        "78 0002",
        "78 0000",
        "78 0003 6742",
        "79 0000",
        "7a 00",
        "7d 8588",
    ],
)
def test_parse_h264_of_a_cut_off_or_interleaved_payload_is_none(payload: str) -> None:
    packet = bytes.fromhex(payload)
    assert parse_h264(packet + bytes(8), 0, len(packet)) is None


@given(st.binary(max_size=40), st.integers(0, 40))
def test_parse_h264_of_junk_raises_nothing(data: bytes, start: int) -> None:
    found = parse_h264(data, start, len(data))
    assert found is None or not (found.has_parameters and not found.starts_keyframe)
