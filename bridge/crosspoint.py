"""The routing matrix of a node: packets of sources in, rewritten packets to slots out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.aims import Aim, Asking, Feed, Track, without
from bridge.hotpath import Fanout
from bridge.layers import LOOK_S, LayerInfo, LayerPlan
from bridge.routes import Origin, Place
from bridge.slot import Slot
from bridge.source import Packet, Source, Verdict
from bridge.speakers import loudness_of
from bridge.tables import Tables
from bridge.wiring import KeyframeRequest, Wiring
from signaling.wire.control import LayersWanted, Routes, RoutesHeld, TableVersion
from signaling.wire.ids import Port, Scope, SlotName
from signaling.wire.ids import Track as TrackName

_DROPPED, _RESTARTED, _PRECEDED = Verdict.DROPPED, Verdict.RESTARTED, Verdict.PRECEDED
_SINGLE = LayerPlan()


Output = KeyframeRequest | LayersWanted


class Crosspoint:
    """Which source feeds which slot, over all scopes of a node.

    Routes name ports, not sessions: they may come before either end exists, and wait. A video
    slot starts, and changes its source, at a keyframe, which is asked for; until then the old
    picture goes on (at most `PATIENCE_S`). An audio slot leaves its old source at once. A slot
    without a route, or whose source is removed, stops at once. A source in another codec than
    the slot's is not bound.

    Where a track has layers, a slot begins with the first that gives a keyframe and climbs to the
    one that suits it; one that falls silent is left for one that flows (`bridge.layers`).

    A route from a position of the floor (`signaling.wire.ports.floor_port`) carries whoever of the
    scope's open microphones holds it (`bridge.speakers`), and nothing to the holder itself.

    `now` is a monotonic clock in seconds, the same in all calls. Carry out the outputs of each
    call, and after each (`forward` included, when it returned some) look at `next_deadline`.
    """

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout
        self._tables = Tables()
        self._wiring = Wiring()
        self._feeds = self._wiring.feeds
        self._bound: dict[tuple[Scope, Origin], Track] = {}
        self._aims: dict[Slot, Aim] = {}
        self._slots: dict[tuple[Scope, Place], tuple[Slot, ...]] = {}
        self._receivers: dict[tuple[Scope, Port], Asking] = {}
        self._look_at: float | None = None
        self._asker = self._wiring.asker

    # --- sessions come and go -------------------------------------------------------------------

    def add_source(
        self,
        now: float,
        scope: Scope,
        port: Port,
        track: TrackName,
        source: Source,
        layer: str = "",
        plan: LayerPlan = _SINGLE,
    ) -> Sequence[Output]:
        """Bind `source` as a layer of the port's track; from now on it is what routes mean.

        What was bound there before (that layer's source, or all layers of another publisher) flows
        on in each video slot until a keyframe of what is bound now, or until it is removed. Call it
        when the session is connected and the SSRC known, again for one that takes its place back.
        """
        origin = Origin(port, track)
        bound = self._bound.get((scope, origin))
        if bound is None or bound.ladder.plan != plan:
            bound = self._bound[scope, origin] = Track(scope, origin, plan)
        bound.ladder.bind(layer, source)
        feed = self._feeds.get(source)
        if feed is None:
            self._feeds[source] = Feed(bound, source)
        else:
            feed.track = bound
        if bound.layered and self._look_at is None:
            self._look_at = now + LOOK_S
        return self._retarget(now, scope, self._tables.places(scope, origin), bound)

    def feed(self, source: Source) -> Feed:
        """Who carries the source and who waits for it, as long as it is there."""
        return self._feeds[source]

    def remove_source(self, now: float, source: Source) -> Sequence[Output]:
        """Forget a source whose session ended; unknown ones are ignored. Its slots stop and wait
        for the next one of that port and track."""
        feed = self._feeds.pop(source, None)
        if feed is None:
            return ()
        track = feed.track
        was_layer = track.ladder.unbind(source)
        for slot in feed.slots:
            self._wiring.stop(self._aims[slot])
        for slot in feed.waiting:
            aim = self._aims[slot]
            aim.wanted = tuple(one for one in aim.wanted if one is not feed)
        self._asker.forget(source)
        key = track.scope, track.origin
        if not was_layer or self._bound.get(key) is not track:
            return ()
        if not track.ladder.bound:
            del self._bound[key]
        return self._retarget(now, track.scope, self._tables.places(track.scope, track.origin))

    def add_slot(
        self, now: float, scope: Scope, port: Port, name: SlotName, slot: Slot
    ) -> Sequence[Output]:
        """Bind a receive stream of a connected session; its route may be waiting already.

        Several slots may share a name (viewers of one port, a reload before the old session has
        closed): each gets the packets.
        """
        place = Place(port, name)
        self._aims[slot] = Aim(now, scope, place, slot)
        self._slots[scope, place] = (*self._slots.get((scope, place), ()), slot)
        self._receivers.setdefault((scope, port), Asking(now)).count(1)
        return self._retarget(now, scope, [place])

    def remove_slot(self, now: float, slot: Slot) -> Sequence[Output]:
        """Forget a slot whose session ended; unknown ones are ignored. Nothing is sent to it any
        more."""
        aim = self._aims.pop(slot, None)
        if aim is None:
            return ()
        self._wiring.stop(aim)
        self._wiring.stop_waiting(aim)
        self._wiring.show(aim, None)
        key = (aim.scope, aim.place)
        self._slots[key] = without(self._slots[key], slot)
        if not self._slots[key]:
            del self._slots[key]
        if not self._receivers[aim.scope, aim.place.port].count(-1):
            del self._receivers[aim.scope, aim.place.port]
        return ()

    # --- layers ---------------------------------------------------------------------------------

    def cap(self, now: float, slot: Slot, rank: int | None) -> Sequence[Output]:
        """Show no higher layer than `rank` in this slot, from the next keyframe on; None shows
        nothing, at once. Unknown slots are ignored."""
        aim = self._aims.get(slot)
        if aim is None or aim.ceiling == rank:
            return ()
        aim.ceiling = rank
        return self._retarget(now, aim.scope, [aim.place])

    def layers(self, slot: Slot) -> tuple[LayerInfo, ...]:
        """What the slot could show, lowest first; empty while nothing is bound."""
        aim = self._aims.get(slot)
        track = aim.track if aim is not None else None
        return track.ladder.infos() if track is not None else ()

    def layers_wanted(self) -> list[LayersWanted]:
        """Which layers are worth sending, of each track that has several, for after `Hello`."""
        return [_told(track, track.told) for track in self._bound.values() if track.told]

    def _tell(self, now: float, track: Track) -> Sequence[Output]:
        """Which layers of a track are wanted now, if that is news."""
        if not track.layered:
            return ()
        for aim in track.aims:
            if aim.ceiling is not None:
                track.ladder.want(now, aim.wish, aim.ceiling)
        wanted = track.ladder.wanted(now)
        if wanted == track.told:
            return ()
        track.told = wanted
        return [_told(track, wanted)]

    # --- routes ---------------------------------------------------------------------------------

    def apply(self, now: float, routes: Routes) -> tuple[RoutesHeld, Sequence[Output]]:
        """Change a scope's table if it is to be obeyed; the reply says which is held now."""
        held, changed = self._tables.apply(now, routes)
        return held, self._retarget(now, routes.scope, changed)

    def forget(self, scope: Scope) -> None:
        """No session of this scope is left."""
        self._tables.forget(scope)

    def tables(self) -> list[TableVersion]:
        """The version of each scope's table, for `Hello` and `Stats`."""
        return self._tables.versions()

    def floor_position(self, scope: Scope, port: Port) -> int | None:
        """Where on the floor the port's microphone is carried now, from 1."""
        return self._tables.floor_position(scope, port)

    def _loudness(self, now: float, scope: Scope, port: Port) -> float:
        track = self._bound.get((scope, Origin(port, "mic")))
        source = track.ladder.layers[0].source if track else None
        return loudness_of(now, source.loudness if source else None)

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
        restarted = verdict is _RESTARTED
        if restarted:
            verdict = self._restart(now, feed)
        if verdict is _PRECEDED:
            self._hand_on(now, feed)
            source.proceed()
        self._hand_on(now, feed)
        if restarted and feed.waiting:
            return self._wiring.ask(now, [feed], begins=True)
        return ()

    def _hand_on(self, now: float, feed: Feed) -> None:
        """Queue the packet in the source's hands; slots that wait begin where they can."""
        source = feed.source
        taken = source.packet
        late: tuple[Packet, ...] = ()
        begun: tuple[Slot, ...] = ()
        if taken.starts_keyframe:
            self._asker.came(source)
        if feed.waiting:
            if self._can_begin(source):
                begun = self._begin_waiting(now, feed)
            elif taken.late and taken.starts_keyframe:
                late = feed.following(taken)
                if late:
                    # whoever begins here has everything behind it
                    taken.late = False
                    begun = self._begin_waiting(now, feed)
                    taken.late = True
            if feed.waiting:
                feed.held.append(taken.kept())
        if taken.starts_keyframe and not self._wiring.awaited(feed):
            self._asker.content(source)
        if feed.slots:
            self._fanout.forward(now, taken, feed.slots)
            for one in late:
                self._fanout.forward(now, one, begun)

    def request_keyframe(self, now: float, slot: Slot) -> Sequence[Output]:
        """The receiver asked for a keyframe in this slot (PLI or FIR); what exceeds the budgets of
        slot and receiver is passed over."""
        slot.keyframe_requests += 1
        aim = self._aims.get(slot)
        if aim is None:
            return ()
        carries = aim.carried is not None and not aim.has_left
        feeds = (aim.carried,) if carries and aim.carried is not None else aim.wanted
        if all(self._asker.merges(one.source) for one in feeds):
            return self._wiring.ask(now, feeds, begins=False)
        receiver = self._receivers[aim.scope, aim.place.port]
        if not aim.budget.take(now) or not receiver.budget.take(now):
            return ()
        return self._wiring.ask(now, feeds, begins=False)

    def _can_begin(self, source: Source) -> bool:
        packet = source.packet
        return not packet.late and (source.codec.media == "audio" or packet.starts_keyframe)

    def _begin_waiting(self, now: float, feed: Feed) -> tuple[Slot, ...]:
        """The packet in hand is where slots may begin; the old source of each ends here. Returns
        those slots; they go on waiting for what suits them better."""
        begun, feed.waiting = feed.waiting, ()
        feed.held.clear()
        for slot in begun:
            aim = self._aims[slot]
            self._wiring.stop(aim)
            aim.carried = feed
            self._wiring.wait_for(aim, aim.wanted[: aim.wanted.index(feed)])
            slot.begin(now, feed.source)
        feed.slots += begun
        return begun

    def _restart(self, now: float, feed: Feed) -> Verdict:
        """The source jumped: its slots wait for a place to begin, in whichever layer."""
        for slot in feed.slots:
            aim = self._aims[slot]
            self._wiring.stop(aim)
            if feed.track is aim.track:
                self._wiring.wait_for(aim, self._fit(now, aim))
        feed.held.clear()
        return feed.source.restart()

    # --- aims -----------------------------------------------------------------------------------

    def _retarget(
        self, now: float, scope: Scope, places: Iterable[Place], also: Track | None = None
    ) -> Sequence[Output]:
        """Bring the slots at these places in line; tell of the tracks whose slots these were or
        are."""
        outputs: list[Output] = []
        concerned: dict[Track, None] = {} if also is None else {also: None}
        for place in places:
            for slot in self._slots.get((scope, place), ()):
                aim = self._aims[slot]
                outputs.extend(self._aim(now, aim))
                if aim.track is not None:
                    concerned[aim.track] = None
        for track in concerned:
            outputs.extend(self._tell(now, track))
        return outputs

    def _aim(self, now: float, aim: Aim) -> Sequence[Output]:
        """Bring a slot in line with its route, its ceiling and the sources there are."""
        self._wiring.show(aim, self._target(aim))
        fit = self._fit(now, aim)
        if not fit:
            self._wiring.stop(aim)
            self._wiring.stop_waiting(aim)
            return ()
        climbs = aim.carried in fit and not _is_left(aim.carried, fit)
        if aim.carried is not None and climbs:
            self._wiring.content(aim)
            wanted = fit[: fit.index(aim.carried)]
        else:
            wanted = tuple(one for one in fit if one is not aim.carried)
        if wanted == aim.wanted and not climbs:
            return ()
        news = [one for one in wanted if climbs or one not in aim.wanted]
        if aim.carried is not None and aim.has_left:
            self._wiring.be_patient(now, aim)
        if aim.slot.codec.media == "audio" and not climbs:
            self._wiring.stop(aim)
        self._wiring.wait_for(aim, wanted)
        if climbs:
            # who climbs asks for what flows; what begins to flow begins with a keyframe
            news = [one for one in news if one.layer is not None and one.layer.flows]
        return self._wiring.ask(now, news, begins=True)

    def _fit(self, now: float, aim: Aim) -> tuple[Feed, ...]:
        """What the slot may carry now, the best first."""
        if aim.track is None or aim.ceiling is None:
            return ()
        suited = aim.track.ladder.suited(now, aim.wish, aim.ceiling)
        return tuple(self._feeds[one.source] for one in suited if one.source is not None)

    def _target(self, aim: Aim) -> Track | None:
        origin = self._tables.origin(aim.scope, aim.place)
        track = self._bound.get((aim.scope, origin)) if origin else None
        if track is None or any(
            one.source is not None and one.source.codec != aim.slot.codec
            for one in track.ladder.layers
        ):
            return None
        return track

    # --- time -----------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `handle_timeout` must be called next; None: only after another call."""
        due = (self._wiring.next_deadline(), self._tables.next_deadline(), self._look_at)
        return min((at for at in due if at is not None), default=None)

    def handle_timeout(self, now: float) -> Sequence[Output]:
        """Repeat keyframe requests that are due, stop pictures whose successor never came, let
        the loudest have the floor, and look which layers flow."""
        self._wiring.give_up(now)
        for scope, places in self._tables.judge(now, self._loudness):
            self._retarget(now, scope, places)
        outputs: list[Output] = []
        if self._look_at is not None and self._look_at <= now:
            outputs.extend(self._look(now))
        outputs.extend(KeyframeRequest(source) for source in self._asker.handle_timeout(now))
        return outputs

    def _look(self, now: float) -> Sequence[Output]:
        outputs: list[Output] = []
        layered = [track for track in self._bound.values() if track.layered]
        for track in layered:
            if track.ladder.look(now):
                for aim in list(track.aims):
                    outputs.extend(self._aim(now, aim))
            outputs.extend(self._tell(now, track))
        self._look_at = now + LOOK_S if layered else None
        return outputs


def _is_left(carried: Feed | None, fit: Iterable[Feed]) -> bool:
    """Whether this layer has stopped while others flow."""
    layer = carried.layer if carried is not None else None
    others = [one.layer for one in fit]
    return layer is not None and layer.stopped and any(one and one.flows for one in others)


def _told(track: Track, layers: tuple[str, ...] | None) -> LayersWanted:
    return LayersWanted(track.scope, track.origin.port, track.origin.track, list(layers or ()))
