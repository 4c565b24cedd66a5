"""Which pages may talk to this service, and what a page of ours may load.

A state-changing request or a WebSocket that names an Origin must come from this service's own
pages; one without Origin comes from no browser, or from one that says so by Sec-Fetch-Site. WHIP
and WHEP are open to every origin, because they are authorised by a Bearer token that no browser
adds by itself.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from signaling.api.problems import Handler
from signaling.api.services import services
from signaling.wire.errors import WireError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of every answer."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_EXPOSED = "Location, ETag, Link, Allow, Accept-Post, Accept-Patch, WWW-Authenticate, Retry-After"
"""What a page of another origin may read of a door's answer."""


def is_door(request: web.Request) -> bool:
    """Whether it is WHIP or WHEP."""
    # the path of CONNECT is empty, that of ``OPTIONS *`` an asterisk
    return request.path.startswith(("/whip", "/whep"))


def require_own_origin(request: web.Request) -> None:
    """Raises WireError ``foreign_origin`` if the request comes from a page that is not ours."""
    origin = request.headers.get("Origin")
    if origin is None:
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("same-origin", "none"):
            raise WireError("foreign_origin", f"Sec-Fetch-Site is {site[:20]!r}")
        return
    ours = {request.host, urlsplit(services(request).public_url).netloc}
    try:
        theirs = urlsplit(origin)
    except ValueError:
        raise WireError("foreign_origin", f"{origin[:100]!r} is no origin") from None
    if theirs.scheme not in ("http", "https") or theirs.netloc not in ours:
        raise WireError("foreign_origin", f"{origin[:100]!r} is not this service")


@web.middleware
async def own_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse state-changing requests and WebSockets of foreign pages."""
    upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
    if (request.method not in _SAFE and not is_door(request)) or upgrades:
        require_own_origin(request)
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: security headers on every answer."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "diemcau"
    if services(request).secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if is_door(request):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
