"""What a camera shows, judged from pictures that went through a real encoder and decoder."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from numpy.typing import NDArray
from PIL import Image

from bridge.media_worker.darkroom import NOT_BEFORE_S, Darkroom, Exposed
from bridge.media_worker.develop import STILL_WIDTH, Developed, develop
from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from bridge.media_worker.picture import FROZEN_AGREE, Judge, Look, is_bars, is_black
from bridge.parametersets import ParameterSets
from bridge.receiveoffer import CodecName
from signaling.wire.ids import SiteCode, SlotName

W, H = 320, 180
SLOT, SITE = SlotName("thumb:1"), SiteCode("48")
FRAMES_PER_S = 15
BETWEEN = 90
"""Pictures from one keyframe to the next."""

Plane = NDArray[np.float64]


def room(seed: int = 1) -> Plane:
    """Soft shapes, as a wall, a table and a face are: luma."""
    coarse = np.random.default_rng(seed).integers(40, 200, (9, 16)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((W, H), Image.Resampling.BICUBIC), float)


def picture(luma: Plane, cb: float | Plane = 120.0, cr: float | Plane = 135.0) -> av.VideoFrame:
    chroma = [np.broadcast_to(np.asarray(plane, float), (H // 2, W // 2)) for plane in (cb, cr)]
    planes = np.concatenate([plane.ravel() for plane in (luma, *chroma)])
    octets = np.clip(planes, 0, 255).astype(np.uint8).reshape(-1, W)
    return av.VideoFrame.from_ndarray(octets, format="yuv420p")


def frozen() -> Iterator[av.VideoFrame]:
    noise = np.random.default_rng(2).normal(0, 2, (H, W))
    yield from itertools.repeat(picture(room() + noise))


def sitting(sway: float) -> Iterator[av.VideoFrame]:
    """Somebody who tries to sit still before a camera with little noise: so many points of this
    picture to each side and back, in ten seconds."""
    random, walls = np.random.default_rng(3), room()
    for number in itertools.count():
        at = W / 2 + sway * np.sin(2 * np.pi * number / (10 * FRAMES_PER_S))
        columns, rows = np.arange(W), np.arange(H)[:, None]
        far = np.hypot((columns - at) / 32, (rows - 75) / 42)
        head = np.clip((1.0 - far) * 32 + 0.5, 0.0, 1.0)
        yield picture(walls * (1 - head) + 170 * head + random.normal(0, 0.3, (H, W)))


def dark(sigma: float = 1.0) -> Iterator[av.VideoFrame]:
    random = np.random.default_rng(4)
    while True:
        yield picture(16 + np.abs(random.normal(0, sigma, (H, W))), 128, 128)


def dark_room_with_a_lamp() -> Iterator[av.VideoFrame]:
    luma = np.full((H, W), 18.0)
    luma[20:50, 40:90] = 150
    while True:
        yield picture(luma + np.random.default_rng(5).normal(0, 1, (H, W)), 128, 128)


BARS = (
    *((180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58)),
    *((84, 184, 198), (65, 100, 212), (35, 212, 114), (16, 128, 128)),
)


def bars(count: int, height: float = 1.0, width: float = 1.0) -> Iterator[av.VideoFrame]:
    """SMPTE's seven over other patterns, or EBU's eight; perhaps black at the sides."""
    planes = [np.full((H, W), 16.0), np.full((H, W), 128.0), np.full((H, W), 128.0)]
    left, shown = round(W * (1 - width) / 2), W * width
    for number, colour in enumerate(BARS[:count]):
        columns = slice(
            left + round(number * shown / count), left + round((number + 1) * shown / count)
        )
        for plane, value in zip(planes, colour, strict=True):
            plane[: round(H * height), columns] = value
    while True:
        yield picture(planes[0], planes[1][::2, ::2], planes[2][::2, ::2])


def flat() -> Iterator[av.VideoFrame]:
    """The blue of a capture card that gets no signal."""
    while True:
        yield picture(np.full((H, W), 41.0), 240, 110)


def flag() -> Iterator[av.VideoFrame]:
    """A red wall with lights and shadows, as behind a speaker."""
    random = np.random.default_rng(6)
    while True:
        yield picture(room() * 0.5 + 20 + random.normal(0, 2, (H, W)), 100, 200)


LIKE_CHROMIUM = {
    "deadline": "realtime",
    "cpu-used": "-6",
    "lag-in-frames": "0",
    "error-resilient": "default",
    "static-thresh": "1",
    "noise-sensitivity": "1",
    "max-intra-rate": "300",
    "threads": "1",
    "minrate": "140k",
    "maxrate": "140k",
    "bufsize": "140k",
    "ts-parameters": "ts_number_layers=3:ts_target_bitrate=56,84,140:ts_rate_decimator=4,2,1"
    ":ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3",
}
"""As it encodes the smallest layer of a camera."""
LIKE_FFMPEG = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}


def coded(
    pictures: Iterator[av.VideoFrame],
    keyframes: int,
    between: int = BETWEEN,
    codec: CodecName = "VP8",
) -> Iterator[Received]:
    context = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    context.width, context.height, context.pix_fmt = W, H, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FRAMES_PER_S), Fraction(FRAMES_PER_S, 1)
    context.bit_rate, context.gop_size = 140_000, 10_000
    context.qmin, context.qmax = 2, 56
    context.options = LIKE_CHROMIUM if codec == "VP8" else LIKE_FFMPEG
    for number in range(between * keyframes):
        frame = next(pictures)
        frame.pts = number
        frame.pict_type = PictureType.I if number % between == 0 else PictureType.NONE
        for packet in context.encode(frame):
            made = _vp8 if codec == "VP8" else _h264
            yield Received(SLOT, codec, 0.0, made(number * 6000, bytes(packet)))


def _vp8(timestamp: int, data: bytes) -> Frame:
    first = not data[0] & 1
    return Frame(timestamp, first, data, (W, H) if first else None)


def _h264(timestamp: int, data: bytes) -> Frame:
    nals = data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]
    sets = ParameterSets(nals)
    whole = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
    return Frame(timestamp, sets.config is not None, whole, sets.size, sets.config)


def seen(
    pictures: Iterator[av.VideoFrame],
    looks: int,
    between: int = BETWEEN,
    codec: CodecName = "VP8",
) -> list[str]:
    """What the judge says of each look, with so many pictures from one keyframe to the next."""
    darkroom, judge = Darkroom([SLOT], [SITE]), Judge()
    step_s = max(1 / FRAMES_PER_S, NOT_BEFORE_S / between)
    said: list[str] = []
    for number, received in enumerate(coded(pictures, looks, between, codec)):
        exposed = darkroom.take(number * step_s, [received])
        said += [judge.look(made(one).look) for one in exposed]
    return said


def made(exposed: Exposed) -> Developed:
    developed = develop(exposed.codec, exposed.frames)
    assert developed is not None
    return developed


@pytest.mark.parametrize(
    "pictures",
    [bars(7, 0.67), bars(8), bars(7, 0.67, 0.75), flat()],
    ids=["smpte", "ebu", "pillars", "blue"],
)
def test_a_test_card_is_recognised_at_the_second_look(pictures: Iterator[av.VideoFrame]) -> None:
    assert seen(pictures, 3, 5)[:2] == ["ok", "test_card"]


def test_black_is_recognised_and_a_dark_room_is_none() -> None:
    assert seen(dark(), 3, 5)[:2] == ["ok", "black"]
    assert set(seen(dark_room_with_a_lamp(), 3, 5)) == {"ok"}


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_frozen_picture_is_recognised_after_a_while(codec: CodecName) -> None:
    """Chromium's encoder, too, improves it after each keyframe, and each time otherwise."""
    said = seen(frozen(), FROZEN_AGREE + 4, codec=codec)
    assert set(said[:FROZEN_AGREE]) == {"ok"}
    assert said[-1] == "frozen"


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_somebody_who_sits_still_is_not_frozen(codec: CodecName) -> None:
    assert set(seen(sitting(0.15), FROZEN_AGREE + 4, codec=codec)) == {"ok"}


def test_a_flat_colour_with_something_that_moves_on_it_stays_a_test_card() -> None:
    def card(share: float) -> Look:
        luma, cb, cr = (np.zeros((36, 64), dtype=np.uint8) for _ in range(3))
        luma[round(36 * share) :] = 120
        return Look(luma, cb, cr, "VP8")

    judge = Judge()
    said = [judge.look(card(share)) for share in (0.7, 0.9, 0.9, 0.7, 0.5)]
    assert said == ["ok", "ok", "test_card", "test_card", "ok"]


def test_what_moved_and_came_to_rest_elsewhere_begins_anew() -> None:
    judge = Judge()
    said = [judge.look(look(90)) for _ in range(FROZEN_AGREE + 1)]
    assert said == ["ok"] * FROZEN_AGREE + ["frozen"]
    assert judge.look(look(94)) == "ok"
    drifting = [judge.look(look(90 + number // 4)) for number in range(100)]
    assert set(drifting) == {"ok"}, "as daylight does"


def test_a_red_wall_is_no_test_card() -> None:
    assert set(seen(flag(), 3, 5)) == {"ok"}


def look(luma: float) -> Look:
    plane = np.full((36, 64), luma, dtype=np.uint8)
    grey = np.full((36, 64), 128, dtype=np.uint8)
    return Look(plane, grey, grey, "VP8")


def test_one_odd_picture_changes_nothing_and_life_is_believed_at_once() -> None:
    judge = Judge()
    said = [judge.look(look(luma)) for luma in (90, 16, 90, 16, 16, 28, 90, 28)]
    assert said == ["ok", "ok", "ok", "ok", "black", "black", "ok", "ok"]
    assert is_black(look(16))
    assert not is_bars(look(120))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_still_is_a_jpeg_320_wide_and_small(codec: CodecName) -> None:
    developed = develop(codec, [one.frame for one in coded(frozen(), 1, 5, codec)])
    assert developed is not None
    image = Image.open(io.BytesIO(developed.jpeg))
    assert (image.format, image.size) == ("JPEG", (STILL_WIDTH, 180))
    assert len(developed.jpeg) < 20_000


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"\x10\x02\x00\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(100), (16383, 16383)),
        (b"\x10\x02\x00\x9d\x01\x2a", (0, 0)),
        (bytes(range(256)), (320, 180)),
        (b"", (320, 180)),
    ],
)
def test_what_is_no_picture_or_would_fill_the_memory_is_refused(
    data: bytes, size: tuple[int, int]
) -> None:
    assert develop("VP8", [Frame(0, True, data, size)]) is None
    assert develop("H264", [Frame(0, True, data, size, b"\x01")]) is None
