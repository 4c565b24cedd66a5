"""``/api/conferences/{conference}/links``: what sites are sent, as rows, table, sheet and QR code.

Looking at a link uses nothing up. Rotating or revoking one ends what was opened with it.
"""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from signaling import permissions, sheet
from signaling.accounts import SignIn
from signaling.api.security import POLICY
from signaling.api.services import answer, conference_of, services
from signaling.owner import Owner
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode
from signaling.wire.ports import site_port
from signaling.wire.rest import SiteLink

log = structlog.get_logger("signaling.links")


async def links(request: web.Request) -> web.Response:
    """Every site's personal link; for operators only."""
    return answer(list((await _all_of(request))[1]))


async def rotate(request: web.Request) -> web.Response:
    """A new link for one site; its old one, and every device that came by it, is out."""
    return await _change(request, renew=True)


async def revoke(request: web.Request) -> web.Response:
    """No link for one site; every device that came by the old one is out."""
    return await _change(request, renew=False)


async def table(request: web.Request) -> web.Response:
    """All links for a spreadsheet."""
    owner, shown = await _all_of(request)
    name = f"diemcau-{owner.conference}.csv"
    return web.Response(
        text=sheet.as_csv(shown),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def printable(request: web.Request) -> web.Response:
    """All links to print, each with its QR code."""
    owner, shown = await _all_of(request)
    join_url = f"{services(request).public_url}/join"
    policy = POLICY.replace("style-src 'self'", f"style-src {sheet.style_source()}")
    # drawing 64 codes takes seconds
    page = await asyncio.to_thread(sheet.as_html, owner.current().title, shown, join_url)
    return web.Response(
        text=page,
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Security-Policy": policy},
    )


async def qr(request: web.Request) -> web.Response:
    """One link as a QR code."""
    context = services(request)
    owner, _ = await _permitted(request, "see_links")
    link = await context.links.one(
        owner.current(), request.match_info["site"], context.clock.wall()
    )
    if link.revoked:
        raise WireError("link_revoked", f"site {link.site} has no link; rotate it", site=link.site)
    picture = await asyncio.to_thread(sheet.as_qr_file, link.url)
    return web.Response(body=picture, content_type="image/svg+xml")


async def devices(request: web.Request) -> web.Response:
    """What a site's encoder and players need, which have no browser."""
    context = services(request)
    owner, login = await _permitted(request, "see_devices")
    site = request.match_info["site"]
    told = await context.links.devices(owner.current(), site, context.clock.wall())
    log.info("device links shown", conference=owner.conference, site=told.site, by=login.account)
    return answer(told)


async def _all_of(request: web.Request) -> tuple[Owner, list[SiteLink]]:
    context = services(request)
    owner, _ = await _permitted(request, "see_links")
    return owner, await context.links.of(owner.current(), context.clock.wall())


async def _change(request: web.Request, *, renew: bool) -> web.Response:
    context = services(request)
    owner, login = await _permitted(request, "change_links")
    site, now = SiteCode(request.match_info["site"]), context.clock.wall()
    change = context.links.rotate if renew else context.links.revoke
    link = await change(owner.current(), site, now)
    await context.hub.withdraw(owner, site)
    context.end_sessions(owner.conference, site_port(site), "link_revoked")
    log.info(
        "link rotated" if renew else "link revoked",
        conference=owner.conference,
        site=site,
        by=login.account,
        next_step="its devices are out; send the new link" if renew else "its devices are out",
    )
    return answer(link)


async def _permitted(request: web.Request, action: permissions.Action) -> tuple[Owner, SignIn]:
    context = services(request)
    owner, login = await conference_of(request, action)
    if context.links_problem is not None:
        raise WireError("links_not_ready", context.links_problem)
    return owner, login
