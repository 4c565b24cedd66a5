"""``/api/sign-in``, ``/api/sign-out``, ``/api/me``: the login of operators and technicians."""

from __future__ import annotations

import structlog
from aiohttp import web

from signaling.accounts import COOKIE, SIGN_IN_LIFETIME_S
from signaling.api.services import Services, address_of, answer, body_of, services, sign_in_of
from signaling.lockout import LOCKED_S
from signaling.wire.errors import TooOftenError, WireError
from signaling.wire.ids import AccountName
from signaling.wire.rest import Me, SignInRequest

TOO_MANY = "too many wrong sign-ins; wait a minute"

log = structlog.get_logger("signaling.accounts")


async def sign_in(request: web.Request) -> web.Response:
    """Exchange a one-time code, or an account's name and password, for the sign-in cookie."""
    context = services(request)
    body = await body_of(request, SignInRequest)
    cookie = await _proven(context, body, address_of(request))
    login = await context.accounts.find(cookie, context.clock.wall())
    log.info("signed in", account=login.account, role=login.role)
    response = answer(Me(login.account, login.role, login.organizer))
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


async def _proven(context: Services, body: SignInRequest, address: str) -> str:
    if body.code is not None and body.account is None and body.password is None:
        return await _by_code(context, body.code, address)
    if body.code is None and body.account is not None and body.password is not None:
        return await _by_password(context, body.account.strip().lower(), body.password, address)
    raise WireError("bad_message", "either code, or account and password")


async def _by_code(context: Services, code: str, address: str) -> str:
    try:
        return await context.accounts.exchange(code, context.clock.wall())
    except WireError:
        # a right one is never refused: 192 bits are not guessed, and many sit behind one address
        limit, now = context.wrong_sign_in_codes, context.clock.monotonic()
        if not limit.take(address, now):
            raise limit.refusal(address, now, TOO_MANY) from None
        raise


async def _by_password(context: Services, name: str, password: str, address: str) -> str:
    _require_guesses(context, address)
    async with context.passwords.turn():
        _require_guesses(context, address)
        try:
            await _check(context, name, password)
        except WireError as error:
            if error.code != "rate_limited":
                context.wrong_sign_ins.take(address, context.clock.monotonic())
            raise
        return await context.accounts.open(AccountName(name), context.clock.wall())


def _require_guesses(context: Services, address: str) -> None:
    """Raises WireError ``rate_limited``: the address has used them up."""
    now = context.clock.monotonic()
    if context.wrong_sign_ins.empty(address, now):
        raise context.wrong_sign_ins.refusal(address, now, TOO_MANY)


async def _check(context: Services, name: str, password: str) -> None:
    now = context.clock.monotonic()
    locked_s = context.lock_out.locked_s(name, now)
    if locked_s:
        detail = f"five wrong passwords; wait {LOCKED_S / 60:g} minutes"
        raise TooOftenError("account_locked", detail, locked_s)
    account = await context.accounts.account(name)
    usable = None if account is None or account.disabled else account.password_hash
    if await context.passwords.check(password, usable):
        context.lock_out.succeeded(name)
        return
    if context.lock_out.failed(name, now):
        log.warning(
            "account locked",
            account=name[:32],
            for_s=LOCKED_S,
            next_step="a one-time link still works: diemcau sign-in",
        )
    raise WireError("bad_credentials")


async def sign_out(request: web.Request) -> web.Response:
    """End the login and every page that it opened."""
    context = services(request)
    login = await sign_in_of(request)
    await context.accounts.end(login, context.clock.wall())
    context.end_sign_in(login.id)
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


async def me(request: web.Request) -> web.Response:
    """Who is signed in."""
    login = await sign_in_of(request)
    return answer(Me(login.account, login.role, login.organizer))
