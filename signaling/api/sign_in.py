"""``/api/sign-in``, ``/api/sign-out``, ``/api/me``: the login of operators and technicians."""

from __future__ import annotations

from aiohttp import web

from signaling.accounts import COOKIE, SIGN_IN_LIFETIME_S
from signaling.api.services import address_of, answer, body_of, services, sign_in_of
from signaling.wire.errors import WireError
from signaling.wire.rest import Me, SignInRequest


async def sign_in(request: web.Request) -> web.Response:
    """Exchange a one-time code for the sign-in cookie."""
    context = services(request)
    now, address = context.clock.monotonic(), address_of(request)
    if context.wrong_sign_ins.empty(address, now):
        raise WireError("rate_limited", "too many wrong codes; wait a minute")
    body = await body_of(request, SignInRequest)
    try:
        cookie = await context.accounts.exchange(body.code or "", context.clock.wall())
    except WireError:
        context.wrong_sign_ins.take(address, now)
        raise
    login = await context.accounts.find(cookie, context.clock.wall())
    response = answer(Me(login.account, login.role))
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SIGN_IN_LIFETIME_S),
        path="/",
        httponly=True,
        secure=context.secure,
        samesite="Strict",
    )
    return response


async def sign_out(request: web.Request) -> web.Response:
    """End the login and every page that it opened."""
    context = services(request)
    login = await sign_in_of(request)
    await context.accounts.end(login, context.clock.wall())
    context.hub.sign_out(login.id)
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


async def me(request: web.Request) -> web.Response:
    """Who is signed in."""
    login = await sign_in_of(request)
    return answer(Me(login.account, login.role))
