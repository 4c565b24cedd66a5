"""How a receiver's estimate is shared among its slots, so that nothing flaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signaling.wire.ids import SlotKind, SlotName, slot_kind

HEADROOM = 1.15
"""More is given only while this many times its cost is there."""
UPGRADE_AFTER_S = 1.0
"""And has been for so long."""
LONGEST_WAIT_S = 120.0
"""What a slot that lost its last gain soon waits at most for the next."""
LONGER = 6
PROVEN_S = 30.0
"""A gain that is lost sooner makes the slot wait so many times longer."""
NOMINAL_BPS = (150_000.0, 450_000.0, 1_300_000.0)
"""By rank, of a layer that does not flow now: its publisher has switched it off."""
NO_CEILING = 99

_PRIORITY: dict[SlotKind, int] = {"stage": 0, "preview": 1, "thumb": 2}

Cap = int | None
"""The highest rank that a slot may carry; None: no picture for now."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a picture slot could carry: (rank, bits per second) of each layer, lowest first.

    0 bits per second: it does not flow, its rate is not known. No layers: nothing is there.
    """

    slot: SlotName
    layers: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """What each slot may carry now. `next_bps` is the least budget with which more would be given,
    None when everything is; `cost_bps` is what this costs."""

    caps: Mapping[SlotName, Cap]
    cost_bps: float
    next_bps: float | None


def by_priority(wants: Sequence[Want]) -> list[Want]:
    """Stage first, then preview, then thumbnails; slot 1 before slot 2."""
    return sorted(wants, key=_place)


def fit(
    budget_bps: float, audio_bps: float, wants: Sequence[Want], ceilings: Mapping[SlotName, Cap]
) -> dict[SlotName, Cap]:
    """The best that the budget allows: sound first, then the lowest layer of each picture by
    priority, then more for each by priority. A slot without layers keeps its ceiling.

    `ceilings` bound single slots. Never costs more than `budget_bps`, unless the sound alone does.
    """
    left = budget_bps - audio_bps
    caps: dict[SlotName, Cap] = {}
    ordered = by_priority(wants)
    for want in ordered:
        ceiling = ceilings.get(want.slot, NO_CEILING)
        caps[want.slot] = None if want.layers else ceiling
        if want.layers and ceiling is not None and want.layers[0][0] <= ceiling:
            rank, cost = _cheapest(want)
            if cost <= left:
                caps[want.slot], left = rank, left - cost
    for want in ordered:
        held = caps[want.slot]
        if not want.layers or held is None:
            continue
        before = cost_bps(want, held)
        ceiling = ceilings.get(want.slot, NO_CEILING)
        assert ceiling is not None
        for rank, _ in reversed(want.layers):
            more = cost_bps(want, rank) - before
            if held < rank <= ceiling and more <= left:
                caps[want.slot], left = rank, left - more
                break
    return caps


def opened(budget_bps: float, audio_bps: float, wants: Sequence[Want]) -> Allocation:
    """What a line begins with of which nothing is known: the lowest layer of each picture whatever
    it costs, and of better ones what the budget allows."""
    caps = fit(budget_bps, audio_bps, wants, {})
    for want in wants:
        if not want.layers or caps[want.slot] is None:
            caps[want.slot] = want.layers[0][0] if want.layers else 0
    cost = audio_bps + sum(cost_bps(want, caps[want.slot]) for want in wants)
    return Allocation(caps, cost, _next_bps(wants, caps, cost))


def cost_bps(want: Want, cap: Cap) -> float:
    """What the slot costs at most under this cap: a lower layer flows while a higher one starts."""
    if cap is None:
        return 0.0
    return max((_rate(rank, bps) for rank, bps in want.layers if rank <= cap), default=0.0)


class Budget:
    """Decides again and again what a receiver's slots may carry.

    Less is decided at once, more only with headroom and after a while; a slot that soon loses what
    it gained waits much longer for the next gain, but not while pictures of less weight are shown
    in its place. A slot that is new, or whose source has other
    layers than before, is decided at once: nobody saw it yet.
    """

    def __init__(self) -> None:
        self._states: dict[SlotName, _State] = {}

    def allocate(
        self, now: float, budget_bps: float, audio_bps: float, wants: Sequence[Want]
    ) -> Allocation:
        """Decide for `budget_bps` in all, of which sound needs `audio_bps`."""
        for want in wants:
            state = self._states.get(want.slot)
            ranks = tuple(rank for rank, _ in want.layers)
            if state is None:
                self._states[want.slot] = _State(ranks)
            elif ranks and ranks != state.ranks:
                # what was learned of flapping stays
                state.ranks, state.fresh = ranks, True
        held = {want.slot: self._ceiling(want) for want in wants}
        caps = fit(budget_bps, audio_bps, wants, held)
        safe = fit(budget_bps / HEADROOM, audio_bps, wants, {})
        below = sum(cost_bps(want, caps[want.slot]) for want in wants)
        for want in by_priority(wants):
            state, cap = self._states[want.slot], caps[want.slot]
            below -= cost_bps(want, cap)
            if not want.layers:
                continue
            instead = cap is None and below >= HEADROOM * _cheapest(want)[1]
            if not state.may_rise(now, cap, safe[want.slot], instead):
                continue
            raised = held | {want.slot: safe[want.slot]}
            tried = fit(budget_bps, audio_bps, wants, raised)
            if _height(tried[want.slot]) > _height(caps[want.slot]):
                held, caps = raised, tried
        for want in wants:
            if want.layers:
                self._states[want.slot].settle(now, caps[want.slot])
        cost = audio_bps + sum(cost_bps(want, caps[want.slot]) for want in wants)
        return Allocation(caps, cost, _next_bps(wants, caps, cost))

    def _ceiling(self, want: Want) -> Cap:
        state = self._states[want.slot]
        return NO_CEILING if state.fresh else state.cap


class _State:
    """What was decided for a slot, and since when more would fit."""

    def __init__(self, ranks: tuple[int, ...]) -> None:
        self.ranks = ranks
        self.fresh = True
        self.cap: Cap = NO_CEILING
        self._better_since: float | None = None
        self._gained_at: float | None = None
        self._wait_s = UPGRADE_AFTER_S

    def may_rise(self, now: float, cap: Cap, safe: Cap, instead: bool) -> bool:
        """Whether more than `cap` has fitted for long enough; `instead` of others, that is not
        long: the path carries no more than before."""
        if _height(safe) <= _height(cap):
            self._better_since = None
            return False
        if self._better_since is None:
            self._better_since = now
        return now >= self._better_since + (UPGRADE_AFTER_S if instead else self._wait_s)

    def settle(self, now: float, cap: Cap) -> None:
        """This is decided."""
        if self._gained_at is not None and now >= self._gained_at + PROVEN_S:
            self._gained_at, self._wait_s = None, UPGRADE_AFTER_S
        if not self.fresh and _height(cap) > _height(self.cap):
            self._gained_at, self._better_since = now, None
        elif not self.fresh and _height(cap) < _height(self.cap):
            self._better_since = None
            if self._gained_at is not None:
                self._gained_at = None
                self._wait_s = min(LONGER * self._wait_s, LONGEST_WAIT_S)
        self.fresh, self.cap = False, cap


def _next_bps(wants: Sequence[Want], caps: Mapping[SlotName, Cap], cost: float) -> float | None:
    """With the budget at which the first slot that lacks something would get its next layer."""
    lacking = []
    for want in by_priority(wants):
        held = caps[want.slot]
        above = [rank for rank, _ in want.layers if _height(rank) > _height(held)]
        if above:
            lacking.append((held is not None, cost_bps(want, above[0]) - cost_bps(want, held)))
    if not lacking:
        return None
    # a picture at all comes before a better one
    _, more = min(lacking, key=lambda one: one[0])
    return (cost + more) * HEADROOM


def _place(want: Want) -> tuple[int, int]:
    return _PRIORITY[slot_kind(want.slot)], int(want.slot.partition(":")[2])


def _cheapest(want: Want) -> tuple[int, float]:
    rank, bps = want.layers[0]
    return rank, _rate(rank, bps)


def _rate(rank: int, bitrate_bps: float) -> float:
    return bitrate_bps or NOMINAL_BPS[min(rank, len(NOMINAL_BPS) - 1)]


def _height(cap: Cap) -> int:
    return -1 if cap is None else cap
