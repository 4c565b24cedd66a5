"""Apply one event to a conference. Pure, total, and never refuses: what happened has happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from signaling.conference import events, floor, recording, slides
from signaling.conference.events import Event, MuteHolder
from signaling.conference.state import Conference, Seat
from signaling.wire.commands import Scene


def evolve(state: Conference | None, event: Event) -> Conference:
    """The conference after `event`. The first event of a conference is `Created`, no other is."""
    if isinstance(event, events.Created):
        return _found(event)
    assert state is not None, "the first event founds the conference"
    return replace(_apply(state, event), at=event.at)


def fold(history: Iterable[Event]) -> Conference | None:
    """The conference after all of `history`, oldest first; None of none."""
    state: Conference | None = None
    for event in history:
        state = evolve(state, event)
    return state


def _found(event: events.Created) -> Conference:
    return Conference(
        conference=event.conference,
        title=event.title,
        title_en=event.title_en,
        organizer=event.organizer,
        starts_at=event.starts_at,
        central=event.central,
        seats={
            site.code: Seat(site, muted_by_operator=site.code != event.central)
            for site in event.sites
        },
        program=Scene("single", (event.central,)),
        at=event.at,
        phase="draft" if event.draft else "scheduled",
        codec=event.codec,
    )


def _apply(state: Conference, event: Event) -> Conference:
    match event:
        case events.PreviewSet(scene=scene):
            return replace(state, preview=scene)
        case events.Taken(scene=scene):
            remotes = [site for site in scene.seats if site != state.central]
            last = remotes[0] if remotes else state.last_remote
            return replace(state, program=scene, last_remote=last)
        case events.Muted(site=site, holder=holder):
            return floor.with_seat(state, _flagged(state.seats[site], holder, shut=True))
        case events.Unmuted(site=site, holder=holder):
            return floor.with_seat(state, _flagged(state.seats[site], holder, shut=False))
        case events.SlidesShared(site=site):
            return slides.shared(state, site)
        case events.SlidesStopped(site=site):
            return slides.stopped(state, site)
        case events.HelpAsked(site=site, at=at):
            return floor.with_seat(state, replace(state.seats[site], help_since=at))
        case events.HelpCleared(site=site):
            return floor.with_seat(state, replace(state.seats[site], help_since=None))
        case (
            events.DeviceJoined()
            | events.DeviceLost()
            | events.DeviceLeft()
            | events.StandbyArmed()
            | events.StandbyGone()
            | events.MicrophoneHeard()
        ):
            return _seated(state, event)
        case (
            events.HandRaised()
            | events.HandLowered()
            | events.HandsOrdered()
            | events.NextMarked()
            | events.FloorGiven()
            | events.FloorTakenBack()
            | events.FloorEnded()
        ):
            return _on_floor(state, event)
        case (
            events.RecordingStarted()
            | events.RecordedSitesChosen()
            | events.RecordingNoted()
            | events.RecordingStopped()
            | events.RecordingDeleted()
        ):
            return recording.evolved(state, event)
        case events.Created():  # pragma: no cover - handled by evolve
            raise AssertionError("a conference is founded once")
        case _:
            return _in_phase(state, event)


PhaseEvent = (
    events.Scheduled
    | events.RehearsalStarted
    | events.RehearsalEnded
    | events.Started
    | events.RecessBegun
    | events.Resumed
    | events.Ended
    | events.Reopened
)
SeatEvent = (
    events.DeviceJoined
    | events.DeviceLost
    | events.DeviceLeft
    | events.StandbyArmed
    | events.StandbyGone
    | events.MicrophoneHeard
)
FloorEvent = (
    events.HandRaised
    | events.HandLowered
    | events.HandsOrdered
    | events.NextMarked
    | events.FloorGiven
    | events.FloorTakenBack
    | events.FloorEnded
)


def _in_phase(state: Conference, event: PhaseEvent) -> Conference:
    match event:
        case events.Scheduled():
            return replace(state, phase="scheduled")
        case events.RehearsalStarted():
            return replace(state, phase="rehearsal")
        case events.RehearsalEnded():
            return _as_before_rehearsal(state)
        case events.Started(at=at):
            return replace(state, phase="live", started_at=at)
        case events.RecessBegun(at=at):
            return replace(floor.ended(state, at), phase="recess")
        case events.Resumed():
            return replace(state, phase="live")
        case events.Ended(at=at):
            state = slides.all_stopped(floor.ended(state, at))
            return replace(state, phase="ended", ended_at=at, preview=None)
        case events.Reopened():
            return replace(state, phase="live", ended_at=None)


def _as_before_rehearsal(state: Conference) -> Conference:
    """Devices keep their seats; hands, floor, pictures, flags and speaking times are as new."""
    seats = {
        site: replace(
            seat,
            muted_by_operator=site != state.central,
            muted_by_site=True,
            hand_since=None,
            help_since=None,
            spoken_s=0.0,
        )
        for site, seat in state.seats.items()
    }
    return replace(
        state,
        phase="scheduled",
        seats=seats,
        program=Scene("single", (state.central,)),
        preview=None,
        last_remote=None,
        floor=(),
        queue=(),
        next=None,
        speech=None,
    )


def _seated(state: Conference, event: SeatEvent) -> Conference:
    if _is_another(state, event):
        state = slides.stopped(state, event.site)
    seat = state.seats[event.site]
    match event:
        case events.DeviceJoined(device=device, plain=plain):
            if seat.device != device:
                shut = plain or seat.muted_by_operator
                seat = replace(seat, muted_by_site=not plain, muted_by_operator=shut, heard_at=None)
            standby = None if seat.standby == device else seat.standby
            seat = replace(seat, device=device, plain=plain, present=True, standby=standby)
        case events.DeviceLost():
            seat = replace(seat, present=False)
        case events.DeviceLeft():
            seat = replace(seat, device=None, present=False, muted_by_site=True, heard_at=None)
            state = floor.without_hand(state, event.site)
            seat = replace(seat, hand_since=None)
        case events.StandbyArmed(device=device):
            seat = replace(seat, standby=device)
        case events.StandbyGone():
            seat = replace(seat, standby=None)
        case events.MicrophoneHeard(at=at):
            seat = replace(seat, heard_at=at)
    return floor.with_seat(state, seat)


def _is_another(state: Conference, event: SeatEvent) -> bool:
    """The device that the seat had is not the one that it has now."""
    match event:
        case events.DeviceJoined(site=site, device=device):
            return state.seats[site].device != device
        case _:
            return isinstance(event, events.DeviceLeft)


def _on_floor(state: Conference, event: FloorEvent) -> Conference:
    match event:
        case events.HandRaised(site=site, at=at):
            return floor.with_hand(state, site, at)
        case events.HandLowered(site=site):
            return floor.without_hand(state, site)
        case events.HandsOrdered(sites=sites):
            return floor.with_queue(state, sites)
        case events.NextMarked(site=marked):
            return replace(state, next=marked)
        case events.FloorGiven(site=site, at=at):
            return floor.given(state, site, at)
        case events.FloorTakenBack():
            return floor.taken_back(state)
        case events.FloorEnded(at=at):
            return floor.ended(state, at)


def _flagged(seat: Seat, holder: MuteHolder, *, shut: bool) -> Seat:
    if holder == "operator":
        return replace(seat, muted_by_operator=shut)
    return replace(seat, muted_by_site=shut)
