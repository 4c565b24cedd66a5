"""The newest still of each site, in memory only. Pure.

Bounded: one per seat of a conference that carries media, each of at most `MAX_STILL` bytes, and
nothing that is older than `FRESH_S`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s

from signaling.conference.state import Conference
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.worker import Still

FRESH_S = 15.0
"""An older picture is none: it would be taken for the present."""
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Kept:
    """A JPEG, when it was taken (monotonic seconds), and its name for caches."""

    jpeg: bytes
    taken_at: float
    etag: str


class StillStore:
    """Feed it `put`, `changed` and `tick`; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.refused = 0
        self._kept: dict[ConferenceId, dict[SiteCode, Kept]] = {}

    def put(self, now: float, state: Conference | None, still: Still) -> bool:
        """Keep a still; False, and counted, if it is of nothing that may be seen, or no JPEG."""
        known = state is not None and state.carries_media and still.site in state.seats
        if state is None or not known or not still.jpeg.startswith(_JPEG):
            self.refused += 1
            return False
        etag = blake2s(still.jpeg, digest_size=8).hexdigest()
        kept = Kept(still.jpeg, now - still.age_s, etag)
        self._kept.setdefault(state.conference, {})[still.site] = kept
        return True

    def get(self, now: float, state: Conference, site: SiteCode) -> Kept | None:
        """The site's still, unless it is too old or must not be seen any more."""
        kept = self._kept.get(state.conference, {}).get(site)
        if kept is None or not state.carries_media or now - kept.taken_at > FRESH_S:
            return None
        return kept

    def changed(self, state: Conference) -> None:
        """A conference changed: what was seen of it is forgotten when it carries media no more."""
        if not state.carries_media:
            self._kept.pop(state.conference, None)

    def tick(self, now: float) -> None:
        """Once a second: forget what is too old."""
        for conference, sites in list(self._kept.items()):
            for site in [one for one, kept in sites.items() if now - kept.taken_at > FRESH_S]:
                del sites[site]
            if not sites:
                del self._kept[conference]
