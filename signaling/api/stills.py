"""``/api/conferences/{conference}/sites/{code}/still.jpg``: what a site's camera shows."""

from __future__ import annotations

from aiohttp import web

from signaling.api.services import conference_of, services
from signaling.conference.rules import seat_of
from signaling.wire.errors import WireError
from signaling.wire.ids import SiteCode

JPEG = "image/jpeg"


async def still(request: web.Request) -> web.Response:
    """The newest picture, a few seconds old (``Age``); 304 if the asker has it (RFC 9110 §13.1.2).

    Raises WireError ``not_found`` when there is none that is fresh.
    """
    context = services(request)
    owner, _ = await conference_of(request, "see_stills")
    site = SiteCode(request.match_info["code"])
    seat_of(owner.current(), site)
    now = context.clock.monotonic()
    kept = context.workers.stills.get(now, owner.current(), site)
    if kept is None:
        raise WireError("not_found", f"there is no fresh still of {site}")
    age = max(0, round(now - kept.taken_at))
    headers = {"ETag": f'"{kept.etag}"', "Age": str(age), "Cache-Control": "private, no-cache"}
    asked = request.if_none_match or ()
    if any(tag.value in (kept.etag, "*") for tag in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=kept.jpeg, content_type=JPEG, headers=headers)
