"""How a device gets to its seat: a tapped link or a typed code becomes a device cookie."""

from __future__ import annotations

from aiohttp import web

from signaling import tokens, typedcode
from signaling.api.services import address_of, answer, body_of, counted, services
from signaling.conference.state import Conference
from signaling.links import COOKIE
from signaling.wire.errors import WireError
from signaling.wire.ids import DeviceId, SiteCode
from signaling.wire.rest import JoinRequest, LinkExchange, Seated

EVERYBODY = "everybody"
JOINED = "diemcau_joined"
TOO_MANY_LINKS = "too many wrong links; wait a minute"
TOO_MANY_CODES = "too many wrong codes; wait a minute"


async def exchange(request: web.Request) -> web.Response:
    """``/c/{conference}/s/{code}/exchange``, as often as needed; a device that is known already
    keeps its identity."""
    with counted(services(request).joins, "link"):
        return await _exchange(request)


async def join(request: web.Request) -> web.Response:
    """``/api/join``: the typed code of a site, of any conference whose links hold."""
    with counted(services(request).joins, "code"):
        return await _join(request)


async def _exchange(request: web.Request) -> web.Response:
    context = services(request)
    conference, code = request.match_info["conference"], SiteCode(request.match_info["code"])
    now, wall = context.clock.monotonic(), context.clock.wall()
    body = await body_of(request, LinkExchange)
    state = context.conferences.get(conference).current()
    try:
        link, expires_at = await context.links.open(body.token, state, code, wall)
    except WireError:
        # a right one is never refused: a signature is not guessed
        guesser = f"{conference}/{code}/{address_of(request)}"
        if not context.wrong_links.take(guesser, now):
            raise context.wrong_links.refusal(guesser, now, TOO_MANY_LINKS) from None
        raise
    return await _seated(request, state, link, expires_at)


async def _join(request: web.Request) -> web.Response:
    context = services(request)
    now = context.clock.monotonic()
    body = await body_of(request, JoinRequest)
    code = typedcode.read(body.code)
    states = [owner.current() for owner in reversed(context.conferences.all())]
    if code is None or not _names_a_seat(code, states):
        raise _wrong_code(request, now)
    # one site's limit is what keeps its code from being guessed; the token is taken first, so that
    # guesses made at once are counted too
    if not context.wrong_codes_of_site.take(code.site, now):
        raise context.wrong_codes_of_site.refusal(code.site, now, TOO_MANY_CODES)
    try:
        link, state, expires_at = await context.links.open_typed(code, states, context.clock.wall())
    except WireError:
        raise _wrong_code(request, now) from None
    context.wrong_codes_of_site.give_back(code.site, now)
    return await _seated(request, state, link, expires_at)


def _names_a_seat(code: typedcode.TypedCode, states: list[Conference]) -> bool:
    return any(typedcode.plain(site) == code.site for state in states for site in state.seats)


def _wrong_code(request: web.Request, now: float) -> WireError:
    context = services(request)
    # the limits over all sites refuse wrong codes alone: nobody locks out a site next door
    for limit, key in (
        (context.wrong_codes_of_address, address_of(request)),
        (context.wrong_codes, EVERYBODY),
    ):
        if not limit.take(key, now):
            return limit.refusal(key, now, TOO_MANY_CODES)
    return WireError("code_invalid", "no site of a running conference has this code")


async def _seated(
    request: web.Request, state: Conference, link: tokens.Link, expires_at: float
) -> web.Response:
    context = services(request)
    device = await _known_device(request, state, link.site)
    cookie = context.links.device_cookie(link, device, expires_at)
    site = state.seats[link.site].site
    response = answer(Seated(state.conference, state.title, link.site, site.name, site.banner))
    # by the second one, a code that is typed again finds the device that it made
    for name, path in ((COOKIE, f"/c/{state.conference}/s/{link.site}/"), (JOINED, "/api/join")):
        response.set_cookie(
            name,
            cookie,
            max_age=max(0, int(expires_at - context.clock.wall())),
            path=path,
            httponly=True,
            secure=context.secure,
            samesite="Strict",
        )
    return response


async def _known_device(request: web.Request, state: Conference, site: SiteCode) -> DeviceId | None:
    context = services(request)
    cookie = request.cookies.get(COOKIE) or request.cookies.get(JOINED)
    try:
        known = await context.links.device(cookie, state, site, context.clock.wall())
    except WireError:
        return None
    return known.device
