"""Recording: who may be recorded when, and what is known of it. Pure.

That something is to be recorded is a decision of an operator; whether it really is comes back from
the media worker as a fact. Both are in the journal.
"""

from __future__ import annotations

from dataclasses import replace

from signaling.conference import events
from signaling.conference.commands import Actor, DeleteRecording, NoteRecording
from signaling.conference.events import Event
from signaling.conference.rules import require_phase, seat_of
from signaling.conference.state import Conference, Recording
from signaling.wire.commands import StartRecording, StopRecording
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.recordings import parse_recording

RecordingCommand = StartRecording | StopRecording | NoteRecording | DeleteRecording
RecordingEvent = (
    events.RecordingStarted
    | events.RecordedSitesChosen
    | events.RecordingNoted
    | events.RecordingStopped
    | events.RecordingDeleted
)


def decided(state: Conference, command: RecordingCommand, actor: Actor, at: float) -> list[Event]:
    """What follows from the command.

    Raises:
        WireError: ``wrong_phase``, ``unknown_site``, ``not_found`` (no such recording),
            ``recording_runs`` (it cannot be deleted yet).
    """
    match command:
        case StartRecording(sites=sites):
            return _start(state, tuple(dict.fromkeys(map(SiteCode, sites))), actor, at)
        case StopRecording():
            return ended(state, actor, at)
        case NoteRecording(number=number, state=found, problem=problem):
            held = state.recording
            if held is None or held.number != number:
                return []
            known = (held.state, held.problem) == (found, problem)
            return [] if known else [events.RecordingNoted(at, actor.name, found, problem)]
        case DeleteRecording(recording=recording):
            parsed = parse_recording(recording)
            if parsed is None or parsed[0] > state.recordings:
                raise WireError("not_found", f"there is no recording {recording[:40]!r}")
            if state.recording is not None and state.recording.number == parsed[0]:
                raise WireError("recording_runs", f"recording {recording} is still running")
            return [events.RecordingDeleted(at, actor.name, recording)]


def ended(state: Conference, actor: Actor, at: float) -> list[Event]:
    """Nothing is recorded from now on; empty if nothing was."""
    return [] if state.recording is None else [events.RecordingStopped(at, actor.name)]


def evolved(state: Conference, event: RecordingEvent) -> Conference:
    """The conference after it."""
    held = state.recording
    match event:
        case events.RecordingStarted(at=at, number=number, sites=sites):
            return replace(state, recording=Recording(number, at, sites), recordings=number)
        case events.RecordingStopped():
            return replace(state, recording=None)
        case events.RecordedSitesChosen(sites=sites) if held is not None:
            return replace(state, recording=replace(held, sites=sites))
        case events.RecordingNoted(state=found, problem=problem) if held is not None:
            return replace(state, recording=replace(held, state=found, problem=problem))
        case _:
            return state


def _start(state: Conference, sites: tuple[SiteCode, ...], actor: Actor, at: float) -> list[Event]:
    require_phase(state, "scheduled", "rehearsal", "live", "recess")
    for site in sites:
        seat_of(state, site)
    held = state.recording
    if held is None:
        return [events.RecordingStarted(at, actor.name, state.recordings + 1, sites)]
    return [] if held.sites == sites else [events.RecordedSitesChosen(at, actor.name, sites)]
