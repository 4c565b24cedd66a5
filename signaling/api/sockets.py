"""The WebSockets of pages: operators and technicians by sign-in, sites by their device cookie.

A browser cannot see why an upgrade was refused. So the socket opens in any case, and is closed
with the code that says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from signaling import links
from signaling.accounts import SignIn
from signaling.api.services import Services, conference_of, services
from signaling.conference.commands import Actor
from signaling.owner import Owner
from signaling.socket import PING_S, PageSocket, SocketTimings
from signaling.wire.codec import MAX_PAGE_FRAME
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode


@dataclass(frozen=True, slots=True)
class _Admission:
    """Who comes in, to which conference, and by which sign-in or link."""

    owner: Owner
    actor: Actor
    timings: SocketTimings
    sign_in: SignIn | None = None
    jti: str | None = None


async def page_socket(request: web.Request) -> web.StreamResponse:
    """``/api/conferences/{conference}/socket``."""
    return await _run(request, _admit_sign_in)


async def site_socket(request: web.Request) -> web.StreamResponse:
    """``/c/{conference}/s/{code}/socket``."""
    return await _run(request, _admit_site)


async def _admit_sign_in(request: web.Request) -> _Admission:
    owner, login = await conference_of(request, "see_all_sites")
    actor = Actor(login.role, f"account/{login.account}")
    return _Admission(owner, actor, services(request).page_timings, login)


async def _admit_site(request: web.Request) -> _Admission:
    context = services(request)
    owner = context.conferences.get(request.match_info["conference"])
    site = SiteCode(request.match_info["code"])
    if site not in owner.current().seats:
        raise WireError("not_found", f"no site {site[:16]!r} in this conference")
    cookie = request.cookies.get(links.COOKIE)
    claims = await context.links.device(cookie, owner.current(), site, context.clock.wall())
    actor = Actor("site", f"site/{site}", site, claims.device)
    return _Admission(owner, actor, context.site_timings, jti=claims.jti)


async def _run(
    request: web.Request, admit: Callable[[web.Request], Awaitable[_Admission]]
) -> web.StreamResponse:
    context = services(request)
    # a frame beyond the hard limit is refused by the library, with the same close code
    ws = web.WebSocketResponse(
        heartbeat=PING_S, compress=False, max_msg_size=4 * MAX_PAGE_FRAME, timeout=2.0
    )
    await ws.prepare(request)
    try:
        if context.draining:
            raise WireError("shutting_down")
        admission = await admit(request)
    except WireError as error:
        await ws.close(code=error.kind.close or 1011, message=error.code.encode())
        return ws

    async def again() -> None:
        await admit(request)

    socket = PageSocket(
        *(request, ws, admission.owner, admission.actor),
        *(context.clock, admission.timings, again),
    )
    socket.jti = admission.jti
    if admission.sign_in is not None:
        socket.sign_in, socket.account = admission.sign_in.id, admission.sign_in.account
    await _tracked(context, context.hub.serve(socket))
    return ws


async def _tracked(context: Services, work: Awaitable[None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    context.sockets.add(task)
    try:
        await work
    finally:
        context.sockets.discard(task)
