"""When to look at each site of a subscription: every few seconds at one keyframe, and at what its
encoder makes of that in the moment after. Pure.

A keyframe that comes by itself serves; only a site that sent none for long is asked for one, which
the bridge merges with what others ask. Everything else is thrown away undecoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from bridge.receiveoffer import CodecName
from signaling.wire.ids import SiteCode, SlotName

NOT_BEFORE_S = 4.0
"""From one looked-at keyframe to the next, however often a site sends them."""
ASK_AFTER_S = 6.0
"""Without one for so long one is asked for; with all that follows no still is 10 s old."""
ASK_AGAIN_S = 1.0

SETTLES = 30
"""So many pictures after a keyframe, which is coarse, an encoder has made it as good as it can …"""
SETTLES_S = 2.0
"""… and no longer is waited for them."""
MOST_PIXELS = SETTLES * 640 * 360
"""Larger pictures are settled sooner, and cost more to decode: of those so much together …"""
MOST_OCTETS = 512 * 1024
"""… and so much of any."""


class Exposed(NamedTuple):
    """A picture to develop: of which site, when it came, and the coded frames that lead to it, the
    first of them a keyframe."""

    site: SiteCode
    at: float
    codec: CodecName
    frames: tuple[Frame, ...]


class Darkroom:
    """Feed it `take`; develop what it and `ripe` return, and have a keyframe sent for what `wanted`
    says.

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

    def ripe(self, now: float) -> list[Exposed]:
        """What has been waited for long enough, though no more frames came."""
        found = [one.ripe(now) for one in self._exposures.values()]
        return [one for one in found if one is not None]

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
        self._codec: CodecName = "VP8"
        self._began = self._at = 0.0
        self._frames: list[Frame] = []
        self._left = self._octets = 0

    def put(self, now: float, received: Received) -> Exposed | None:
        frame = received.frame
        if not frame.keyframe:
            return self._add(now, frame) if self._frames else None
        found = self._expose()
        if now >= self._not_before:
            self._not_before, self.ask_at = now + NOT_BEFORE_S, now + ASK_AFTER_S
            width, height = frame.size or (0, 0)
            self._left = min(SETTLES, MOST_PIXELS // max(width * height, 1)) + 1
            self._codec, self._began, self._octets = received.codec, now, 0
            found = self._add(now, frame) or found
        return found

    def ripe(self, now: float) -> Exposed | None:
        late = self._frames and now - self._began >= SETTLES_S
        return self._expose() if late else None

    def _add(self, now: float, frame: Frame) -> Exposed | None:
        self._frames.append(frame)
        self._at = now
        self._left -= 1
        self._octets += len(frame.data)
        enough = self._left <= 0 or self._octets > MOST_OCTETS or now - self._began >= SETTLES_S
        return self._expose() if enough else None

    def _expose(self) -> Exposed | None:
        frames, self._frames = tuple(self._frames), []
        return Exposed(self._site, self._at, self._codec, frames) if frames else None
