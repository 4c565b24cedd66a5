"""Slides: a site offers a screen or window as its second picture; an operator puts it on air. Pure.

What a scene shows is an operator's word, so slides that end leave every scene: what the same site
shares next may be something else. While their device is only silent, they stay in the scene and
come back with it (`routing.slides_of`).
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from signaling.conference.commands import Actor
from signaling.conference.events import Event, SlidesShared, SlidesStopped
from signaling.conference.rules import own_seat, require_not_ended
from signaling.conference.state import Conference, Speech
from signaling.wire.commands import Scene
from signaling.wire.ids import SiteCode


def share(state: Conference, actor: Actor, at: float) -> list[Event]:
    """The actor's own site sends slides now. Raises WireError ``forbidden``, ``wrong_phase``."""
    seat = own_seat(state, actor)
    require_not_ended(state)
    return [] if seat.sharing else [SlidesShared(at, actor.name, seat.site.code)]


def unshare(state: Conference, actor: Actor, at: float) -> list[Event]:
    """It sends them no longer. Raises WireError ``forbidden``, ``wrong_phase``."""
    seat = own_seat(state, actor)
    require_not_ended(state)
    return [SlidesStopped(at, actor.name, seat.site.code)] if seat.sharing else []


def shared(state: Conference, site: SiteCode) -> Conference:
    """The site's slides may be taken from now on."""
    return _with_sharing(state, site, sharing=True)


def stopped(state: Conference, site: SiteCode) -> Conference:
    """They are in no picture any more, nor in one that undoing would bring back."""
    if not state.seats[site].sharing:
        return state
    state = _with_sharing(state, site, sharing=False)
    return replace(
        state,
        program=_without(state.program, site),
        preview=None if state.preview is None else _without(state.preview, site),
        speech=None if state.speech is None else _forgotten(state.speech, site),
    )


def all_stopped(state: Conference) -> Conference:
    """No site shares any more."""
    for site in state.seats:
        state = stopped(state, site)
    return state


def kept(program: Scene, speaker: SiteCode, central: SiteCode) -> SiteCode | None:
    """Whose slides stay when `speaker` is given the floor: its own, or the hall's, which all are
    talking about. Another site's leave with that site."""
    return program.slides if program.slides in (speaker, central) else None


def _with_sharing(state: Conference, site: SiteCode, *, sharing: bool) -> Conference:
    seat = replace(state.seats[site], sharing=sharing)
    return replace(state, seats={**state.seats, site: seat})


def _without(scene: Scene, site: SiteCode) -> Scene:
    return msgspec.structs.replace(scene, slides=None) if scene.slides == site else scene


def _forgotten(speech: Speech, site: SiteCode) -> Speech:
    earlier = speech.speech_before
    return replace(
        speech,
        program_before=_without(speech.program_before, site),
        speech_before=None if earlier is None else _forgotten(earlier, site),
    )
