"""The table of all routes: method, path, handler."""

from __future__ import annotations

from aiohttp import web

from signaling.api import conferences, control, doors, health, links, pages, seats, sign_in, sockets
from signaling.api.problems import Handler

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", pages.home),
    ("GET", "/sign-in", pages.sign_in),
    ("GET", "/join", pages.join),
    ("POST", "/api/join", seats.join),
    ("GET", "/operator", pages.slash),
    ("GET", "/operator/", pages.operator),
    ("GET", "/technician", pages.slash),
    ("GET", "/technician/", pages.technician),
    ("GET", "/assets/{name}", pages.asset),
    ("GET", "/favicon.ico", pages.root_file),
    ("GET", "/favicon.svg", pages.root_file),
    ("GET", "/c/{conference}/s/{code}", pages.slash),
    ("GET", "/c/{conference}/s/{code}/", pages.site),
    ("POST", "/c/{conference}/s/{code}/exchange", seats.exchange),
    ("GET", "/c/{conference}/s/{code}/socket", sockets.site_socket),
    ("POST", "/api/sign-in", sign_in.sign_in),
    ("POST", "/api/sign-out", sign_in.sign_out),
    ("GET", "/api/me", sign_in.me),
    ("GET", "/api/templates", conferences.templates),
    ("GET", "/api/conferences", conferences.conferences),
    ("POST", "/api/conferences", conferences.create),
    ("GET", "/api/conferences/{conference}", conferences.conference),
    ("GET", "/api/conferences/{conference}/links", links.links),
    ("GET", "/api/conferences/{conference}/links.csv", links.table),
    ("GET", "/api/conferences/{conference}/links/sheet", links.printable),
    ("GET", "/api/conferences/{conference}/links/{site}/qr.svg", links.qr),
    ("POST", "/api/conferences/{conference}/links/{site}/rotate", links.rotate),
    ("POST", "/api/conferences/{conference}/links/{site}/revoke", links.revoke),
    ("GET", "/api/conferences/{conference}/sites/{code}/history", conferences.history),
    ("GET", "/api/conferences/{conference}/socket", sockets.page_socket),
    ("POST", "/whip", doors.whip),
    ("POST", "/whep", doors.whep),
    ("OPTIONS", "/whip", doors.options),
    ("OPTIONS", "/whep", doors.options),
    ("DELETE", "/whip/{node}/{session}", doors.delete),
    ("DELETE", "/whep/{node}/{session}", doors.delete),
    ("PATCH", "/whip/{node}/{session}", doors.not_supported),
    ("PATCH", "/whep/{node}/{session}", doors.not_supported),
    ("OPTIONS", "/whip/{node}/{session}", doors.options),
    ("OPTIONS", "/whep/{node}/{session}", doors.options),
    ("GET", "/control", control.control),
    ("GET", "/livez", health.livez),
    ("GET", "/readyz", health.readyz),
    ("GET", "/healthz", health.healthz),
    ("GET", "/metrics", health.metrics),
)


def add_routes(app: web.Application) -> None:
    """Put every route into `app`; what can be got can be asked for with HEAD too."""
    for method, path, handler in ROUTES:
        if method == "GET":
            app.router.add_get(path, handler)
        else:
            app.router.add_route(method, path, handler)
