"""What the crosspoint remembers: published tracks, their sources, and what each slot aims at."""

from __future__ import annotations

from collections import deque

from bridge.keyframes import Budget
from bridge.layers import NO_CEILING, WISHES, Ladder, Layer, LayerPlan
from bridge.routes import Origin, Place
from bridge.slot import Slot
from bridge.source import Packet, Source
from signaling.wire.ids import Scope, slot_kind

HELD_PACKETS = 64
"""Of a source that slots wait for: should a keyframe's first packet come late, they follow it."""
REQUESTS, REQUEST_S = 4, 1.0
"""A slot's budget of keyframe requests."""
RECEIVER_REQUESTS, RECEIVER_REQUEST_S = 8, 5.0
"""That of all slots of a port: so many and one for each slot, since a whole wall may lose its
pictures at once; and one more for each slot in so many seconds: a media worker looks at every site
each six."""


class Track:
    """What one publisher sends as one track, and the slots that shall show it.

    `told`: the layers that signaling was last told to have sent; None before.
    """

    __slots__ = ("aims", "ladder", "origin", "scope", "told")

    def __init__(self, scope: Scope, origin: Origin, plan: LayerPlan) -> None:
        self.scope = scope
        self.origin = origin
        self.ladder = Ladder(plan)
        self.aims: dict[Aim, None] = {}
        self.told: tuple[str, ...] | None = None

    @property
    def layered(self) -> bool:
        """Whether there is a choice."""
        return len(self.ladder.layers) > 1


class Feed:
    """A source, the slots that carry it and those that wait for its next start.

    Tuples, replaced and never changed: whoever iterates one sees it whole. `held` are the latest
    packets while slots wait.
    """

    __slots__ = ("held", "slots", "source", "track", "waiting")

    def __init__(self, track: Track, source: Source) -> None:
        self.track = track
        self.source = source
        self.slots: tuple[Slot, ...] = ()
        self.waiting: tuple[Slot, ...] = ()
        self.held: deque[Packet] = deque(maxlen=HELD_PACKETS)

    @property
    def layer(self) -> Layer | None:
        """Which one this source is; None if another has taken its place."""
        return next((x for x in self.track.ladder.layers if x.source is self.source), None)

    def following(self, first: Packet) -> tuple[Packet, ...]:
        """What overtook a keyframe's first packet, in order; empty if that is not all held."""
        later = sorted((one for one in self.held if one.sequence > first.sequence), key=_sequence)
        if not later or later[0].sequence != first.sequence + 1:
            return ()
        return tuple(later) if later[-1].sequence == self.source.last_sequence else ()


def _sequence(packet: Packet) -> int:
    return packet.sequence


class Aim:
    """Where a slot stands: whose layers it shows, what it carries and what it waits for, the best
    first; both during a switch. `ceiling` is the highest rank it may show, None while paused."""

    __slots__ = (
        "budget",
        "carried",
        "ceiling",
        "place",
        "scope",
        "slot",
        "track",
        "wanted",
        "wish",
    )

    def __init__(self, now: float, scope: Scope, place: Place, slot: Slot) -> None:
        self.scope = scope
        self.place = place
        self.slot = slot
        self.wish = WISHES.get(slot_kind(place.slot), "highest")
        self.ceiling: int | None = NO_CEILING
        self.budget = Budget(now, REQUESTS, REQUEST_S)
        self.track: Track | None = None
        self.carried: Feed | None = None
        self.wanted: tuple[Feed, ...] = ()

    @property
    def has_left(self) -> bool:
        """Whether it carries what it shall show no more, be it in a worse layer."""
        carried = self.carried
        if carried is None or carried.track is not self.track or self.ceiling is None:
            return True
        layer = carried.layer
        return layer is None or layer.rank > self.ceiling


class Asking:
    """What a port's slots have asked for, all together."""

    __slots__ = ("_slots", "budget")

    def __init__(self, now: float) -> None:
        self._slots = 0
        self.budget = Budget(now, RECEIVER_REQUESTS, RECEIVER_REQUEST_S)

    def count(self, slots: int) -> bool:
        """So many more slots; returns whether any is left."""
        self._slots += slots
        if self._slots:
            burst, interval_s = RECEIVER_REQUESTS + self._slots, RECEIVER_REQUEST_S / self._slots
            self.budget.widen(burst, interval_s)
        return self._slots > 0


def without(slots: tuple[Slot, ...], slot: Slot) -> tuple[Slot, ...]:
    """All but this one."""
    return tuple(other for other in slots if other is not slot)
