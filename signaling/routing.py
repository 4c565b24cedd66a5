"""The whole conference as one routing matrix: who receives what, as a pure function of the state.

A mute is the absence among the speakers, so no client can get round it. Routes name seats, so a
returning device or a restarted node finds them waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from signaling import permissions
from signaling.conference.state import Conference
from signaling.wire.commands import Scene
from signaling.wire.ids import Port, Role, SiteCode, SlotKind, SlotName, Track, slot_name
from signaling.wire.ports import (
    FLOOR_POSITIONS,
    MIX_TRACK,
    floor_port,
    is_mix,
    mix_port,
    recorder_port,
    site_port,
    stills_port,
)
from signaling.wire.recordings import PROGRAM

Crosspoint = tuple[Port, SlotName]
Source = tuple[Port, Track]


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiving port: whose it is, the slots its session declared, the sites it watches, and
    the one whose microphone a director cues. `mixes` are the ports that publish one now, without
    those in which its own voice still sounds."""

    port: Port
    role: Role
    site: SiteCode | None
    slots: frozenset[SlotName]
    watch: tuple[SiteCode, ...] = ()
    cue: SiteCode | None = None
    mixes: frozenset[Port] = frozenset()


STILLS_PER_PORT = 64
"""Sites of which one port of a media worker receives the pictures."""


def stills_ports(state: Conference) -> dict[Port, tuple[SiteCode, ...]]:
    """Where a media worker receives the sites' pictures, slot by slot; none unless they may be
    seen at all."""
    if not state.carries_media:
        return {}
    sites = tuple(state.seats)
    return {
        stills_port(1 + begin // STILLS_PER_PORT): sites[begin : begin + STILLS_PER_PORT]
        for begin in range(0, len(sites), STILLS_PER_PORT)
    }


def routes(state: Conference, receivers: Iterable[Receiver]) -> dict[Crosspoint, Source]:
    """Every crosspoint that is on: (port, slot) → (port, track).

    Directors receive at all times, everybody else only while the conference is live or rehearsed;
    nobody receives after its end.
    """
    return {
        (receiver.port, slot): source
        for receiver in receivers
        for slot, source in _wanted(state, receiver)
        if slot in receiver.slots
    }


def stage(state: Conference, site: SiteCode | None) -> tuple[SiteCode, ...]:
    """The sites that `site` sees as the program, picture 1 first; None asks for a director's.

    A remote site on air sees the centre in its own place, and the centre sees the remote site that
    was last on air; nobody sees itself.
    """
    if site is None:
        return state.program.seats
    other = state.last_remote if site == state.central else state.central
    seen = (other if seat == site else seat for seat in state.program.seats)
    return tuple(dict.fromkeys(seat for seat in seen if seat is not None and seat != site))


def speakers(state: Conference) -> tuple[Port, ...]:
    """The open microphones by time of opening; the bridge carries the loudest of them in the
    positions of the floor, to everybody who has a route from there."""
    return () if state.phase == "ended" else tuple(map(site_port, state.floor))


def slides(state: Conference, site: SiteCode | None) -> SiteCode | None:
    """Whose slides `site` sees in the program, large; None if there are none, or they are its own.

    None for `site` asks for a director's.
    """
    shown = slides_of(state, state.program)
    return None if shown == site else shown


def slides_of(state: Conference, scene: Scene) -> SiteCode | None:
    """Whose slides a scene shows at the moment: none while their device is silent."""
    if scene.slides is None:
        return None
    seat = state.seats[scene.slides]
    return scene.slides if seat.sharing and seat.present else None


def _wanted(state: Conference, receiver: Receiver) -> Iterator[tuple[SlotName, Source]]:
    if receiver.role == "system":
        yield from _recorded(state, receiver.port)
        yield from _pictures("thumb", stills_ports(state).get(receiver.port, ()))
        if is_mix(receiver.port) and state.carries_media:
            yield from _sounds()
        return
    directs = permissions.allowed(receiver.role, "watch_pictures")
    if state.phase == "ended" or not (directs or state.carries_media):
        return
    site = None if directs else receiver.site
    yield from _pictures("stage", stage(state, site), slides(state, site))
    yield from _pictures("thumb", (site for site in receiver.watch if site in state.seats))
    if directs and state.preview is not None:
        yield from _pictures("preview", state.preview.seats, slides_of(state, state.preview))
    if directs and receiver.cue is not None and receiver.cue in state.seats:
        yield slot_name("cue", 1), (site_port(receiver.cue), "mic")
    yield slot_name("mix", 1), _mix(state, receiver)
    yield from _sounds()


def _sounds() -> Iterator[tuple[SlotName, Source]]:
    for position in range(1, FLOOR_POSITIONS + 1):
        yield slot_name("floor", position), (floor_port(position), "mic")


def _mix(state: Conference, receiver: Receiver) -> Source:
    """The whole floor in one stream, which is all that a plain player takes; without a mixer, or
    rather than hear itself, it gets the floor's first position."""
    wanted = [mix_port(PROGRAM)] if receiver.site not in state.floor else []
    if receiver.site is not None:
        wanted.insert(0, mix_port(receiver.site))
    found = next((port for port in wanted if port in receiver.mixes), floor_port(1))
    return found, MIX_TRACK


def _recorded(state: Conference, port: Port) -> Iterator[tuple[SlotName, Source]]:
    """What a recorder taps: the program and its floor, or one site while its microphone is open.

    So a muted room is in no recording, nor what it shows while it is muted; nor anything while the
    sites receive nothing.
    """
    recording = state.recording
    if recording is None or not state.carries_media:
        return
    if port == recorder_port(None):
        yield from _pictures("stage", stage(state, None), slides(state, None))
        yield from _sounds()
        yield slot_name("mix", 1), (mix_port(PROGRAM), MIX_TRACK)
        return
    for site in recording.sites:
        if port == recorder_port(site) and state.seats[site].microphone_open:
            yield slot_name("stage", 1), (site_port(site), "camera")
            yield slot_name("floor", 1), (site_port(site), "mic")


def _pictures(
    kind: SlotKind, sites: Iterable[SiteCode], slides: SiteCode | None = None
) -> Iterator[tuple[SlotName, Source]]:
    sources: list[Source] = [] if slides is None else [(site_port(slides), "slides")]
    sources += [(site_port(site), "camera") for site in sites]
    for index, source in enumerate(sources, start=1):
        yield slot_name(kind, index), source
