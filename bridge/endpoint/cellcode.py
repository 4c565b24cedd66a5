"""A code of black and white cells in a picture: which site it shows, and which frame.

For synthetic sites and the tests that look at them. The code sits in the middle of the picture,
clear of captions at its edges, in cells so large that it survives VP8 at 100 kbit/s and scaling
down to 80×45. It holds 64 bits, row by row:

====  ==========================================================
bits  meaning
====  ==========================================================
4     mark ``1010``
24    label, 4 characters of 6 bits, padded with 0
16    frame counter
16    CRC-16/CCITT of label and counter
4     mark ``0101``
====  ==========================================================
"""

from __future__ import annotations

import binascii
import colorsys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture: TypeAlias = NDArray[np.uint8]
"""Height × width (grey), or height × width × 3 or 4 (RGB, RGBA)."""

COLUMNS, ROWS = 16, 4
LEFT, TOP, RIGHT, BOTTOM = 0.1, 0.4, 0.9, 0.6 + 1 / 15
"""Where the cells lie, as shares of the picture: 256×48 of 320×180, 16×12 a cell."""

MAX_LABEL = 4
MAX_COUNTER = 0xFFFF
ALPHABET = "\0" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + "-"
_HEAD, _TAIL = (1, 0, 1, 0), (0, 1, 0, 1)
_MIN_CONTRAST = 40.0
_ASPECT = 16 / 9


def bits(label: str, counter: int) -> NDArray[np.bool_]:
    """The code as ROWS × COLUMNS cells, True is white.

    Raises:
        ValueError: a label of more than 4 characters or with others than letters, digits and
            ``-``; a counter outside 0–65535.
    """
    if not 0 <= counter <= MAX_COUNTER:
        raise ValueError(f"counter {counter}: 0 to {MAX_COUNTER} fit into the code")
    if not 1 <= len(label) <= MAX_LABEL or not all(c in ALPHABET[1:] for c in label):
        raise ValueError(f"label {label[:20]!r}: write 1 to {MAX_LABEL} letters, digits or '-'")
    number = 0
    for character in label.ljust(MAX_LABEL, "\0"):
        number = number << 6 | ALPHABET.index(character)
    number = number << 16 | counter
    number = number << 16 | _checksum(number)
    body = [number >> shift & 1 for shift in range(55, -1, -1)]
    return np.array([*_HEAD, *body, *_TAIL], dtype=bool).reshape(ROWS, COLUMNS)


def read(picture: Picture) -> tuple[str, int] | None:
    """Find the code in a picture of any size: (label, frame counter), or None if there is none.

    The picture may be the frame itself, a stretched one, or a window into which a 16:9 frame was
    fitted with bars or by cutting its edges.
    """
    if picture.ndim not in (2, 3) or min(picture.shape[:2]) < 16:
        return None
    grey = _grey(picture)
    height, width = grey.shape
    for frame in _frames(width, height):
        found = _decode(_sample(grey, frame))
        if found:
            return found
    return None


def stamp(luma: Picture, label: str, counter: int) -> None:
    """Draw the code into a picture or a plane of luma, in place, inside a black margin."""
    height, width = luma.shape[:2]
    edge = round(height / 45)
    rows, columns = _lines(TOP, BOTTOM, ROWS, height), _lines(LEFT, RIGHT, COLUMNS, width)
    luma[rows[0] - edge : rows[-1] + edge, columns[0] - edge : columns[-1] + edge] = 16
    cells = np.where(bits(label, counter), 235, 16).astype(np.uint8)
    spread = np.repeat(np.repeat(cells, np.diff(rows), axis=0), np.diff(columns), axis=1)
    area = luma[rows[0] : rows[-1], columns[0] : columns[-1]]
    area[...] = spread if luma.ndim == 2 else spread[..., None]


def picture(label: str, name: str, counter: int, width: int = 320, height: int = 180) -> Picture:
    """A site's test picture, RGB: its label and name for a person, its code for a program."""
    drawn = np.array(background(label, name, width, height))
    stamp(drawn, label, counter)
    return drawn


def background(label: str, name: str, width: int = 320, height: int = 180) -> Image.Image:
    """What stands around the code: the label above, the name below, on the label's own colour."""
    hue = binascii.crc32(label.encode()) % 360 / 360
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.6, 0.4))
    image = Image.new("RGB", (width, height), (red, green, blue))
    draw = ImageDraw.Draw(image)
    _write(draw, label, (width / 2, height * 0.2), height * 0.3, width * 0.9)
    _write(draw, name, (width / 2, height * 0.82), height * 0.2, width * 0.9)
    return image


def _write(
    draw: ImageDraw.ImageDraw, text: str, middle: tuple[float, float], size: float, width: float
) -> None:
    font = _font(size)
    wide = draw.textlength(text, font=font)
    if wide > width:
        font = _font(max(6.0, size * width / wide))
    draw.text(middle, text, font=font, fill="white", anchor="mm")


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu, which has all Vietnamese letters; Pillow's own font where it is not installed."""
    try:
        return ImageFont.truetype("DejaVuSans-Bold.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


@dataclass(frozen=True)
class _Frame:
    """Where a whole picture lies within an array, in its pixels; may reach outside."""

    left: float
    top: float
    width: float
    height: float


def _frames(width: int, height: int) -> Iterator[_Frame]:
    yield _Frame(0, 0, width, height)
    if abs(width / height - _ASPECT) < 0.01:
        return
    for scale in (min(width / _ASPECT, height), max(width / _ASPECT, height)):
        wide = scale * _ASPECT
        yield _Frame((width - wide) / 2, (height - scale) / 2, wide, scale)


def _grey(picture: Picture) -> NDArray[np.float32]:
    if picture.ndim == 2:
        return picture.astype(np.float32)
    return np.asarray(picture[..., :3].mean(axis=2), dtype=np.float32)


def _sample(grey: NDArray[np.float32], frame: _Frame) -> NDArray[np.float32] | None:
    """The mean of the inner half of each cell, in one row; None where a cell lies outside."""
    height, width = grey.shape
    values = np.empty(ROWS * COLUMNS, dtype=np.float32)
    tall = (BOTTOM - TOP) * frame.height / ROWS
    wide = (RIGHT - LEFT) * frame.width / COLUMNS
    for cell in range(ROWS * COLUMNS):
        top = frame.top + TOP * frame.height + (cell // COLUMNS) * tall
        left = frame.left + LEFT * frame.width + (cell % COLUMNS) * wide
        y, x = int(top + tall / 4), int(left + wide / 4)
        end_y, end_x = max(y + 1, int(top + tall * 0.75)), max(x + 1, int(left + wide * 0.75))
        if y < 0 or x < 0 or end_y > height or end_x > width:
            return None
        values[cell] = grey[y:end_y, x:end_x].mean()
    return values


def _decode(values: NDArray[np.float32] | None) -> tuple[str, int] | None:
    if values is None:
        return None
    marks = np.concatenate([values[:4], values[-4:]])
    expected = np.array(_HEAD + _TAIL, dtype=bool)
    dark, light = float(marks[~expected].max()), float(marks[expected].min())
    if light - dark < _MIN_CONTRAST:
        return None
    number = 0
    for value in values[4:-4]:
        number = number << 1 | int(value > (dark + light) / 2)
    body, checksum = number >> 16, number & 0xFFFF
    if checksum != _checksum(body):
        return None
    label = "".join(ALPHABET[body >> shift & 63] for shift in (34, 28, 22, 16)).rstrip("\0")
    return (label, body & 0xFFFF) if label and "\0" not in label else None


def _checksum(body: int) -> int:
    return binascii.crc_hqx(body.to_bytes(5, "big"), 0xFFFF)


def _lines(start: float, end: float, parts: int, size: int) -> list[int]:
    return [round((start + (end - start) * part / parts) * size) for part in range(parts + 1)]
