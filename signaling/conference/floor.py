"""The floor: raised hands, who comes next, who speaks, and whose microphone is open. Pure."""

from __future__ import annotations

from dataclasses import replace

from signaling.conference import slides
from signaling.conference.commands import Actor
from signaling.conference.events import (
    Event,
    FloorEnded,
    FloorGiven,
    FloorTakenBack,
    HandLowered,
    HandRaised,
    HandsOrdered,
    NextMarked,
)
from signaling.conference.rules import (
    own_seat,
    require_not_ended,
    require_phase,
    require_present,
    seat_of,
)
from signaling.conference.state import Conference, Seat, Speech
from signaling.wire.commands import Scene
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode

# --- what is asked ------------------------------------------------------------------------------


def raise_hand(state: Conference, actor: Actor, at: float) -> list[Event]:
    """The actor's own site joins the end of the queue."""
    seat = own_seat(state, actor)
    require_phase(state, "rehearsal", "live", "recess")
    if seat.hand_since is not None:
        return []
    return [HandRaised(at, actor.name, seat.site.code)]


def lower_hand(state: Conference, site: SiteCode, actor: Actor, at: float) -> list[Event]:
    """A site its own hand, an operator anyone's. Raises WireError ``forbidden`` otherwise."""
    require_not_ended(state)
    if actor.role == "site" and own_seat(state, actor).site.code != site:
        raise WireError("forbidden", f"site {actor.site} cannot lower the hand of {site}")
    raised = seat_of(state, site).hand_since is not None
    return [HandLowered(at, actor.name, site)] if raised else []


def order_hands(
    state: Conference, sites: tuple[SiteCode, ...], actor: Actor, at: float
) -> list[Event]:
    """Raises WireError ``queue_changed`` unless `sites` are exactly those in the queue."""
    require_not_ended(state)
    if sorted(sites) != sorted(state.queue):
        raise WireError("queue_changed", f"the queue is {list(state.queue)}, not {list(sites)}")
    return [] if sites == state.queue else [HandsOrdered(at, actor.name, sites)]


def lower_all(state: Conference, actor: Actor, at: float) -> list[Event]:
    """Empties the queue."""
    require_not_ended(state)
    return [HandsOrdered(at, actor.name, ())] if state.queue else []


def mark_next(state: Conference, site: SiteCode | None, actor: Actor, at: float) -> list[Event]:
    """Tells one site, or none, that it comes next."""
    require_phase(state, "rehearsal", "live", "recess")
    if site is not None:
        require_present(seat_of(state, site))
    return [] if site == state.next else [NextMarked(at, actor.name, site)]


def give(state: Conference, site: SiteCode, actor: Actor, at: float) -> list[Event]:
    """Raises WireError ``site_absent``, ``wrong_phase`` or ``unknown_site``."""
    require_phase(state, "rehearsal", "live")
    require_present(seat_of(state, site))
    if state.speech is not None and state.speech.site == site:
        return []
    return [FloorGiven(at, actor.name, site)]


def take_back(state: Conference, actor: Actor, at: float) -> list[Event]:
    """Raises WireError ``nobody_speaks``."""
    require_phase(state, "rehearsal", "live")
    _require_speech(state)
    return [FloorTakenBack(at, actor.name)]


def end(state: Conference, actor: Actor, at: float) -> list[Event]:
    """Raises WireError ``nobody_speaks``."""
    require_phase(state, "rehearsal", "live")
    _require_speech(state)
    return [FloorEnded(at, actor.name)]


def _require_speech(state: Conference) -> Speech:
    if state.speech is None:
        raise WireError("nobody_speaks")
    return state.speech


# --- what then holds ----------------------------------------------------------------------------


def given(state: Conference, site: SiteCode, at: float) -> Conference:
    """The site speaks; who spoke before has finished."""
    earlier = state.speech
    speech = Speech(
        site=site,
        since=at,
        program_before=state.program,
        muted_before=state.seats[site].muted_by_operator,
        queue_before=state.queue,
        hand_before=state.seats[site].hand_since,
        next_before=state.next,
        last_remote_before=state.last_remote,
        speech_before=replace(earlier, speech_before=None) if earlier is not None else None,
    )
    if earlier is not None:
        state = _finished(state, earlier, at)
    state = without_hand(state, site)
    state = with_seat(state, replace(state.seats[site], muted_by_operator=False))
    return replace(
        state,
        program=_speaking(state.program, site, state.central),
        last_remote=state.last_remote if site == state.central else site,
        next=None if state.next == site else state.next,
        speech=speech,
    )


def taken_back(state: Conference) -> Conference:
    """As before the floor was given; a program taken since then stays."""
    speech = state.speech
    assert speech is not None, "only a speech can be taken back"
    seat = state.seats[speech.site]
    in_queue = speech.site in speech.queue_before and speech.site not in state.queue
    state = with_seat(
        state,
        replace(
            seat,
            muted_by_operator=speech.muted_before,
            hand_since=speech.hand_before if in_queue else seat.hand_since,
        ),
    )
    if in_queue:
        place = min(speech.queue_before.index(speech.site), len(state.queue))
        state = replace(state, queue=(*state.queue[:place], speech.site, *state.queue[place:]))
    if state.program == _speaking(speech.program_before, speech.site, state.central):
        state = replace(state, program=speech.program_before, last_remote=speech.last_remote_before)
    earlier = speech.speech_before
    if earlier is not None:
        before = state.seats[earlier.site]
        counted = before.spoken_s - (speech.since - earlier.since)
        state = with_seat(
            state, replace(before, muted_by_operator=False, spoken_s=max(0.0, counted))
        )
    marked = speech.next_before if state.next is None else state.next
    return replace(state, speech=earlier, next=marked)


def ended(state: Conference, at: float) -> Conference:
    """The speaker has finished and the centre is on air, if anybody spoke."""
    if state.speech is None:
        return state
    state = _finished(state, state.speech, at)
    return replace(
        state, speech=None, program=_speaking(state.program, state.central, state.central)
    )


def _speaking(before: Scene, site: SiteCode, central: SiteCode) -> Scene:
    """The picture of a site that has the floor, after this one."""
    return Scene("single", (site,), slides.kept(before, site, central))


def _finished(state: Conference, speech: Speech, at: float) -> Conference:
    """The speaker's time is counted, and its microphone shut again if it is remote."""
    seat = state.seats[speech.site]
    shut = seat.muted_by_operator or speech.site != state.central
    spoken_s = seat.spoken_s + max(0.0, at - speech.since)
    return with_seat(state, replace(seat, muted_by_operator=shut, spoken_s=spoken_s))


def with_hand(state: Conference, site: SiteCode, at: float) -> Conference:
    """The site is at the end of the queue."""
    state = with_seat(state, replace(state.seats[site], hand_since=at))
    return replace(state, queue=(*state.queue, site))


def without_hand(state: Conference, site: SiteCode) -> Conference:
    """The site is not in the queue."""
    if site not in state.queue:
        return state
    state = with_seat(state, replace(state.seats[site], hand_since=None))
    return replace(state, queue=tuple(other for other in state.queue if other != site))


def with_queue(state: Conference, sites: tuple[SiteCode, ...]) -> Conference:
    """The queue is `sites`, all of which were in it."""
    for site in state.queue:
        if site not in sites:
            state = without_hand(state, site)
    return replace(state, queue=sites)


# --- the microphones that are open ---------------------------------------------------------------


def with_seat(state: Conference, seat: Seat) -> Conference:
    """With this seat in place of the one before; its microphone follows its flags."""
    site = seat.site.code
    seats = {**state.seats, site: seat}
    if seat.microphone_open == (site in state.floor):
        return replace(state, seats=seats)
    others = tuple(other for other in state.floor if other != site)
    return replace(state, seats=seats, floor=(*others, site) if seat.microphone_open else others)
