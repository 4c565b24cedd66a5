"""The table of all routes: method, path, handler, and what is promised of each resource."""

from __future__ import annotations

from aiohttp import web

from signaling.api import (
    conferences,
    control,
    description,
    doors,
    health,
    links,
    pages,
    recordings,
    seats,
    sign_in,
    sockets,
    stills,
    worker,
)
from signaling.api.operation import Answer, Operation, Route
from signaling.wire import rest

_LINKS = ("not_found", "links_not_ready")
_JOIN = ("rate_limited", "link_revoked", "link_expired")
_SESSION = Operation("media", (Answer(200),), "door", errors=("not_found",))
_PATCH = Operation(
    "media",
    (Answer(200, media_type=doors.FRAGMENT, headers=("ETag",)), Answer(204, headers=("ETag",))),
    "door",
    doors.FRAGMENT,
    (
        *("not_found", "rate_limited", "fragment_malformed", "precondition_required"),
        *("precondition_failed", "no_bridge", "bridge_timeout"),
    ),
)
_OFFERED = Answer(201, media_type=doors.SDP, headers=("Location", "ETag"))
_OFFER_ERRORS = (
    *("wrong_phase", "seat_taken", "not_found", "link_revoked", "link_expired", "link_invalid"),
    *("rate_limited", "offer_malformed", "offer_without_media", "offer_too_many_sections"),
    *("offer_no_codec", "offer_other_codec", "not_acceptable", "offer_unusable", "no_bridge"),
    *("bridge_timeout", "bridge_full"),
)
_WHIP = Operation("media", (_OFFERED,), "door", doors.SDP, _OFFER_ERRORS)
_WHEP = Operation(
    "media",
    (_OFFERED,),
    "door",
    doors.SDP,
    (*_OFFER_ERRORS, "slots_invalid"),
    (("slots", "Receive sections in offer order per kind, as stage:4,floor:4."),),
)


def _get(tag: str, body: object, *errors: str) -> Operation:
    return Operation(tag, (Answer(200, body),), "sign_in", errors=errors)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/", pages.home),
    Route("GET", "/sign-in", pages.sign_in),
    Route("GET", "/join", pages.join),
    Route("GET", "/operator", pages.slash),
    Route("GET", "/operator/", pages.operator),
    Route("GET", "/technician", pages.slash),
    Route("GET", "/technician/", pages.technician),
    Route("GET", "/assets/{name}", pages.asset),
    Route("GET", "/favicon.ico", pages.root_file),
    Route("GET", "/favicon.svg", pages.root_file),
    Route("GET", "/c/{conference}/s/{code}", pages.slash),
    Route("GET", "/c/{conference}/s/{code}/", pages.site),
    Route(
        "POST",
        "/c/{conference}/s/{code}/exchange",
        seats.exchange,
        Operation(
            "sites",
            (Answer(200, rest.Seated, headers=("Set-Cookie",)),),
            "device",
            rest.LinkExchange,
            (*_JOIN, "not_found", "link_invalid", "link_foreign"),
        ),
    ),
    Route("GET", "/c/{conference}/s/{code}/socket", sockets.site_socket),
    Route(
        "POST",
        "/api/join",
        seats.join,
        Operation(
            "sites",
            (Answer(200, rest.Seated, headers=("Set-Cookie",)),),
            "device",
            rest.JoinRequest,
            (*_JOIN, "code_invalid"),
        ),
    ),
    Route(
        "POST",
        "/api/sign-in",
        sign_in.sign_in,
        Operation(
            "accounts",
            (Answer(200, rest.Me, headers=("Set-Cookie",)),),
            body=rest.SignInRequest,
            errors=("sign_in_invalid", "bad_credentials", "account_locked", "rate_limited"),
        ),
    ),
    Route(
        "POST", "/api/sign-out", sign_in.sign_out, Operation("accounts", (Answer(204),), "sign_in")
    ),
    Route("GET", "/api/me", sign_in.me, _get("accounts", rest.Me)),
    Route("GET", "/api/templates", conferences.templates, _get("conferences", list[rest.Template])),
    Route(
        "GET",
        "/api/conferences",
        conferences.conferences,
        _get("conferences", list[rest.ConferenceSummary]),
    ),
    Route(
        "POST",
        "/api/conferences",
        conferences.create,
        Operation(
            "conferences",
            (Answer(201, rest.ConferenceSummary, headers=("Location",)),),
            "sign_in",
            rest.CreateConference,
            ("unknown_template",),
        ),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}",
        conferences.conference,
        _get("conferences", rest.ConferenceSummary, "not_found"),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/links",
        links.links,
        _get("links", list[rest.SiteLink], *_LINKS),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/links.csv",
        links.table,
        Operation("links", (Answer(200, media_type="text/csv"),), "sign_in", errors=_LINKS),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/links/sheet",
        links.printable,
        Operation("links", (Answer(200, media_type="text/html"),), "sign_in", errors=_LINKS),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/links/{site}/qr.svg",
        links.qr,
        Operation(
            "links",
            (Answer(200, media_type="image/svg+xml"),),
            "sign_in",
            errors=(*_LINKS, "unknown_site", "link_revoked"),
        ),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/links/{site}/devices",
        links.devices,
        _get("links", rest.SiteDevices, *_LINKS, "unknown_site", "link_revoked"),
    ),
    Route(
        "POST",
        "/api/conferences/{conference}/links/{site}/rotate",
        links.rotate,
        _get("links", rest.SiteLink, *_LINKS, "unknown_site"),
    ),
    Route(
        "POST",
        "/api/conferences/{conference}/links/{site}/revoke",
        links.revoke,
        _get("links", rest.SiteLink, *_LINKS, "unknown_site"),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/sites/{code}/history",
        conferences.history,
        _get("sites", rest.SiteHistory, "not_found", "unknown_site"),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/sites/{code}/still.jpg",
        stills.still,
        Operation(
            "sites",
            tuple(
                Answer(status, media_type=stills.JPEG, headers=("ETag", "Age"))
                for status in (200, 304)
            ),
            "sign_in",
            errors=("not_found", "unknown_site"),
        ),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/recordings",
        recordings.recordings,
        _get("recordings", list[rest.RecordingInfo], "not_found"),
    ),
    Route(
        "GET",
        "/api/conferences/{conference}/recordings/{recording}/{file}",
        recordings.download,
        Operation(
            "recordings",
            tuple(
                Answer(status, media_type=recordings.MATROSKA, headers=("Content-Disposition",))
                for status in (200, 206)
            ),
            "sign_in",
            errors=("not_found",),
        ),
    ),
    Route(
        "DELETE",
        "/api/conferences/{conference}/recordings/{recording}",
        recordings.delete,
        Operation(
            "recordings",
            (Answer(204),),
            "sign_in",
            errors=("not_found", "recording_runs"),
        ),
    ),
    Route("GET", "/api/conferences/{conference}/socket", sockets.page_socket),
    Route(
        "GET",
        "/api/openapi.json",
        description.openapi,
        Operation("service", (Answer(200, media_type="application/json"),)),
    ),
    Route("POST", "/whip", doors.whip, _WHIP),
    Route("POST", "/whep", doors.whep, _WHEP),
    Route("OPTIONS", "/whip", doors.options),
    Route("OPTIONS", "/whep", doors.options),
    Route("DELETE", "/whip/{node}/{session}", doors.delete, _SESSION),
    Route("DELETE", "/whep/{node}/{session}", doors.delete, _SESSION),
    Route("PATCH", "/whip/{node}/{session}", doors.patch, _PATCH),
    Route("PATCH", "/whep/{node}/{session}", doors.patch, _PATCH),
    Route("OPTIONS", "/whip/{node}/{session}", doors.options),
    Route("OPTIONS", "/whep/{node}/{session}", doors.options),
    Route("GET", "/control", control.control),
    Route("GET", "/worker", worker.worker),
    Route(
        "GET",
        "/livez",
        health.livez,
        Operation("service", (Answer(200, media_type="text/plain"),)),
    ),
    Route(
        "GET",
        "/readyz",
        health.readyz,
        Operation("service", (Answer(200, dict[str, bool]), Answer(503, dict[str, bool]))),
    ),
    Route(
        "GET",
        "/healthz",
        health.healthz,
        Operation(
            "service",
            (
                Answer(200, rest.ServiceHealth, "text/plain"),
                Answer(503, rest.ServiceHealth, "text/plain"),
            ),
            query=(("verbose", "Tell of each part; without it, one word as text."),),
        ),
    ),
    Route(
        "GET",
        "/metrics",
        health.metrics,
        Operation("service", (Answer(200, media_type="text/plain"),)),
    ),
)


def add_routes(app: web.Application) -> None:
    """Put every route into `app`; what can be got can be asked for with HEAD too."""
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(route.path, route.handler)
        else:
            app.router.add_route(route.method, route.path, route.handler)
    description.describe(app, ROUTES)
