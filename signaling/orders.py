"""What a media worker should do for a conference, and what its answers mean. Pure.

A further kind of work has its order in `wire.worker`, its place in `wanted`, and its ports' routes
in `routing`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from signaling import routing
from signaling.conference.state import Conference, Recording
from signaling.wire.ids import Port, Scope, SiteCode, parse_slots, slot_name
from signaling.wire.ports import FLOOR_POSITIONS, recorder_port
from signaling.wire.recordings import RecordingId, RecordingProblem, RecordingState, recording_id
from signaling.wire.worker import Mix, Order, Record, RecordFact, Stills

PROGRAM_SLOTS = f"stage:1,floor:{FLOOR_POSITIONS},mix:1"
"""The first picture on air, the floor, each position a track of its own, and the mix, if there is
one."""
SITE_SLOTS = "stage:1,floor:1"
MIX_SLOTS = f"floor:{FLOOR_POSITIONS}"

_STOPPING: frozenset[RecordingProblem] = frozenset(
    ("no_worker", "disk_full", "write_failed", "not_received")
)


def wanted(state: Conference, mixes: Collection[Port] = ()) -> list[Order]:
    """Every order of the conference, whose tokens are still empty; `mixes` are the ports that shall
    publish one."""
    orders: list[Order] = []
    recording = state.recording
    if recording is not None and state.phase != "ended":
        orders += [_record(state, recording, site) for site in (None, *recording.sites)]
    orders += [
        Stills(
            scope=Scope(state.conference),
            port=port,
            slots=[slot_name("thumb", number) for number in range(1, len(sites) + 1)],
            sites=list(sites),
            token="",
        )
        for port, sites in routing.stills_ports(state).items()
    ]
    slots = parse_slots(MIX_SLOTS)
    return [*orders, *(Mix(Scope(state.conference), port, slots, "") for port in mixes)]


def ports(state: Conference, mixes: Collection[Port] = ()) -> frozenset[Port]:
    """The ports that a media worker has a right to."""
    return frozenset(order.port for order in wanted(state, mixes))


def judged(
    recording: Recording, facts: Mapping[RecordingId, RecordFact] | None
) -> tuple[RecordingState, RecordingProblem | None]:
    """What has become of a recording, from the worker's facts by recording; None: no worker.

    The program decides whether it records or waits; what is wrong with a site's is told too.
    """
    if facts is None:
        return "interrupted", "no_worker"
    program = facts.get(recording_id(recording.number, None))
    if program is None:
        return "starting", None
    ours = (facts.get(recording_id(recording.number, site)) for site in recording.sites)
    problems = [fact.problem for fact in (program, *ours) if fact and fact.problem]
    problem = next((one for one in problems if one in _STOPPING), None) or next(
        iter(problems), None
    )
    if problem in _STOPPING:
        return "interrupted", problem
    return ("recording" if program.flowing else "waiting"), problem


def _record(state: Conference, recording: Recording, site: SiteCode | None) -> Record:
    return Record(
        scope=Scope(state.conference),
        recording=recording_id(recording.number, site),
        port=recorder_port(site),
        slots=parse_slots(PROGRAM_SLOTS if site is None else SITE_SLOTS),
        token="",
        title=state.title,
        name="" if site is None else state.seats[site].site.name,
    )
