"""Every line that is logged on behalf of a request names its conference and site; what strangers
send that is not HTTP leaves no line at all."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
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


def server_logger() -> logging.Logger:
    """For aiohttp's own lines: those on requests that cannot be read, which it answers with 400
    and which anybody may send by the thousand, each with a traceback, are left out."""
    logger = logging.getLogger("signaling.http")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
