"""Apply one event to a conference. Pure, total, and never refuses: what happened has happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
from signaling.conference.state import Conference, Seat
from signaling.wire.ids import SiteCode
from signaling.wire.pages import Scene


def evolve(state: Conference | None, event: Event) -> Conference:
    """The conference after `event`. The first event of a conference is `Created`, no other is."""
    if isinstance(event, Created):
        return _found(event)
    assert state is not None, "the first event founds the conference"
    return replace(_apply(state, event), at=event.at)


def fold(events: Iterable[Event]) -> Conference | None:
    """The conference after all of `events`, oldest first; None of none."""
    state: Conference | None = None
    for event in events:
        state = evolve(state, event)
    return state


def _found(event: Created) -> Conference:
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
    )


def _apply(state: Conference, event: Event) -> Conference:
    match event:
        case Started():
            return replace(state, phase="live", started_at=event.at)
        case Ended():
            return replace(state, phase="ended", ended_at=event.at, preview=None)
        case DeviceJoined(site=site, device=device):
            known = state.seats[site].device == device
            shut = state.seats[site].muted_by_site or not known
            return _with_seat(state, site, device=device, present=True, muted_by_site=shut)
        case DeviceLost(site=site):
            return _with_seat(state, site, present=False)
        case DeviceLeft(site=site):
            return _with_seat(state, site, device=None, present=False, muted_by_site=True)
        case PreviewSet(scene=scene):
            return replace(state, preview=scene)
        case Taken(scene=scene):
            remotes = [site for site in scene.seats if site != state.central]
            last = remotes[0] if remotes else state.last_remote
            return replace(state, program=scene, last_remote=last)
        case Muted(site=site, holder=holder):
            return _with_flag(state, site, holder, shut=True)
        case Unmuted(site=site, holder=holder):
            return _with_flag(state, site, holder, shut=False)
        case Created():  # pragma: no cover - handled by evolve
            raise AssertionError("a conference is founded once")


def _with_flag(state: Conference, site: SiteCode, holder: MuteHolder, *, shut: bool) -> Conference:
    if holder == "operator":
        return _with_seat(state, site, muted_by_operator=shut)
    return _with_seat(state, site, muted_by_site=shut)


def _with_seat(state: Conference, site: SiteCode, **changes: object) -> Conference:
    seat = replace(state.seats[site], **changes)  # type: ignore[arg-type]
    state = replace(state, seats={**state.seats, site: seat})
    return _give_floor(state, site) if seat.microphone_open else _free_floor(state, site)


def _give_floor(state: Conference, site: SiteCode) -> Conference:
    """An opened microphone takes the first free position, or waits its turn."""
    if site in state.floor or site in state.waiting:
        return state
    if None not in state.floor:
        return replace(state, waiting=(*state.waiting, site))
    return replace(state, floor=_placed(state.floor, state.floor.index(None), site))


def _free_floor(state: Conference, site: SiteCode) -> Conference:
    """A shut microphone frees its position for the one that has waited longest."""
    if site not in state.floor:
        return replace(state, waiting=tuple(other for other in state.waiting if other != site))
    first, waiting = (state.waiting[0], state.waiting[1:]) if state.waiting else (None, ())
    position = state.floor.index(site)
    return replace(state, floor=_placed(state.floor, position, first), waiting=waiting)


def _placed(
    floor: tuple[SiteCode | None, ...], position: int, site: SiteCode | None
) -> tuple[SiteCode | None, ...]:
    return (*floor[:position], site, *floor[position + 1 :])
