"""One voice on its way into a mix: what comes at its own pace is taken at the mix's. Pure.

Sound lies where its timestamps say; a cursor runs through it by the clock of whoever takes, a short
lead behind what arrives. What comes after its turn moves the cursor back, so that it is heard and
the rest comes in time; when all has come early for a while, the cursor moves on again, in a pause
if there is one. Both also hold two clocks together that differ.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from bridge.media_worker.limiter import Samples

RATE_HZ = 48_000
FRAME = 960
"""Samples that are taken at once: 20 ms."""
LEAD = 2 * FRAME
"""So far the cursor is behind what comes first …"""
MAX_LEAD = 10 * FRAME
"""… and so far at most, however late things come: 0.2 s."""
MAX_AHEAD = 25 * FRAME
"""What lies further ahead, or as far behind, belongs to a stream that began anew."""
WINDOW = 5 * RATE_HZ
"""Within so many samples nothing may have needed the lead that is given up."""
IN_VAIN = 5
"""After so many packets that were too late in a row, the cursor goes to where they are."""
QUIET = 0.003
"""A frame that stays below (−50 dBov) is a pause."""
FADE = 120
"""Samples of 2.5 ms, within which sound begins and ends where its neighbour is missing."""

_IN = np.linspace(0.0, 1.0, FADE, endpoint=False, dtype=np.float32)
_OUT = np.linspace(1.0, 0.0, FADE, endpoint=False, dtype=np.float32)


class Playout:
    """Feed it `put`, and `take` a frame every 20 ms.

    `late` counts samples that came too late to be heard. `lead` is how much lies ready.
    """

    def __init__(self) -> None:
        self.late = 0
        self._pieces: deque[tuple[int, Samples]] = deque()
        self._cursor: int | None = None
        self._end = 0
        """Where the newest piece ends."""
        self._sounds = False
        """Whether there was sound right before the cursor, whose last sample was …"""
        self._last = 0.0
        self._in_vain = 0
        self._least, self._most, self._seen = MAX_LEAD, 0, 0
        self._spare = 0
        """By how much the cursor may move on."""

    @property
    def lead(self) -> int:
        """Samples between the cursor and the end of what has come."""
        return 0 if self._cursor is None else max(0, self._end - self._cursor)

    def put(self, timestamp: int, samples: Samples) -> None:
        """What was decoded of a packet with this RTP timestamp; packets come in order."""
        start = self._unwrapped(timestamp)
        if self._cursor is None or abs(start - self._cursor) > MAX_AHEAD:
            self._begin(start)
        assert self._cursor is not None
        margin = start - self._cursor
        self._note(margin, len(samples))
        if margin < 0:
            margin += self._wait(FRAME - margin)
        begin = max(start, self._end if self._pieces else start)
        if margin < 0:
            begin = max(begin, self._cursor)
        kept = samples[begin - start :]
        self.late += min(len(samples), max(0, -margin))
        if len(kept):
            self._in_vain = 0
            self._pieces.append((begin, kept))
            self._end = begin + len(kept)
            return
        self._in_vain += 1
        if self._in_vain == IN_VAIN:
            self._begin(start + len(samples))

    def take(self) -> Samples | None:
        """The next 20 ms; None is silence."""
        if self._cursor is None:
            return None
        begin = self._cursor
        self._cursor += FRAME
        frame = np.zeros(FRAME, np.float32)
        covered = self._fill(frame, begin)
        if not covered and not self._sounds:
            self._move_on(pause=True)
            return None
        self._smooth(frame, covered)
        self._sounds = bool(covered) and covered[-1][1] == FRAME
        self._last = float(frame[-1])
        self._move_on(pause=bool(np.abs(frame).max() < QUIET))
        return frame

    def skip(self, frames: int) -> None:
        """So many are not taken, because their time is over."""
        if self._cursor is not None:
            self._cursor += frames * FRAME
            self._sounds = False

    def _unwrapped(self, timestamp: int) -> int:
        near = self._end if self._cursor is None else self._cursor
        return near + ((timestamp - near + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000

    def _begin(self, start: int) -> None:
        self._pieces.clear()
        self._cursor = start - LEAD
        self._end = start
        self._least, self._most, self._seen, self._spare = MAX_LEAD, 0, 0, 0
        self._in_vain = 0

    def _note(self, margin: int, length: int) -> None:
        """How early things come, over a while."""
        self._least, self._most = min(self._least, margin), max(self._most, margin)
        self._seen += length
        if self._seen >= WINDOW:
            self._spare = max(0, self._least - LEAD)
            self._least, self._most, self._seen = MAX_LEAD, margin, 0

    def _wait(self, behind: int) -> int:
        """Move the cursor back, as far as what comes early allows; returns by how much."""
        moved = max(0, min(behind, MAX_LEAD - self._most))
        if moved and self._cursor is not None:
            self._cursor -= moved
            self._least, self._most, self._spare = 0, self._most + moved, 0
        return moved

    def _move_on(self, *, pause: bool) -> None:
        """Give up lead that nothing needs: in a pause all of it, in speech only if it is much."""
        if self._cursor is None or not self._spare:
            return
        if not pause and self._spare < 2 * FRAME:
            return
        skipped = self._spare if pause else FRAME
        self._cursor += skipped
        self._spare -= skipped
        self._most -= skipped
        self._least -= skipped

    def _fill(self, frame: Samples, begin: int) -> list[tuple[int, int]]:
        """Copy what there is from `begin` on; returns which parts of the frame that covers."""
        covered: list[tuple[int, int]] = []
        while self._pieces:
            start, samples = self._pieces[0]
            first, last = max(start, begin), min(start + len(samples), begin + FRAME)
            if first < last:
                frame[first - begin : last - begin] = samples[first - start : last - start]
                if covered and covered[-1][1] == first - begin:
                    covered[-1] = covered[-1][0], last - begin
                else:
                    covered.append((first - begin, last - begin))
            if start + len(samples) > begin + FRAME:
                break
            self._pieces.popleft()
        return covered

    def _smooth(self, frame: Samples, covered: list[tuple[int, int]]) -> None:
        """No step where sound begins or ends."""
        at, sounds, value = 0, self._sounds, self._last
        for first, last in [*covered, (FRAME, FRAME)]:
            if sounds and first > at:
                tail = min(FADE, first - at)
                frame[at : at + tail] = value * _OUT[:tail]
            if first < last and not (sounds and first == at):
                length = min(FADE, last - first)
                frame[first : first + length] *= _IN[:length]
            if first < last:
                at, sounds, value = last, True, float(frame[last - 1])
