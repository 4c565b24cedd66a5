"""The cell code names site and frame after coding, scaling and fitting, and nothing else does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridge.endpoint import cellcode

LABELS = st.text(cellcode.ALPHABET[1:], min_size=1, max_size=cellcode.MAX_LABEL)


@given(label=LABELS, counter=st.integers(0, cellcode.MAX_COUNTER))
def test_read_returns_what_was_stamped(label: str, counter: int) -> None:
    plane = np.full((180, 320), 90, dtype=np.uint8)
    cellcode.stamp(plane, label, counter)
    assert cellcode.read(plane) == (label, counter)


@pytest.mark.parametrize(
    "size", [(80, 45), (96, 54), (160, 90), (177, 101), (321, 181), (640, 360), (1920, 1080)]
)
def test_read_survives_scaling(size: tuple[int, int]) -> None:
    image = Image.fromarray(cellcode.picture("48", "Đà Nẵng", 1234))
    scaled = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    assert cellcode.read(scaled) == ("48", 1234)


@pytest.mark.parametrize("size", [(400, 180), (320, 240), (200, 300)])
def test_read_finds_picture_between_bars(size: tuple[int, int]) -> None:
    window = Image.new("RGB", size, "black")
    scale = min(size[0] / 320, size[1] / 180)
    fitted = Image.fromarray(cellcode.picture("07", "Hải Phòng", 9)).resize(
        (round(320 * scale), round(180 * scale))
    )
    window.paste(fitted, ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2))
    assert cellcode.read(np.asarray(window)) == ("07", 9)


@pytest.mark.parametrize("crop", [(20, 0, 300, 180), (0, 20, 320, 160)])
def test_read_finds_picture_with_its_edges_cut(crop: tuple[int, int, int, int]) -> None:
    window = Image.fromarray(cellcode.picture("07", "Hải Phòng", 9)).crop(crop)
    assert cellcode.read(np.asarray(window)) == ("07", 9)


def test_read_takes_rgba_of_a_canvas() -> None:
    image = Image.fromarray(cellcode.picture("63", "Cà Mau", 65535)).convert("RGBA")
    assert cellcode.read(np.asarray(image)) == ("63", 65535)


def test_read_refuses_a_picture_with_one_wrong_cell() -> None:
    cells = cellcode.bits("12", 77)
    for cell in range(4, 60):
        plane = np.full((180, 320), 90, dtype=np.uint8)
        cellcode.stamp(plane, "12", 77)
        row, column = divmod(cell, cellcode.COLUMNS)
        wrong = 16 if cells[row, column] else 235
        plane[72 + 12 * row : 84 + 12 * row, 32 + 16 * column : 48 + 16 * column] = wrong
        assert cellcode.read(plane) is None


@given(st.integers(0, 2**32 - 1), st.sampled_from([(90, 160), (180, 320, 3), (45, 80, 4)]))
def test_read_sees_nothing_in_noise(seed: int, shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    assert cellcode.read(noise) is None


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (15, 300), (3,), (20, 20, 3, 2)])
def test_read_sees_nothing_in_odd_arrays(shape: tuple[int, ...]) -> None:
    assert cellcode.read(np.zeros(shape, dtype=np.uint8)) is None


@pytest.mark.parametrize(
    ("label", "counter"), [("", 0), ("12345", 0), ("Huế", 0), ("7", -1), ("7", 65536)]
)
def test_bits_refuses_what_does_not_fit(label: str, counter: int) -> None:
    with pytest.raises(ValueError, match=r"label|counter"):
        cellcode.bits(label, counter)


def test_background_keeps_a_long_name_inside_the_picture() -> None:
    name = "Trung tâm Hội nghị tỉnh Bà Rịa – Vũng Tàu"
    drawn = np.asarray(cellcode.background("77", name))
    text = (drawn > 200).all(axis=2)
    assert text[110:].any(), "the name is written below the code"
    assert not text[:, :8].any()
    assert not text[:, -8:].any()
