"""Parameter sets as encoders make them: sizes read, the newest kept, all bounded."""

from __future__ import annotations

import random
from base64 import b64encode

import av
import pytest

from bridge.parametersets import (
    MAX_PAYLOAD,
    MAX_PPS,
    MAX_SET,
    SPS,
    ParameterSets,
    picture_size,
    read_offered,
)

SMALL = bytes.fromhex("6742c0158c8d40a0cbcf37010d010784423500"), b"\x68\xce\x3c\x80"
LARGE = bytes.fromhex("6742c0208c8d402802dd37010d010784423500"), b"\x68\xce\x3c\x80"
"""What Chromium's encoder sends with 320 × 180 and with 1280 × 720."""


def units(width: int, height: int, pixels: str = "yuv420p", **options: str) -> list[bytes]:
    """NAL units of one picture, as x264 makes them."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.framerate = 25
    context.time_base = 1 / context.framerate
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **options}
    frame = av.VideoFrame(width, height, pixels)
    frame.pts = 0
    coded = b"".join(map(bytes, context.encode(frame)))
    return coded.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]


def of_kind(nals: list[bytes], kind: int) -> bytes:
    return next(nal for nal in nals if nal[0] & 0x1F == kind)


@pytest.mark.parametrize(
    ("width", "height", "pixels", "options"),
    [
        (320, 180, "yuv420p", {"profile": "baseline"}),
        (1920, 1080, "yuv420p", {"profile": "high"}),
        (1920, 1080, "yuv420p", {"profile": "high", "x264-params": "interlaced=1"}),
        (854, 480, "yuv422p", {"profile": "high422"}),
        (855, 481, "yuv444p", {"profile": "high444"}),
        (1280, 720, "yuv420p", {"preset": "medium", "x264-params": "cqm=jvt"}),
        (64, 48, "yuv420p", {"profile": "main"}),
    ],
)
def test_the_size_is_that_of_the_picture_without_what_is_cropped(
    width: int, height: int, pixels: str, options: dict[str, str]
) -> None:
    assert picture_size(of_kind(units(width, height, pixels, **options), SPS)) == (width, height)


def test_scaling_lists_are_passed_over() -> None:
    """High profile, every second list there; the third ends early (§7.3.2.1.1.1)."""
    bits = f"{100:08b}" + "0" * 8 + f"{31:08b}" + "1"  # profile, constraints, level, id 0
    bits += "010" + "1" + "1" + "0" + "1"  # 4:2:0, 8 bits, matrices follow
    flat, ends = "1" * 16, "000010001"  # no difference; -8 makes a scale of 0
    bits += "1" + flat + "0" + "1" + ends + "0" + "1" + flat + "0" + "1" + "1" * 64 + "0"
    bits += "1" + "1" + "1" + "1" + "0"  # frame numbers, order 0, references, gaps
    bits += "00101" + "00110" + "1"  # 5 × 6 macroblocks, whole pictures
    bits += "1" + "0" + "0" + "1"  # nothing is cropped
    bits += "0" * (-len(bits) % 8)
    sps = b"\x67" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert picture_size(sps) == (16 * 5, 16 * 6)


def test_the_newest_are_handed_on_as_one_payload_and_as_files_want_them() -> None:
    sets = ParameterSets()
    assert (sets.payload, sets.config, sets.size, sets.profile_level) == (None,) * 4
    assert sets.put(SMALL[0])
    assert sets.payload is None
    sets.put(SMALL[1])
    assert (sets.size, sets.profile_level) == ((320, 180), "42c015")
    assert not sets.put(SMALL[0]), "they are no news"
    assert sets.put(LARGE[0])
    assert (sets.payload, sets.config) == (None, None), "a PPS belongs to its SPS"
    sets.put(LARGE[1])
    assert sets.payload == b"\x78\x00\x13" + LARGE[0] + b"\x00\x04" + LARGE[1]
    assert sets.size == (1280, 720)
    assert sets.config == (
        b"\x01\x42\xc0\x20\xff\xe1\x00\x13" + LARGE[0] + b"\x01\x00\x04" + LARGE[1]
    )


def test_a_payload_is_read_for_them_whatever_it_holds_besides() -> None:
    nals = units(640, 360)
    sets = ParameterSets()
    body = b"".join(len(nal).to_bytes(2, "big") + nal for nal in (b"\x09\xf0", *nals[:2]))
    packet = b"head\x18" + body + b"tail"
    assert sets.read(packet, 4, len(packet) - 4)
    assert sets.size == (640, 360)
    assert sets.payload is not None
    before = sets.payload
    idr = of_kind(nals, 5)
    assert not sets.read(idr, 0, len(idr))
    assert not sets.read(b"\x7c\x87\x42", 0, 3)
    assert sets.payload == before


def test_a_changed_set_takes_the_place_of_its_predecessor() -> None:
    sets = ParameterSets(SMALL)
    for last in (b"\x68\xce\x01", SMALL[1], b"\x68\xce\x02"):
        sets.put(last)
        assert sets.payload is not None
        assert sets.payload.endswith(SMALL[0] + len(last).to_bytes(2, "big") + last)


def test_neither_many_sets_nor_large_ones_pile_up() -> None:
    sets = ParameterSets(SMALL)
    for number in range(2, 200):
        sets.put(bytes((0x68,)) + number.to_bytes(2, "big") + b"\x80")
    assert sets.config is not None
    assert sets.config.count(b"\x68") == MAX_PPS
    for number in range(2, 10):
        sets.put(bytes((0x68, number << 4 | 1)) + bytes(MAX_PAYLOAD // 4))
    assert sets.payload is None, "they would not fit a packet"
    assert not ParameterSets().put(b"\x67" + bytes(MAX_SET))
    assert not ParameterSets().put(b"")


def test_an_offer_names_them() -> None:
    text = ",".join(b64encode(one).decode() for one in SMALL)
    assert read_offered(text) == SMALL
    assert ParameterSets(read_offered(text)).size == (320, 180)
    for junk in ("", ",", "Z0 =", "Z0LAFQ,x", "Ầ", "===="):
        assert all(one for one in read_offered(junk))
    assert len(read_offered(",".join(["aM48gA=="] * 1000))) == 1 + MAX_PPS


def test_no_set_breaks_its_reader() -> None:
    noise = random.Random(4)
    for _ in range(20_000):
        size = picture_size(b"\x67" + noise.randbytes(noise.randrange(30)))
        assert size is None or all(0 < one <= 16384 for one in size)
