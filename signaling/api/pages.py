"""The pages: static files that the web build puts into ``signaling/pages/``."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from signaling.api.services import services
from signaling.wire.errors import WireError

NOT_BUILT = "The pages are not built yet: run `make run` (it builds them), then reload.\n"
_ASSET = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


async def home(request: web.Request) -> web.StreamResponse:
    """``/``: whoever comes by without a link is meant to sign in."""
    raise web.HTTPFound("/operator/")


async def slash(request: web.Request) -> web.StreamResponse:
    """A page's address without its last slash."""
    raise web.HTTPPermanentRedirect(f"{request.rel_url.raw_path}/")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """The sign-in page; its code is in the fragment, which no server sees."""
    return _page(request, "sign-in")


async def join(request: web.Request) -> web.StreamResponse:
    """Where a site types its code."""
    return _page(request, "join")


async def operator(request: web.Request) -> web.StreamResponse:
    """The operator console."""
    return _page(request, "operator")


async def technician(request: web.Request) -> web.StreamResponse:
    """The technician dashboard."""
    return _page(request, "technician")


async def site(request: web.Request) -> web.StreamResponse:
    """A site's page; its token is in the fragment."""
    return _page(request, "site")


async def asset(request: web.Request) -> web.StreamResponse:
    """Scripts, styles and fonts; their names carry their digest, so they may be kept for ever."""
    name = request.match_info["name"]
    path = services(request).pages_dir / "assets" / name
    if not _ASSET.fullmatch(name) or not path.is_file():
        raise WireError("not_found", "no such file")
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def root_file(request: web.Request) -> web.StreamResponse:
    """Files that browsers ask for by a fixed name."""
    path = services(request).pages_dir / Path(request.path).name
    if not path.is_file():
        raise WireError("not_found", "no such file")
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


def _page(request: web.Request, name: str) -> web.StreamResponse:
    path = services(request).pages_dir / f"{name}.html"
    if not path.is_file():
        return web.Response(text=NOT_BUILT, status=503)
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})
