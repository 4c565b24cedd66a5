"""Refuse a command, or say what happens because of it. Pure."""

from __future__ import annotations

from signaling import permissions
from signaling.conference.commands import Actor, Command, Create, Join, Lose
from signaling.conference.events import (
    Created,
    DeviceJoined,
    DeviceLeft,
    DeviceLost,
    Ended,
    Event,
    Muted,
    MuteHolder,
    PreviewSet,
    Started,
    Taken,
    Unmuted,
)
from signaling.conference.state import MAX_SCENE_SEATS, Conference, Seat
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.pages import End, Leave, Mute, Phase, Preview, Scene, Start, Take, Unmute


def decide(state: Conference | None, command: Command, actor: Actor, now: float) -> list[Event]:
    """The events that follow from `command` of `actor` at `now` (Unix seconds).

    An empty list means: accepted, and it is so already.

    Raises:
        WireError: ``forbidden`` (role, or another's seat), ``not_found`` (no conference yet),
            ``wrong_phase``, ``unknown_site``, ``bad_scene``, ``seat_taken``, ``command_conflict``
            (it exists already).
    """
    permissions.require(actor.role, permissions.action(command))
    if isinstance(command, Create):
        return _create(state, command, actor, now)
    if state is None:
        raise WireError("not_found", "there is no such conference")
    at = max(state.at, now)
    match command:
        case Join():
            return _join(state, command, actor, at)
        case Lose(site=site):
            return [DeviceLost(at, actor.name, site)] if _seat(state, site).present else []
        case Leave():
            return _leave(state, actor, at)
        case Start():
            _require_phase(state, "draft", "scheduled")
            return [Started(at, actor.name)]
        case End():
            _require_phase(state, "live")
            return [Ended(at, actor.name)]
        case Preview(scene=scene):
            _require_open(state)
            if scene is not None:
                _require_scene(state, scene)
            return [] if scene == state.preview else [PreviewSet(at, actor.name, scene)]
        case Take(scene=scene):
            _require_phase(state, "live")
            _require_scene(state, scene)
            return [] if scene == state.program else [Taken(at, actor.name, scene)]
        case Mute(site=site):
            _require_open(state)
            seat, holder = _microphone(state, SiteCode(site), actor)
            return [] if _shut(seat, holder) else [Muted(at, actor.name, seat.site.code, holder)]
        case Unmute(site=site):
            _require_open(state)
            seat, holder = _microphone(state, SiteCode(site), actor)
            return [Unmuted(at, actor.name, seat.site.code, holder)] if _shut(seat, holder) else []


def _create(state: Conference | None, command: Create, actor: Actor, now: float) -> list[Event]:
    if state is not None:
        raise WireError("command_conflict", f"conference {command.conference} exists already")
    codes = [site.code for site in command.sites]
    if len(set(codes)) != len(codes) or command.central not in codes:
        raise WireError("bad_message", "site codes must be unique, the central one among them")
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return [Created(at=now, by=actor.name, **fields)]


def _join(state: Conference, command: Join, actor: Actor, at: float) -> list[Event]:
    seat = _seat(state, command.site)
    if state.phase == "ended":
        return []
    if seat.device == command.device:
        return [] if seat.present else [DeviceJoined(at, actor.name, command.site, command.device)]
    if seat.device is not None and seat.present:
        raise WireError("seat_taken", f"site {command.site}: another device is connected")
    return [DeviceJoined(at, actor.name, command.site, command.device)]


def _leave(state: Conference, actor: Actor, at: float) -> list[Event]:
    if actor.site is None:
        raise WireError("forbidden", "only a site's device can leave its seat")
    seat = _seat(state, actor.site)
    if seat.device is None or seat.device != actor.device:
        return []
    return [DeviceLeft(at, actor.name, actor.site)]


def _microphone(state: Conference, site: SiteCode, actor: Actor) -> tuple[Seat, MuteHolder]:
    """The seat and whose flag `actor` moves: a site its own, everybody else the operator's."""
    if actor.role != "site":
        return _seat(state, site), "operator"
    if actor.site != site:
        raise WireError("forbidden", f"site {actor.site} cannot touch the microphone of {site}")
    seat = _seat(state, site)
    if seat.device != actor.device:
        raise WireError("forbidden", f"another device holds the seat of site {site}")
    return seat, "site"


def _shut(seat: Seat, holder: MuteHolder) -> bool:
    return seat.muted_by_operator if holder == "operator" else seat.muted_by_site


def _seat(state: Conference, site: SiteCode) -> Seat:
    seat = state.seats.get(site)
    if seat is None:
        raise WireError("unknown_site", f"no site {site!r} in {state.conference}", site=site)
    return seat


def _require_open(state: Conference) -> None:
    if state.phase == "ended":
        raise WireError("wrong_phase", "the conference has ended", phase=state.phase)


def _require_phase(state: Conference, *phases: Phase) -> None:
    if state.phase not in phases:
        allowed = " or ".join(phases)
        detail = f"the conference is {state.phase}, it must be {allowed}"
        raise WireError("wrong_phase", detail, phase=state.phase)


def _require_scene(state: Conference, scene: Scene) -> None:
    for site in scene.seats:
        _seat(state, site)
    count = len(scene.seats)
    most = 1 if scene.layout == "single" else MAX_SCENE_SEATS
    least = 1 if scene.layout == "single" else 2
    if not least <= count <= most or len(set(scene.seats)) != count:
        raise WireError(
            "bad_scene",
            f"{scene.layout} takes {least} to {most} different sites, not {list(scene.seats)}",
        )
