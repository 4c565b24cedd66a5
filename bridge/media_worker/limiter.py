"""Keeps the sum of several voices within the scale: a limiter with a soft knee. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Sound, mono, 48 kHz; the scale ends at −1 and 1."""

BLOCK = 120
"""Samples of 2.5 ms: the gain follows the loudest of each."""
THRESHOLD = 0.7
"""Up to here (−3 dBov) nothing is changed: a single voice passes as it came."""
RELEASE_S = 0.2

_RISE = 1 - np.exp(-BLOCK / 48_000 / RELEASE_S)


class Limiter:
    """Feed it frames of whole blocks in order, by `apply`.

    The gain falls within a block, before what is too loud, and rises slowly, so that words are not
    heard pumping; what is still too loud at the beginning of a frame is bent, not cut.
    """

    def __init__(self) -> None:
        self._gain = 1.0

    def apply(self, mixed: Samples) -> Samples:
        """The same frame, no sample of which is beyond the scale."""
        peaks = np.abs(mixed).reshape(-1, BLOCK).max(axis=1)
        if self._gain == 1.0 and peaks.max() <= THRESHOLD:
            return mixed
        allowed = np.minimum(1.0, THRESHOLD / np.maximum(peaks, THRESHOLD))
        # at each border the smaller one of what both sides allow
        ahead = np.append(allowed[1:], 1.0)
        gains = [self._gain]
        for bound in np.minimum(allowed, ahead):
            risen = gains[-1] + (1.0 - gains[-1]) * _RISE
            gains.append(float(min(bound, risen)))
        self._gain = gains[-1] if gains[-1] < 0.9999 else 1.0
        places = np.arange(len(gains)) * BLOCK
        curve = np.interp(np.arange(len(mixed)), places, gains).astype(np.float32)
        return _bent(mixed * curve)


def _bent(loud: Samples) -> Samples:
    """What is beyond the threshold approaches the end of the scale, without an edge."""
    size = np.abs(loud)
    room = 1.0 - THRESHOLD
    beyond = np.maximum(size - THRESHOLD, 0.0)
    bent = np.minimum(size, THRESHOLD) + room * np.tanh(beyond / room)
    return np.copysign(bent, loud).astype(np.float32)
