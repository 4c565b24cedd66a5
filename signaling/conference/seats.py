"""Seats: devices join, are heard, wait as standby, fall silent, leave, and take over. Pure."""

from __future__ import annotations

from signaling.conference.commands import Actor, Hear, Join, LoseStandby
from signaling.conference.events import (
    DeviceJoined,
    DeviceLeft,
    DeviceLost,
    Event,
    MicrophoneHeard,
    StandbyArmed,
    StandbyGone,
)
from signaling.conference.rules import own_seat, require_not_ended, require_phase, seat_of
from signaling.conference.state import Conference
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode


def join(state: Conference, command: Join, actor: Actor, at: float) -> list[Event]:
    """The holder returns, a free or silent seat is taken, or a further device arms itself.

    Raises:
        WireError: ``seat_taken``: another device holds the seat, or the standby place, and is
            alive; ``wrong_phase``: still a draft.
    """
    site, device = command.site, command.device
    seat = seat_of(state, site)
    if state.phase == "ended":
        return []
    require_phase(state, "scheduled", "rehearsal", "live", "recess")
    joined = DeviceJoined(at, actor.name, site, device, command.plain)
    if seat.device == device:
        return [] if seat.present else [joined]
    if seat.device is None or not seat.present:
        return [joined]
    if not command.standby:
        raise WireError("seat_taken", f"site {site}: another device is connected")
    if seat.standby not in (None, device):
        raise WireError("seat_taken", f"site {site}: its standby place is taken too")
    return [] if seat.standby == device else [StandbyArmed(at, actor.name, site, device)]


def lose(state: Conference, site: SiteCode, actor: Actor, at: float) -> list[Event]:
    """The holder is silent; a standby device that waits takes the seat at once."""
    seat = seat_of(state, site)
    if not seat.present:
        return []
    lost: list[Event] = [DeviceLost(at, actor.name, site)]
    if seat.standby is not None and state.phase != "ended":
        lost.append(DeviceJoined(at, actor.name, site, seat.standby))
    return lost


def hear(state: Conference, command: Hear, actor: Actor, at: float) -> list[Event]:
    """Voice came from a device; noted once for each that takes the seat, until the end."""
    seat = seat_of(state, command.site)
    known = seat.heard_at is not None or seat.device != command.device
    if known or state.phase == "ended":
        return []
    return [MicrophoneHeard(at, actor.name, command.site, command.device)]


def lose_standby(state: Conference, command: LoseStandby, actor: Actor, at: float) -> list[Event]:
    """The standby device is gone, if it is still that one."""
    if seat_of(state, command.site).standby != command.device:
        return []
    return [StandbyGone(at, actor.name, command.site)]


def promote(state: Conference, site: SiteCode, actor: Actor, at: float) -> list[Event]:
    """The standby device takes the seat. Raises WireError ``no_standby`` or ``wrong_phase``."""
    require_not_ended(state)
    standby = seat_of(state, site).standby
    if standby is None:
        raise WireError("no_standby", f"site {site}: no standby device is waiting", site=site)
    return [DeviceJoined(at, actor.name, site, standby)]


def leave(state: Conference, actor: Actor, at: float) -> list[Event]:
    """The holder gives up the seat; anybody else's `Leave` means nothing."""
    try:
        seat = own_seat(state, actor)
    except WireError:
        if actor.site is None:
            raise
        return []
    return [DeviceLeft(at, actor.name, seat.site.code)]
