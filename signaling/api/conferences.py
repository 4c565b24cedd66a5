"""``/api/templates`` and ``/api/conferences``."""

from __future__ import annotations

from aiohttp import web

from signaling.api.services import answer, body_of, services, sign_in_of
from signaling.conference.commands import Actor
from signaling.conference.rules import seat_of
from signaling.conference.state import Conference
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.rest import ConferenceSummary, CreateConference, Template


async def templates(request: web.Request) -> web.Response:
    """What a conference can be founded from."""
    await sign_in_of(request)
    known = services(request).templates.values()
    return answer([Template(one.key, one.title, one.title_en, len(one.sites)) for one in known])


async def conferences(request: web.Request) -> web.Response:
    """All conferences, newest first."""
    await sign_in_of(request)
    owners = services(request).conferences.all()
    return answer([_summary(owner.current()) for owner in reversed(owners)])


async def create(request: web.Request) -> web.Response:
    """Found a conference from a template."""
    context = services(request)
    login = await sign_in_of(request, "create")
    body = await body_of(request, CreateConference)
    template = context.templates.get(body.template)
    if template is None:
        known = ", ".join(context.templates)
        raise WireError("unknown_template", f"{body.template!r} is not one of: {known}")
    actor = Actor(login.role, f"account/{login.account}")
    conference = await context.conferences.create(template, actor, body.title)
    response = answer(_summary(context.conferences.get(conference).current()), status=201)
    response.headers["Location"] = f"/api/conferences/{conference}"
    return response


async def conference(request: web.Request) -> web.Response:
    """One conference."""
    await sign_in_of(request)
    owner = services(request).conferences.get(request.match_info["conference"])
    return answer(_summary(owner.current()))


async def history(request: web.Request) -> web.Response:
    """How one site was in the last 15 minutes."""
    context = services(request)
    await sign_in_of(request, "see_history")
    owner = context.conferences.get(request.match_info["conference"])
    site = SiteCode(request.match_info["code"])
    seat_of(owner.current(), site)
    return answer(context.history(owner.conference, site, context.clock.wall()))


def _summary(state: Conference) -> ConferenceSummary:
    return ConferenceSummary(
        state.conference,
        state.title,
        state.title_en,
        state.phase,
        state.starts_at,
        len(state.seats),
    )
