"""Every line that is logged on behalf of a request names its conference and site."""

from __future__ import annotations

from aiohttp import web
from structlog.contextvars import bound_contextvars

from signaling.api.problems import Handler

LONGEST = 40
"""Characters of a name that are logged; it comes from whoever asks."""


@web.middleware
async def names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bind what the path names. A page's socket is one long request, so it is covered too."""
    path = request.match_info
    told = {"conference": path.get("conference"), "site": path.get("code") or path.get("site")}
    bound = {name: value[:LONGEST] for name, value in told.items() if value is not None}
    with bound_contextvars(**bound):
        return await handler(request)
