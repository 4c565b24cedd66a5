"""One voice on its way into a mix: what comes at its own pace is taken at the mix's. Pure.

Sound lies where its timestamps say; a cursor runs through it by the clock of whoever takes, a short
lead behind what arrives. What comes after its turn moves the cursor back, so that it is heard and
the rest comes in time; when all has come early for a while, the cursor moves on again, in a pause
if there is one. Both also hold two clocks together that differ. Where nothing has come the sound
before goes on for a moment, made by the decoder, and fades.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

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
CONCEALED = 3 * FRAME
"""So much in a row is made for what is missing at most; the first 20 ms of it as loud as before."""
FADE = 120
"""Samples of 2.5 ms, within which sound begins and ends where its neighbour is missing."""

_IN = np.linspace(0.0, 1.0, FADE, endpoint=False, dtype=np.float32)
_OUT = np.linspace(1.0, 0.0, FADE, endpoint=False, dtype=np.float32)

Conceal = Callable[[int], Samples | None]
"""Makes so many samples as what came last goes on."""


class Playout:
    """Feed it `put`, and `take` a frame every 20 ms, which asks `conceal` for what is missing.

    `late` counts samples that came too late to be heard. `lead` is how much lies ready.
    """

    def __init__(self, conceal: Conceal = lambda _length: None) -> None:
        self.late = 0
        self._conceal = conceal
        self._pieces: deque[tuple[int, Samples]] = deque()
        self._cursor: int | None = None
        self._end = 0
        """Where the newest piece ends."""
        self._sounds = False
        """Whether there was sound right before the cursor, whose last sample was …"""
        self._last = 0.0
        self._length = FRAME
        """Of the newest packet."""
        self._made = 0
        """How much of what lies right before `_end` was made because nothing had come."""
        self._in_vain = 0
        self._least, self._most, self._seen = MAX_LEAD, 0, 0
        self._spare = 0
        """By how much the cursor may move on."""

    @property
    def lead(self) -> int:
        """Samples between the cursor and the end of what has come."""
        return 0 if self._cursor is None else max(0, self._end - self._cursor)

    def missing(self, timestamp: int) -> int:
        """How many samples right before this packet, which is to be put next, never came and should
        be made, for `fill`."""
        gap = self._unwrapped(timestamp) - self._end
        return gap if self._cursor is not None and 0 < gap <= CONCEALED - self._made else 0

    def fill(self, timestamp: int, samples: Samples) -> None:
        """What was made for what is `missing` right before this packet."""
        self._add(self._unwrapped(timestamp) - len(samples), samples)

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
        if self._made and start < self._end:
            # what was made in its place and is not heard yet
            self._pieces.clear()
        begin = max(start, self._end if self._pieces else start)
        if margin < 0:
            begin = max(begin, self._cursor)
        kept = samples[begin - start :]
        self.late += min(len(samples), max(0, -margin))
        if len(kept):
            self._in_vain = self._made = 0
            self._length = len(samples)
            self._add(begin, kept)
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
        self._go_on(begin)
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
        self._in_vain = self._made = 0

    def _add(self, start: int, samples: Samples) -> None:
        self._pieces.append((start, samples))
        self._end = start + len(samples)

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

    def _go_on(self, begin: int) -> None:
        """Have made what is missing in the frame that begins here, if there was sound right before;
        in lengths of packets, so that the next one begins where it ends."""
        while begin <= self._end < begin + FRAME and (self._sounds or self._pieces):
            length = min(self._length, CONCEALED - self._made)
            made = self._conceal(length) if length else None
            if made is None:
                return
            places = np.arange(self._made, self._made + length)
            fade = np.interp(places, (FRAME, CONCEALED), (1.0, 0.0)).astype(np.float32)
            self._add(self._end, made * fade)
            self._made += length

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
