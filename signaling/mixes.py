"""The mixes of a conference: which are worth making, and who may hear which. Pure.

A plain player takes one sound: the floor as one stream. All who cannot be heard in it share the mix
of the program. A site whose device may speak has one of its own, without its voice, and has it
before it speaks, so that opening its microphone costs it no word of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from signaling.conference.state import Conference
from signaling.sessions import Session
from signaling.wire.figures import MixFigures
from signaling.wire.ids import Port, slot_kind
from signaling.wire.ports import mix_port, site_of
from signaling.wire.recordings import PROGRAM

MOST = 24
"""Sites of a conference that have a mix of their own, unless `signaling.max_mixes` says otherwise:
each costs a few percent of a core while several speak."""
SHORT_S = 3.0
"""A mix that is wanted may take so long to come before it counts as missing."""


def listeners(sessions: Iterable[Session]) -> frozenset[Port]:
    """The ports of these sessions that take the floor as one stream."""
    return frozenset(
        session.port
        for session in sessions
        if session.direction == "receive" and any(slot_kind(one) == "mix" for one in session.slots)
    )


def wanted(state: Conference, listening: Collection[Port], most: int | None = None) -> list[Port]:
    """What is to be published: for these listeners, and for a recording. None in a break.

    Beyond `most` sites, if that is limited, those whose microphone is open come first; the others
    have the program's mix while they are silent, else the floor's first position.
    """
    if not state.carries_media or not (listening or state.recording is not None):
        return []
    sites = {site for site in map(site_of, listening) if site is not None and site in state.seats}
    able = [site for site in sites if state.seats[site].device or site in state.floor]
    able.sort(key=lambda site: (site not in state.floor, state.seats[site].site.order))
    return [mix_port(PROGRAM), *map(mix_port, able[:most])]


class Shortage:
    """Of one conference: whether all flows that is wanted. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.missing = False
        self._counts = 0, 0
        self._since: float | None = None

    def judge(self, now: float, ports: Collection[Port], flowing: Collection[Port]) -> bool:
        """These are wanted, those flow; whether `missing` has changed by that."""
        found = set(ports).intersection(flowing)
        self._counts = len(ports), len(found)
        if len(found) == len(ports):
            self._since = None
        elif self._since is None:
            self._since = now
        short_s = 0.0 if self._since is None else now - self._since
        before, self.missing = self.missing, short_s >= SHORT_S
        return before != self.missing

    @property
    def figures(self) -> MixFigures | None:
        """What pages are told; None while nothing is wanted."""
        wanted, flowing = self._counts
        return MixFigures(wanted, flowing, self.missing) if wanted else None
