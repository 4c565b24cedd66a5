"""``/c/{conference}/s/{code}/exchange``: a site's link, tapped, becomes a device cookie."""

from __future__ import annotations

from aiohttp import web

from signaling.api.services import address_of, answer, body_of, services
from signaling.links import COOKIE
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.rest import LinkExchange, Seated


async def exchange(request: web.Request) -> web.Response:
    """As often as needed; a device that is known already keeps its identity."""
    context = services(request)
    conference, code = request.match_info["conference"], SiteCode(request.match_info["code"])
    now, wall = context.clock.monotonic(), context.clock.wall()
    limited = f"{conference}/{code}/{address_of(request)}"
    if context.wrong_links.empty(limited, now):
        raise WireError("rate_limited", "too many wrong links; wait a minute")
    body = await body_of(request, LinkExchange)
    state = context.conferences.get(conference).current()
    try:
        link, expires_at = await context.links.open(body.token, state.conference, code, wall)
    except WireError:
        context.wrong_links.take(limited, now)
        raise
    device = None
    try:
        known = await context.links.device(
            request.cookies.get(COOKIE), state.conference, code, wall
        )
        device = known.device
    except WireError:
        device = None
    site = state.seats[code].site
    response = answer(Seated(state.conference, state.title, code, site.name, site.banner))
    response.set_cookie(
        COOKIE,
        context.links.device_cookie(link, device, expires_at),
        max_age=int(expires_at - wall),
        path=f"/c/{conference}/s/{code}/",
        httponly=True,
        secure=context.secure,
        samesite="Strict",
    )
    return response
