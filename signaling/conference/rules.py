"""What most commands ask first: is there such a site, does the phase allow it, is it a scene."""

from __future__ import annotations

from signaling.conference.commands import Actor
from signaling.conference.state import MAX_SCENE_SEATS, Conference, Seat
from signaling.wire.commands import Scene
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.pages import Phase


def seat_of(state: Conference, site: SiteCode) -> Seat:
    """The site's seat. Raises WireError ``unknown_site``."""
    seat = state.seats.get(site)
    if seat is None:
        raise WireError("unknown_site", f"no site {site!r} in {state.conference}", site=site)
    return seat


def own_seat(state: Conference, actor: Actor) -> Seat:
    """The seat that the actor's device holds.

    Raises:
        WireError: ``forbidden``: the actor is no site, or another device holds its seat.
    """
    if actor.site is None:
        raise WireError("forbidden", "only a site's device can do that")
    seat = seat_of(state, actor.site)
    if seat.device is None or seat.device != actor.device:
        raise WireError("forbidden", f"another device holds the seat of site {actor.site}")
    return seat


def require_present(seat: Seat) -> None:
    """Raises WireError ``site_absent`` unless a device of the site is connected."""
    if not seat.present:
        code = seat.site.code
        raise WireError("site_absent", f"site {code}: no device is connected", site=code)


def require_not_ended(state: Conference) -> None:
    """Raises WireError ``wrong_phase`` after the end."""
    if state.phase == "ended":
        raise WireError("wrong_phase", "the conference has ended", phase=state.phase)


def require_phase(state: Conference, *phases: Phase) -> None:
    """Raises WireError ``wrong_phase`` outside these phases."""
    if state.phase not in phases:
        allowed = " or ".join(phases)
        detail = f"the conference is {state.phase}, it must be {allowed}"
        raise WireError("wrong_phase", detail, phase=state.phase)


def require_scene(state: Conference, scene: Scene) -> None:
    """Raises WireError ``bad_scene``, ``not_sharing``, or ``unknown_site`` for a site in it."""
    for site in scene.seats:
        seat_of(state, site)
    if scene.slides is not None and not seat_of(state, scene.slides).sharing:
        detail = f"site {scene.slides} does not share its screen"
        raise WireError("not_sharing", detail, site=scene.slides)
    count = len(scene.seats)
    room = MAX_SCENE_SEATS if scene.slides is None else MAX_SCENE_SEATS - 1
    most = 1 if scene.layout == "single" else room
    least = 1 if scene.layout == "single" else 2
    if not least <= count <= most or len(set(scene.seats)) != count:
        raise WireError(
            "bad_scene",
            f"{scene.layout} takes {least} to {most} different sites, not {list(scene.seats)}",
        )
