"""The routing matrix of a node: packets of sources in, rewritten packets to slots out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.floors import Floors
from bridge.hotpath import Fanout
from bridge.keyframes import KeyframeAsker
from bridge.routes import Origin, Place, Table
from bridge.slot import Slot
from bridge.source import Source, Verdict
from bridge.speakers import loudness_of
from signaling.wire.control import Routes, RoutesHeld, TableVersion
from signaling.wire.ids import Port, Scope, SlotName, Track

PATIENCE_S = 3.0
"""How long an old picture goes on while its successor gives no keyframe."""

_DROPPED, _RESTARTED = Verdict.DROPPED, Verdict.RESTARTED


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """Send a PLI (RFC 4585 §6.3.1) for `source.ssrc` to the session that publishes `source`."""

    source: Source


Output = KeyframeRequest


class _Feed:
    """A source, the slots that carry it and those that wait for its next start.

    Tuples, replaced and never changed: whoever iterates one sees it whole.
    """

    __slots__ = ("origin", "scope", "slots", "source", "waiting")

    def __init__(self, scope: Scope, origin: Origin, source: Source) -> None:
        self.scope = scope
        self.origin = origin
        self.source = source
        self.slots: tuple[Slot, ...] = ()
        self.waiting: tuple[Slot, ...] = ()


class _Aim:
    """Where a slot stands: what it carries and what it waits for; both during a switch."""

    __slots__ = ("carried", "place", "scope", "slot", "wanted")

    def __init__(self, scope: Scope, place: Place, slot: Slot) -> None:
        self.scope = scope
        self.place = place
        self.slot = slot
        self.carried: _Feed | None = None
        self.wanted: _Feed | None = None


class Crosspoint:
    """Which source feeds which slot, over all scopes of a node.

    Routes name ports, not sessions: they may come before either end exists, and wait. A video
    slot starts, and changes its source, at a keyframe, which is asked for; until then the old
    picture goes on (at most `PATIENCE_S`). An audio slot leaves its old source at once. A slot
    without a route, or whose source is removed, stops at once. A source in another codec than
    the slot's is not bound.

    A route from a position of the floor (`signaling.wire.ids.floor_port`) carries whoever of the
    scope's open microphones holds it (`bridge.speakers`), and nothing to the holder itself.

    `now` is a monotonic clock in seconds, the same in all calls. Carry out the outputs of each
    call, and after each (`forward` included, when it returned some) look at `next_deadline`.
    """

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout
        self._tables: dict[Scope, Table] = {}
        self._feeds: dict[Source, _Feed] = {}
        self._bound: dict[tuple[Scope, Origin], _Feed] = {}
        self._aims: dict[Slot, _Aim] = {}
        self._slots: dict[tuple[Scope, Place], tuple[Slot, ...]] = {}
        # those who do both, and until when the old picture goes on
        self._give_up_at: dict[_Aim, float] = {}
        self._asker = KeyframeAsker()
        self._floors = Floors()

    # --- sessions come and go -------------------------------------------------------------------

    def add_source(
        self, now: float, scope: Scope, port: Port, track: Track, source: Source
    ) -> Sequence[Output]:
        """Bind `source` as the port's track; from now on it is the one that routes mean.

        A source bound there before flows on in each video slot until this one's first keyframe,
        or until it is removed. Call it when the session is connected and the SSRC known.
        """
        origin = Origin(port, track)
        self._feeds[source] = self._bound[scope, origin] = _Feed(scope, origin, source)
        return self._retarget(now, scope, self._places(scope, origin))

    def remove_source(self, now: float, source: Source) -> Sequence[Output]:
        """Forget a source whose session ended; unknown ones are ignored. Its slots stop and wait
        for the next one of that port and track."""
        feed = self._feeds.pop(source, None)
        if feed is None:
            return ()
        for slot in feed.slots:
            self._stop(self._aims[slot])
        self._asker.forget(source)
        if self._bound.get((feed.scope, feed.origin)) is not feed:
            return ()
        del self._bound[feed.scope, feed.origin]
        return self._retarget(now, feed.scope, self._places(feed.scope, feed.origin))

    def add_slot(
        self, now: float, scope: Scope, port: Port, name: SlotName, slot: Slot
    ) -> Sequence[Output]:
        """Bind a receive stream of a connected session; its route may be waiting already.

        Several slots may share a name (viewers of one port, a reload before the old session has
        closed): each gets the packets.
        """
        place = Place(port, name)
        self._aims[slot] = _Aim(scope, place, slot)
        self._slots[scope, place] = (*self._slots.get((scope, place), ()), slot)
        return self._retarget(now, scope, [place])

    def remove_slot(self, now: float, slot: Slot) -> Sequence[Output]:
        """Forget a slot whose session ended; unknown ones are ignored. Nothing is sent to it any
        more."""
        aim = self._aims.pop(slot, None)
        if aim is None:
            return ()
        self._stop(aim)
        self._stop_waiting(aim)
        key = (aim.scope, aim.place)
        self._slots[key] = _without(self._slots[key], slot)
        if not self._slots[key]:
            del self._slots[key]
        return ()

    # --- routes ---------------------------------------------------------------------------------

    def apply(self, now: float, routes: Routes) -> tuple[RoutesHeld, Sequence[Output]]:
        """Change a scope's table if epoch and base allow it (see `signaling.wire.control`).

        The reply says which table is held now: the one sent if it was applied, else the old one
        ((0, 0) for a scope without a table).
        """
        table = self._table(routes.scope)
        changed = table.apply(routes)
        for origin in self._floors.open(now, routes.scope, table.speakers):
            changed += table.places(origin)
        outputs = self._retarget(now, routes.scope, changed)
        held = table.version
        return RoutesHeld(routes.request, held.scope, held.epoch, held.revision), outputs

    def tables(self) -> list[TableVersion]:
        """The version of each scope's table, for `Hello` and `Stats`."""
        return [table.version for table in self._tables.values() if table.version.epoch]

    def floor_position(self, scope: Scope, port: Port) -> int | None:
        """Where on the floor the port's microphone is carried now, from 1."""
        return self._floors.position(scope, port)

    def _places(self, scope: Scope, origin: Origin) -> list[Place]:
        """Who receives the origin, by a route of its own or by its position on the floor."""
        table = self._table(scope)
        return [place for one in self._floors.origins(scope, origin) for place in table.places(one)]

    def _loudness(self, now: float, scope: Scope, port: Port) -> float:
        feed = self._bound.get((scope, Origin(port, "mic")))
        return loudness_of(now, feed.source.loudness if feed else None)

    def _table(self, scope: Scope) -> Table:
        table = self._tables.get(scope)
        if table is None:
            table = self._tables[scope] = Table(scope)
        return table

    # --- packets --------------------------------------------------------------------------------

    def forward(self, now: float, source: Source, packet: bytes) -> Sequence[Output]:
        """Queue an authentic RTP packet of a source on its slots' legs.

        Junk, duplicates and packets of unknown sources are dropped (`Source.dropped`).
        """
        feed = self._feeds.get(source)
        if feed is None:
            return ()
        verdict = source.receive(now, packet)
        if verdict is _DROPPED:
            return ()
        if verdict is _RESTARTED:
            self._restart(feed)
        if source.packet.starts_keyframe:
            self._asker.content(source)
        if feed.waiting and self._can_begin(source):
            self._begin_waiting(now, feed)
        if feed.slots:
            self._fanout.forward(now, source.packet, feed.slots)
        return self._ask(now, feed, begins=True) if verdict is _RESTARTED and feed.waiting else ()

    def request_keyframe(self, now: float, slot: Slot) -> Sequence[Output]:
        """The receiver asked for a keyframe in this slot (PLI or FIR)."""
        slot.keyframe_requests += 1
        aim = self._aims.get(slot)
        feed = aim and (aim.wanted or aim.carried)
        return self._ask(now, feed, begins=False) if feed else ()

    def _can_begin(self, source: Source) -> bool:
        packet = source.packet
        # a keyframe whose first packet came late has lost what overtook it
        return not packet.late and (source.codec.media == "audio" or packet.starts_keyframe)

    def _begin_waiting(self, now: float, feed: _Feed) -> None:
        """The packet in hand is where slots may begin; the old source of each ends here."""
        for slot in feed.waiting:
            aim = self._aims[slot]
            self._stop(aim)
            aim.carried, aim.wanted = feed, None
            slot.begin(now, feed.source)
        feed.slots += feed.waiting
        feed.waiting = ()

    def _restart(self, feed: _Feed) -> None:
        """The source jumped: its slots wait for a place to begin, as after a switch."""
        for slot in feed.slots:
            aim = self._aims[slot]
            self._stop(aim)
            if aim.wanted is None:
                self._wait_for(aim, feed)
        feed.source.restart()

    # --- aims -----------------------------------------------------------------------------------

    def _retarget(self, now: float, scope: Scope, places: Iterable[Place]) -> Sequence[Output]:
        outputs: list[Output] = []
        for place in places:
            for slot in self._slots.get((scope, place), ()):
                outputs.extend(self._aim(now, self._aims[slot]))
        return outputs

    def _aim(self, now: float, aim: _Aim) -> Sequence[Output]:
        """Bring a slot in line with its route and the sources there are."""
        target = self._target(aim)
        if target is None:
            self._stop(aim)
            self._stop_waiting(aim)
            return ()
        if target is aim.carried:
            self._stop_waiting(aim)
            return ()
        if target is aim.wanted:
            return ()
        give_up_at = self._give_up_at.get(aim, now + PATIENCE_S)
        self._stop_waiting(aim)
        if aim.slot.codec.media == "audio":
            self._stop(aim)
        self._wait_for(aim, target)
        if aim.carried is not None:
            # patience is for the old picture, however often its successor changes
            self._give_up_at[aim] = give_up_at
        return self._ask(now, target, begins=True)

    def _target(self, aim: _Aim) -> _Feed | None:
        wanted = self._table(aim.scope).origin(aim.place)
        origin = self._floors.behind(aim.scope, wanted, aim.place.port)
        feed = self._bound.get((aim.scope, origin)) if origin else None
        return feed if feed and feed.source.codec == aim.slot.codec else None

    def _wait_for(self, aim: _Aim, feed: _Feed) -> None:
        aim.wanted = feed
        feed.waiting += (aim.slot,)

    def _stop_waiting(self, aim: _Aim) -> None:
        if aim.wanted is not None:
            aim.wanted.waiting = _without(aim.wanted.waiting, aim.slot)
            self._rest(aim.wanted)
            aim.wanted = None
        self._give_up_at.pop(aim, None)

    def _stop(self, aim: _Aim) -> None:
        """End what the slot carries; it may still wait for something else."""
        if aim.carried is not None:
            aim.slot.end()
            aim.carried.slots = _without(aim.carried.slots, aim.slot)
            self._rest(aim.carried)
            aim.carried = None
        self._give_up_at.pop(aim, None)

    def _rest(self, feed: _Feed) -> None:
        if not feed.slots and not feed.waiting:
            self._asker.content(feed.source)

    def _ask(self, now: float, feed: _Feed, *, begins: bool) -> Sequence[Output]:
        if feed.source.codec.media == "audio":
            return ()
        asked = self._asker.want(now, feed.source, begins=begins)
        return [KeyframeRequest(source) for source in asked]

    # --- time -----------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `handle_timeout` must be called next; None: only after another call."""
        due = list(self._give_up_at.values())
        others = (self._asker.next_deadline(), self._floors.next_deadline())
        due += [at for at in others if at is not None]
        return min(due, default=None)

    def handle_timeout(self, now: float) -> Sequence[Output]:
        """Repeat keyframe requests that are due, stop pictures whose successor never came, and let
        the loudest have the floor."""
        for aim in [aim for aim, at in self._give_up_at.items() if at <= now]:
            self._stop(aim)
        for scope, origin in self._floors.judge(now, self._loudness):
            self._retarget(now, scope, self._table(scope).places(origin))
        return [KeyframeRequest(source) for source in self._asker.handle_timeout(now)]


def _without(slots: tuple[Slot, ...], slot: Slot) -> tuple[Slot, ...]:
    return tuple(other for other in slots if other is not slot)
