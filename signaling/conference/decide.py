"""Refuse a command, or say what happens because of it. Pure."""

from __future__ import annotations

from signaling import permissions
from signaling.conference import floor, recording, seats, slides
from signaling.conference.commands import (
    Actor,
    Command,
    Create,
    DeleteRecording,
    Hear,
    Join,
    Lose,
    LoseStandby,
    NoteRecording,
)
from signaling.conference.events import (
    Created,
    Ended,
    Event,
    HelpAsked,
    HelpCleared,
    Muted,
    MuteHolder,
    PreviewSet,
    RecessBegun,
    RehearsalEnded,
    RehearsalStarted,
    Reopened,
    Resumed,
    Scheduled,
    Started,
    Taken,
    Unmuted,
)
from signaling.conference.rules import (
    own_seat,
    require_not_ended,
    require_phase,
    require_scene,
    seat_of,
)
from signaling.conference.state import REOPEN_S, Conference, Seat
from signaling.wire import commands
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode


def decide(state: Conference | None, command: Command, actor: Actor, now: float) -> list[Event]:
    """The events that follow from `command` of `actor` at `now` (Unix seconds).

    An empty list means: accepted, and it is so already.

    Raises:
        WireError: ``forbidden`` (role, or another's seat), ``not_found`` (no conference yet),
            ``wrong_phase``, ``unknown_site``, ``bad_scene``, ``not_sharing``, ``seat_taken``,
            ``no_standby``, ``site_absent``, ``queue_changed``, ``nobody_speaks``, ``too_late``,
            ``recording_runs``, or ``command_conflict`` (the conference exists already).
    """
    permissions.require(actor.role, permissions.action(command))
    if isinstance(command, Create):
        return _create(state, command, actor, now)
    if state is None:
        raise WireError("not_found", "there is no such conference")
    at = max(state.at, now)
    match command:
        case Join() | Lose() | LoseStandby() | Hear() | commands.Promote() | commands.Leave():
            return _seat_changes(state, command, actor, at)
        case commands.Preview(scene=scene):
            require_not_ended(state)
            if scene is not None:
                require_scene(state, scene)
            return [] if scene == state.preview else [PreviewSet(at, actor.name, scene)]
        case commands.Take(scene=scene):
            require_phase(state, "rehearsal", "live")
            require_scene(state, scene)
            return [] if scene == state.program else [Taken(at, actor.name, scene)]
        case commands.Mute(site=site):
            seat, holder = _microphone(state, SiteCode(site), actor)
            return [] if _shut(seat, holder) else [Muted(at, actor.name, seat.site.code, holder)]
        case commands.Unmute(site=site):
            seat, holder = _microphone(state, SiteCode(site), actor)
            return [Unmuted(at, actor.name, seat.site.code, holder)] if _shut(seat, holder) else []
        case commands.Share():
            return slides.share(state, actor, at)
        case commands.Unshare():
            return slides.unshare(state, actor, at)
        case commands.AskHelp():
            seat = own_seat(state, actor)
            asked = seat.help_since is not None
            return [] if asked else [HelpAsked(at, actor.name, seat.site.code)]
        case commands.ClearHelp(site=site):
            return _clear_help(state, SiteCode(site), actor, at)
        case (
            commands.RaiseHand()
            | commands.LowerHand()
            | commands.LowerAllHands()
            | commands.OrderHands()
            | commands.MarkNext()
            | commands.GiveFloor()
            | commands.TakeBackFloor()
            | commands.EndFloor()
        ):
            return _floor_changes(state, command, actor, at)
        case (
            commands.StartRecording()
            | commands.StopRecording()
            | NoteRecording()
            | DeleteRecording()
        ):
            return recording.decided(state, command, actor, at)
        case _:
            return _phase_changes(state, command, actor, at)


PhaseCommand = (
    commands.Schedule
    | commands.Rehearse
    | commands.EndRehearsal
    | commands.Start
    | commands.Recess
    | commands.Resume
    | commands.End
    | commands.Reopen
)
SeatCommand = Join | Lose | LoseStandby | Hear | commands.Promote | commands.Leave
FloorCommand = (
    commands.RaiseHand
    | commands.LowerHand
    | commands.LowerAllHands
    | commands.OrderHands
    | commands.MarkNext
    | commands.GiveFloor
    | commands.TakeBackFloor
    | commands.EndFloor
)


def _phase_changes(
    state: Conference, command: PhaseCommand, actor: Actor, at: float
) -> list[Event]:
    """draft → scheduled ⇄ rehearsal, scheduled → live ⇄ recess, → ended (→ live, for a while)."""
    match command:
        case commands.Schedule():
            require_phase(state, "draft")
            return [Scheduled(at, actor.name)]
        case commands.Rehearse():
            require_phase(state, "scheduled")
            return [RehearsalStarted(at, actor.name)]
        case commands.EndRehearsal():
            require_phase(state, "rehearsal")
            return [*recording.ended(state, actor, at), RehearsalEnded(at, actor.name)]
        case commands.Start():
            require_phase(state, "scheduled")
            return [Started(at, actor.name)]
        case commands.Recess():
            require_phase(state, "live")
            return [RecessBegun(at, actor.name)]
        case commands.Resume():
            require_phase(state, "recess")
            return [Resumed(at, actor.name)]
        case commands.End():
            require_phase(state, "live", "recess")
            return [*recording.ended(state, actor, at), Ended(at, actor.name)]
        case commands.Reopen():
            require_phase(state, "ended")
            assert state.ended_at is not None, "an ended conference knows since when"
            if at > state.ended_at + REOPEN_S:
                raise WireError("too_late", f"it ended more than {REOPEN_S / 60:g} minutes ago")
            return [Reopened(at, actor.name)]


def _seat_changes(state: Conference, command: SeatCommand, actor: Actor, at: float) -> list[Event]:
    match command:
        case Join():
            return seats.join(state, command, actor, at)
        case Lose(site=site):
            return seats.lose(state, site, actor, at)
        case LoseStandby():
            return seats.lose_standby(state, command, actor, at)
        case Hear():
            return seats.hear(state, command, actor, at)
        case commands.Promote(site=site):
            return seats.promote(state, SiteCode(site), actor, at)
        case commands.Leave():
            return seats.leave(state, actor, at)


def _floor_changes(
    state: Conference, command: FloorCommand, actor: Actor, at: float
) -> list[Event]:
    match command:
        case commands.RaiseHand():
            return floor.raise_hand(state, actor, at)
        case commands.LowerHand(site=site):
            return floor.lower_hand(state, SiteCode(site), actor, at)
        case commands.LowerAllHands():
            return floor.lower_all(state, actor, at)
        case commands.OrderHands(sites=sites):
            return floor.order_hands(state, tuple(map(SiteCode, sites)), actor, at)
        case commands.MarkNext(site=marked):
            code = None if marked is None else SiteCode(marked)
            return floor.mark_next(state, code, actor, at)
        case commands.GiveFloor(site=site):
            return floor.give(state, SiteCode(site), actor, at)
        case commands.TakeBackFloor():
            return floor.take_back(state, actor, at)
        case commands.EndFloor():
            return floor.end(state, actor, at)


def _create(state: Conference | None, command: Create, actor: Actor, now: float) -> list[Event]:
    if state is not None:
        raise WireError("command_conflict", f"conference {command.conference} exists already")
    codes = [site.code for site in command.sites]
    if len(set(codes)) != len(codes) or command.central not in codes:
        raise WireError("bad_message", "site codes must be unique, the central one among them")
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return [Created(at=now, by=actor.name, **fields)]


def _microphone(state: Conference, site: SiteCode, actor: Actor) -> tuple[Seat, MuteHolder]:
    """The seat and whose flag `actor` moves: a site its own, everybody else the operator's."""
    require_not_ended(state)
    if actor.role != "site":
        return seat_of(state, site), "operator"
    if actor.site != site:
        raise WireError("forbidden", f"site {actor.site} cannot touch the microphone of {site}")
    return own_seat(state, actor), "site"


def _shut(seat: Seat, holder: MuteHolder) -> bool:
    return seat.muted_by_operator if holder == "operator" else seat.muted_by_site


def _clear_help(state: Conference, site: SiteCode, actor: Actor, at: float) -> list[Event]:
    if actor.role == "site" and own_seat(state, actor).site.code != site:
        raise WireError("forbidden", f"site {actor.site} cannot answer the call of {site}")
    asked = seat_of(state, site).help_since is not None
    return [HelpCleared(at, actor.name, site)] if asked else []
