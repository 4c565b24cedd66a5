"""When to look at each site of a subscription: one keyframe of each every few seconds. Pure.

A keyframe that comes by itself serves; only a site that sent none for long is asked for one, which
the bridge merges with what others ask. Everything else is counted and thrown away undecoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from bridge.media_worker.intake import Received
from bridge.media_worker.picture import is_steady
from signaling.wire.ids import SiteCode, SlotName

NOT_BEFORE_S = 4.0
"""Between two looks at a site, however often it sends keyframes."""
ASK_AFTER_S = 7.0
"""Without a look for so long a keyframe is asked for; with all that follows none is 10 s old."""
ASK_AGAIN_S = 1.0
MOST = 600
"""Sizes of pictures that are kept."""


class Exposed(NamedTuple):
    """A keyframe to develop: of which site, when it came, and whether the pictures before it cost
    the same each."""

    site: SiteCode
    at: float
    received: Received
    steady: bool


class Darkroom:
    """Feed it `take`; develop what it returns, and have a keyframe sent for what `wanted` says.

    `now` is monotonic seconds.
    """

    def __init__(self, slots: Sequence[SlotName], sites: Sequence[SiteCode]) -> None:
        self._exposures = {slot: _Exposure(site) for slot, site in zip(slots, sites, strict=True)}

    def take(self, now: float, received: Sequence[Received]) -> list[Exposed]:
        """Frames have come."""
        found = []
        for one in received:
            exposure = self._exposures.get(one.slot)
            exposed = exposure.put(now, one) if exposure is not None else None
            if exposed is not None:
                found.append(exposed)
        return found

    def wanted(self, now: float) -> list[SlotName]:
        """The slots in which a keyframe should come soon."""
        due = [slot for slot, one in self._exposures.items() if now >= one.ask_at]
        for slot in due:
            self._exposures[slot].ask_at = now + ASK_AGAIN_S
        return due


class _Exposure:
    """Of one slot."""

    def __init__(self, site: SiteCode) -> None:
        self.ask_at = float("-inf")
        self._site = site
        self._not_before = float("-inf")
        self._size = (0, 0)
        self._octets: deque[int] = deque(maxlen=MOST)

    def put(self, now: float, received: Received) -> Exposed | None:
        frame = received.frame
        if not frame.keyframe:
            self._octets.append(len(frame.data))
            return None
        size = frame.size or (0, 0)
        if size != self._size:
            self._size = size
            self._octets.clear()
        if now < self._not_before:
            self._octets.clear()
            return None
        steady = is_steady(list(self._octets), size[0] * size[1])
        self._octets.clear()
        self._not_before, self.ask_at = now + NOT_BEFORE_S, now + ASK_AFTER_S
        return Exposed(self._site, now, received, steady)
