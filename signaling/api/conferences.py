"""``/api/templates`` and ``/api/conferences``."""

from __future__ import annotations

from aiohttp import web

from signaling import permissions
from signaling.accounts import SignIn
from signaling.api.services import (
    Services,
    answer,
    body_of,
    conference_of,
    services,
    sign_in_of,
)
from signaling.conference.commands import Actor
from signaling.conference.rules import seat_of
from signaling.conference.state import Conference
from signaling.conferences import ConferenceTemplate
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.rest import ConferenceSummary, CreateConference, Template


async def templates(request: web.Request) -> web.Response:
    """What the account can found a conference from."""
    login = await sign_in_of(request)
    known = _templates(services(request), login)
    return answer(
        [Template(one.key, one.title, one.title_en, len(one.sites), one.codec) for one in known]
    )


async def conferences(request: web.Request) -> web.Response:
    """All conferences of the account's organizer, newest first."""
    login = await sign_in_of(request)
    states = [owner.current() for owner in reversed(services(request).conferences.all())]
    return answer(
        [_summary(one) for one in states if permissions.reaches(login.organizer, one.organizer)]
    )


async def create(request: web.Request) -> web.Response:
    """Found a conference from a template of the account's organizer."""
    context = services(request)
    login = await sign_in_of(request, "create")
    body = await body_of(request, CreateConference)
    template = context.templates.get(body.template)
    if template is None:
        known = ", ".join(one.key for one in _templates(context, login))
        raise WireError("unknown_template", f"{body.template!r} is not one of: {known}")
    if not permissions.reaches(login.organizer, template.organizer):
        raise WireError("forbidden", f"template {body.template!r} is another organizer's")
    actor = Actor(login.role, f"account/{login.account}")
    conference = await context.conferences.create(template, actor, body.title, body.codec)
    response = answer(_summary(context.conferences.get(conference).current()), status=201)
    response.headers["Location"] = f"/api/conferences/{conference}"
    return response


async def conference(request: web.Request) -> web.Response:
    """One conference."""
    owner, _ = await conference_of(request)
    return answer(_summary(owner.current()))


async def history(request: web.Request) -> web.Response:
    """How one site was in the last 15 minutes."""
    context = services(request)
    owner, _ = await conference_of(request, "see_history")
    site = SiteCode(request.match_info["code"])
    seat_of(owner.current(), site)
    return answer(context.history(owner.conference, site, context.clock.wall()))


def _templates(context: Services, login: SignIn) -> list[ConferenceTemplate]:
    known = context.templates.values()
    return [one for one in known if permissions.reaches(login.organizer, one.organizer)]


def _summary(state: Conference) -> ConferenceSummary:
    return ConferenceSummary(
        state.conference,
        state.title,
        state.title_en,
        state.phase,
        state.starts_at,
        len(state.seats),
    )
