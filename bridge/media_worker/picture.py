"""What a camera's picture shows: something that lives, nothing, a test card, or always the same.

Pure. It judges small pictures some seconds apart, so that one odd picture changes nothing. A frozen
source comes out of its encoder a little different each time, as the encoder's means change; a
person who sits still moves more than that (`SAME_MOST`). A room in which nothing at all moves
cannot be told from a frozen source: what encoders leave of a camera's noise is less than their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.receiveoffer import CodecName
from signaling.wire.figures import Picture

WIDTH, HEIGHT = 64, 36
"""Of the small picture; each point is the mean of what it covers."""

AGREE = 2
"""So many pictures in a row must show the same fault."""
FROZEN_AGREE = 8
"""The same for a frozen one, each compared with the first of them: nearly a minute."""

BLACK_MEAN, BLACK_BRIGHTEST = 24.0, 40.0
"""Luma (16 is black) of all of it, and of its brightest hundredth; a fault ends a little above."""
_LEEWAY = 6.0

SAME_MEAN = 0.9
SAME_MOST: Mapping[CodecName, float] = {"VP8": 2.4, "H264": 4.2}
"""How far two small pictures of a frozen source may differ in luma, by their coding alone: on the
mean, and at any point. `docs/operations.md` has what was measured."""
_AGAIN = 2.0
"""Once it counts as frozen, so many times as far."""

_FLAT = 5.0
_FLAT_SHARE = 0.8
_FLAT_STILL = 0.6
_SATURATED = 40.0

# ITU-R BT.601, 75 % bars (SMPTE EG 1, EBU Tech 3325): Cb and Cr without their 128, yellow to blue
_BARS = np.array(
    [(-84, 14), (28, -84), (-56, -70), (56, 70), (-28, 84), (84, -14)], dtype=np.float32
)
_BARS_ALIKE = 0.9
_BARS_SATURATED = 25.0


@dataclass(frozen=True, slots=True)
class Look:
    """One picture, small: `luma`, `cb` and `cr` are `HEIGHT` × `WIDTH` octets, out of `codec`."""

    luma: NDArray[np.uint8]
    cb: NDArray[np.uint8]
    cr: NDArray[np.uint8]
    codec: CodecName


class Judge:
    """Of one site. Feed it `look`; it says what is shown, as far as it is sure."""

    def __init__(self) -> None:
        self.picture: Picture = "ok"
        self._first: Look | None = None  # of those that are alike
        self._suspected: Picture | None = None
        self._in_a_row = 0
        self._unmoved = 0

    def look(self, look: Look) -> Picture:
        """Take in the next picture."""
        seen = self._fault(look)
        self._in_a_row = self._in_a_row + 1 if seen is not None and seen == self._suspected else 1
        self._suspected = seen
        frozen = self._is_frozen(look)
        if seen is not None:
            if self._in_a_row >= AGREE or self.picture == seen:
                self.picture = seen
        else:
            # what lives is believed at once: nothing else looks like it
            self.picture = "frozen" if frozen else "ok"
        return self.picture

    def _fault(self, look: Look) -> Picture | None:
        if is_black(look, _LEEWAY if self.picture == "black" else 0.0):
            return "black"
        flat = is_flat(look, _FLAT_STILL if self.picture == "test_card" else _FLAT_SHARE)
        return "test_card" if flat or is_bars(look) else None

    def _is_frozen(self, look: Look) -> bool:
        leeway = _AGAIN if self.picture == "frozen" else 1.0
        if self._first is None or has_moved(self._first, look, leeway):
            self._first = look
            self._unmoved = 0
        else:
            self._unmoved = min(self._unmoved + 1, FROZEN_AGREE)
        return self._unmoved >= FROZEN_AGREE


def is_black(look: Look, leeway: float = 0.0) -> bool:
    """Dark everywhere: a dark room still has a lamp, a screen or a window somewhere."""
    brightest = float(np.quantile(look.luma, 0.99))
    return float(look.luma.mean()) < BLACK_MEAN + leeway and brightest < BLACK_BRIGHTEST + leeway


def is_flat(look: Look, share: float = _FLAT_SHARE) -> bool:
    """One saturated colour nearly everywhere, as a capture card gives without a camera."""
    planes = [plane.astype(np.float32) for plane in (look.luma, look.cb, look.cr)]
    middles = [float(np.median(plane)) for plane in planes]
    if np.hypot(middles[1] - 128, middles[2] - 128) < _SATURATED:
        return False
    near = np.ones((HEIGHT, WIDTH), dtype=bool)
    for plane, middle in zip(planes, middles, strict=True):
        near &= np.abs(plane - middle) <= _FLAT
    return float(near.mean()) >= share


def is_bars(look: Look) -> bool:
    """Seven or eight upright bars in the colours and the order of the standard ones."""
    rows = slice(HEIGHT // 9, HEIGHT // 2)
    luma, cb, cr = (plane[rows].astype(np.float32) for plane in (look.luma, look.cb, look.cr))
    # within a column nothing changes
    if float((luma.std(axis=0) < _FLAT).mean()) < _FLAT_SHARE:
        return False
    lit = np.flatnonzero(luma.mean(axis=0) > 30)
    if lit.size < WIDTH // 2:
        return False
    # cut off what is black at the sides: a narrower picture's, or the eighth bar
    shown = slice(int(lit[0]), int(lit[-1]) + 1)
    colours = np.stack([cb[:, shown].mean(axis=0), cr[:, shown].mean(axis=0)], axis=1) - 128
    return any(_in_order(colours, bars) for bars in (7, 8))


def has_moved(before: Look, after: Look, leeway: float = 1.0) -> bool:
    """Whether anything is elsewhere, or lit otherwise."""
    apart = np.abs(before.luma.astype(np.float32) - after.luma)
    return (
        float(apart.mean()) > leeway * SAME_MEAN
        or float(apart.max()) > leeway * SAME_MOST[after.codec]
    )


def _in_order(colours: NDArray[np.float32], bars: int) -> bool:
    """Whether the middles of so many equal bars have the colours that come second to seventh."""
    found = []
    for bar in range(1, 7):
        begin, end = bar / bars * len(colours), (bar + 1) / bars * len(colours)
        quarter = (end - begin) / 4
        found.append(colours[round(begin + quarter) : max(round(end - quarter), 1)].mean(axis=0))
    measured = np.array(found, dtype=np.float32)
    lengths = np.hypot(measured[:, 0], measured[:, 1])
    if not np.all(lengths > _BARS_SATURATED):
        return False
    alike = (measured * _BARS).sum(axis=1) / lengths / np.hypot(_BARS[:, 0], _BARS[:, 1])
    return bool(np.all(alike > _BARS_ALIKE))
