"""Layers of a published picture: which of them flow, which suits whom, which are worth sending.

A publisher may send the same picture several times, small to large (simulcast, RFC 8853). A slot
shows one of these layers; the choice is the node's and never part of a route. Publishers with one
layer are the same with a ladder of one rung.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.source import Source
from signaling.wire.ids import SlotKind

Wish = Literal["highest", "lowest"]

WISHES: dict[SlotKind, Wish] = {"thumb": "lowest"}
"""What each kind of slot wants of the layers; the others want the highest."""
NO_CEILING = 1_000
"""A rank above all."""

SILENT_S = 0.4
"""A layer without a new picture for so long has stopped: its slots go to one that flows."""
LOOK_S = 0.1
"""Between two looks at what flows."""
HOLD_S = 1.0
"""A layer that stopped by itself must flow for so long before anybody returns to it; twice as long
each time it stops again, so that a path that cannot carry it does not make pictures jump …"""
MAX_HOLD_S = 16.0
"""… but never longer than this."""
STEADY_S = 10.0
"""A layer that has flown for so long is trusted: nothing below it is sent for its sake."""
OFF_AFTER_S = 5.0
"""A layer that nobody wants is sent for so long: switching it off and on costs keyframes."""
GUESSED_STEP = 4.0
"""How much more than the next lower one a layer takes that was never measured."""

_KNOWN_ORDERS = ("qhf", "lmh")


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What a publisher has offered to send as one track: names of layers, lowest first, by section
    of its offer. One keyframe request serves a whole section. `owner` is the session: a plan of
    another owner is another publisher's, which takes over."""

    owner: Hashable = None
    sections: tuple[tuple[str, ...], ...] = (("",),)


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """What a slot could show. `bitrate_bps` is measured while it `flows`, else the last measured,
    else guessed from the layer below."""

    rank: int
    bitrate_bps: float
    flows: bool


def ranked(names: Sequence[str]) -> tuple[str, ...]:
    """Layers lowest first: by the names that browsers' pages use, else in the order offered."""
    for order in _KNOWN_ORDERS:
        if set(names) <= set(order):
            return tuple(sorted(names, key=order.index))
    return tuple(names)


class Layer:
    """One layer of a track, and whether its publisher manages to send it: it `flows`, or has
    `stopped`, or it is too early to tell."""

    __slots__ = (
        "_flowing_since",
        "_hold_s",
        "_ready",
        "_wanted_since",
        "_wanted_until",
        "flows",
        "name",
        "rank",
        "section",
        "source",
        "stopped",
    )

    def __init__(self, name: str, rank: int, section: int) -> None:
        self.name = name
        self.rank = rank
        self.section = section
        self.source: Source | None = None
        self.flows = False
        self.stopped = False
        self._ready = False
        self._flowing_since = 0.0
        self._hold_s = 0.0
        self._wanted_since = 0.0
        self._wanted_until = 0.0

    @property
    def seen_at(self) -> float | None:
        """When its last new picture came; None before the first."""
        source = self.source
        return None if source is None or source.media_at is None else source.last_at

    def look(self, now: float, flows: bool, alone: bool) -> bool:
        """Take whether it flows; `alone`: if it does not, others of its track still do. Returns
        whether that changes what slots may take."""
        if flows and not self.flows:
            self._flowing_since = now
        elif self.flows and not flows and alone and self._is_missed(now):
            self._hold_s = min(max(HOLD_S, 2 * self._hold_s), MAX_HOLD_S)
        elif flows and now - self._flowing_since > max(2 * self._hold_s, STEADY_S):
            self._hold_s = 0.0
        before = self.flows, self._ready
        self.flows = flows
        self.stopped = not flows and self.seen_at is not None
        self._ready = self.ready(now)
        return before != (self.flows, self._ready)

    def _is_missed(self, now: float) -> bool:
        """Whether its publisher was told to send it, long enough ago to have heard of it."""
        return self.wanted(now) and now - self._wanted_since > HOLD_S

    def ready(self, now: float) -> bool:
        """Whether a slot may turn to it, or wait for its first packet: it has not proven shaky."""
        if self.source is None or self._hold_s == 0:
            return self.source is not None
        return self.flows and now - self._flowing_since >= self._hold_s

    def steady(self, now: float) -> bool:
        """Whether it needs no understudy."""
        return self.flows and not self._hold_s and now - self._flowing_since >= STEADY_S

    def want(self, now: float) -> None:
        """Somebody wants it."""
        if not self.wanted(now):
            self._wanted_since = now
        self._wanted_until = now + OFF_AFTER_S

    def wanted(self, now: float) -> bool:
        """Whether somebody does, or did a moment ago."""
        return now < self._wanted_until


class Ladder:
    """The layers of one track of one publisher, lowest first.

    `layers[i].rank == i`. Ranks follow the plan, and the pictures' sizes once all are known: some
    publishers name their layers in another order.
    """

    __slots__ = ("layers", "plan")

    def __init__(self, plan: LayerPlan) -> None:
        self.plan = plan
        names = [(name, index) for index, section in enumerate(plan.sections) for name in section]
        self.layers = [Layer(name, rank, index) for rank, (name, index) in enumerate(names)]

    def bind(self, name: str, source: Source) -> None:
        """From now on this source is the layer of that name, which must be one of the plan's."""
        layer = next(one for one in self.layers if one.name == name)
        layer.source = source
        layer.flows = layer.stopped = False

    def unbind(self, source: Source) -> bool:
        """The source is gone; returns whether it was one of these layers."""
        for layer in self.layers:
            if layer.source is source:
                layer.source, layer.flows = None, False
                return True
        return False

    @property
    def bound(self) -> list[Layer]:
        """Those that have a source."""
        return [one for one in self.layers if one.source is not None]

    def look(self, now: float) -> bool:
        """Judge what flows; returns whether slots may have to change. Call it every `LOOK_S`."""
        changed = self._sort()
        latest = max((one.seen_at or 0.0 for one in self.layers), default=0.0)
        for layer in self.layers:
            seen_at = layer.seen_at
            flows = seen_at is not None and now - seen_at < SILENT_S
            # others went on after it
            alone = seen_at is not None and latest - seen_at > SILENT_S / 2
            changed |= layer.look(now, flows, alone)
        return changed

    def _sort(self) -> bool:
        areas = [one.source.area if one.source is not None else 0 for one in self.layers]
        if not all(areas) or areas == sorted(areas):
            return False
        self.layers.sort(key=lambda one: one.source.area if one.source is not None else 0)
        for rank, layer in enumerate(self.layers):
            layer.rank = rank
        return True

    def suited(self, now: float, wish: Wish, ceiling: int) -> list[Layer]:
        """The layers that a slot may show now, the best first; it takes whichever begins first,
        then waits for the better ones. Empty: none is bound below the ceiling."""
        within = [one for one in self.layers if one.source is not None and one.rank <= ceiling]
        flowing = [one for one in within if one.flows]
        if wish == "lowest":
            return (flowing or within)[:1]
        ready = [one for one in within if one.ready(now)]
        floor = flowing[0].rank if flowing else 0
        # what is silent below one that flows is of no use to anybody
        fit = [one for one in ready if one.flows or one.rank >= floor]
        return (fit or flowing or within)[::-1]

    def want(self, now: float, wish: Wish, ceiling: int) -> None:
        """A slot wants of this picture what it may show."""
        top = min(ceiling, len(self.layers) - 1) if wish == "highest" else 0
        self.layers[top].want(now)
        if not self.layers[top].steady(now):
            # understudies, until it proves itself
            for layer in self.layers[1:top]:
                layer.want(now)

    def wanted(self, now: float) -> tuple[str, ...]:
        """Names of the layers that are worth sending; the lowest always is."""
        return tuple(one.name for one in self.layers if one.rank == 0 or one.wanted(now))

    def infos(self) -> tuple[LayerInfo, ...]:
        """What there is, lowest first."""
        found: list[LayerInfo] = []
        for layer in self.layers:
            rate = layer.source.bitrate_bps if layer.source is not None else 0.0
            if not rate and found:
                rate = GUESSED_STEP * found[-1].bitrate_bps
            found.append(LayerInfo(layer.rank, rate, layer.flows))
        return tuple(found)
