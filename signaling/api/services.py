"""What handlers work with, and the few things that all of them do."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from signaling import permissions
from signaling.accounts import COOKIE, Accounts, SignIn
from signaling.addresses import Network, client_address
from signaling.clock import Clock
from signaling.conferences import Conferences, ConferenceTemplate, unknown
from signaling.database import Database
from signaling.hub import Hub
from signaling.limits import Buckets
from signaling.links import Links
from signaling.lockout import LockOut
from signaling.nodes import Nodes
from signaling.owner import Owner
from signaling.passwords import Passwords
from signaling.relay import Relay
from signaling.socket import SocketTimings
from signaling.tokens import KeyRing
from signaling.wire.codec import MAX_BODY, decode_body, encode_bytes
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, Port, Scope, SiteCode
from signaling.wire.rest import ServiceHealth, SiteHistory
from signaling.workers import Workers

T = TypeVar("T")

HistoryOf = Callable[[ConferenceId, SiteCode, float], SiteHistory]
"""What is known of a site up to a moment, Unix seconds."""
HealthOf = Callable[[], Awaitable[ServiceHealth]]
"""How each part of the service is."""


@dataclass(slots=True)
class Services:
    """Everything behind the routes. Built by `signaling.server` alone."""

    clock: Clock
    database: Database
    accounts: Accounts
    links: Links
    ring: KeyRing
    conferences: Conferences
    nodes: Nodes
    hub: Hub
    registry: CollectorRegistry
    templates: Mapping[str, ConferenceTemplate]
    node_tokens: tuple[str, ...]
    relay: Relay | None
    worker_tokens: tuple[str, ...]
    workers: Workers
    recordings_dir: Path
    public_url: str
    pages_dir: Path
    page_timings: SocketTimings
    site_timings: SocketTimings
    wrong_sign_ins: Buckets
    wrong_sign_in_codes: Buckets
    wrong_links: Buckets
    wrong_codes: Buckets
    wrong_codes_of_site: Buckets
    wrong_codes_of_address: Buckets
    door_requests: Buckets
    patches: Buckets
    passwords: Passwords
    lock_out: LockOut
    history: HistoryOf
    health: HealthOf
    joins: Counter
    links_problem: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    draining: bool = False
    sockets: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def secure(self) -> bool:
        """Whether people reach the service by HTTPS, so that cookies may demand it."""
        return urlsplit(self.public_url).scheme == "https"

    def end_sign_in(self, sign_in: bytes) -> None:
        """Whoever came by it is out: its pages are closed, and what they receive ends."""
        for conference, port in self.hub.sign_out(sign_in):
            self.end_sessions(conference, port, "signed_out")

    def end_sessions(self, conference: ConferenceId, port: Port, reason: str) -> None:
        """End every media session of a port."""
        for session in self.nodes.sessions(Scope(conference)):
            if session.port == port:
                self.nodes.close_later(session, reason)


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The services of the application that answers `request`."""
    return request.app[SERVICES]


async def sign_in_of(request: web.Request, action: permissions.Action | None = None) -> SignIn:
    """Who asks. Raises WireError ``unauthenticated``, or ``forbidden`` for `action`."""
    context = services(request)
    sign_in = await context.accounts.find(request.cookies.get(COOKIE), context.clock.wall())
    if action is not None:
        permissions.require(sign_in.role, action)
    return sign_in


async def conference_of(
    request: web.Request, action: permissions.Action | None = None
) -> tuple[Owner, SignIn]:
    """The conference in the request's path, and who asks for it.

    Raises WireError ``unauthenticated``, ``forbidden`` for `action`, and ``not_found``, also for a
    conference of another organizer.
    """
    sign_in = await sign_in_of(request, action)
    asked = request.match_info["conference"]
    owner = services(request).conferences.find(asked)
    if owner is None or not permissions.reaches(sign_in.organizer, owner.current().organizer):
        raise unknown(asked)
    return owner, sign_in


async def body_of(request: web.Request, kind: type[T]) -> T:
    """The request's JSON body.

    Raises WireError ``unsupported_media_type``, ``too_large``, ``bad_json``, ``bad_message``.
    """
    if request.content_type != "application/json":
        raise WireError("unsupported_media_type", "application/json is expected")
    if (request.content_length or 0) > MAX_BODY:
        raise WireError("too_large", f"at most {MAX_BODY} bytes are allowed")
    return decode_body(await request.read(), kind)


def answer(body: msgspec.Struct | list[Any], status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=encode_bytes(body), status=status, content_type="application/json", charset="utf-8"
    )


def bearer(request: web.Request) -> str:
    """The Bearer token (RFC 6750). Raises WireError ``unauthenticated``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise WireError("unauthenticated", "Authorization: Bearer is expected")
    return token.strip()


def require_token(request: web.Request, known: Sequence[str]) -> None:
    """Raises WireError ``unauthenticated`` unless the Bearer token is one of these."""
    # octets that are no UTF-8 arrive as surrogates
    token = bearer(request).encode("utf-8", "surrogateescape")
    # every token is compared, so that the time taken tells nothing
    matches = [hmac.compare_digest(token, one.encode()) for one in known]
    if not any(matches):
        raise WireError("unauthenticated", "no such token")


def address_of(request: web.Request) -> str:
    """Whom limits count for: the peer, or whom a proxy of ours has heard."""
    told = ",".join(request.headers.getall("X-Forwarded-For", []))
    return client_address(request.remote or "unknown", told, services(request).trusted_proxies)


@contextmanager
def counted(joins: Counter, stage: str) -> Iterator[None]:
    """Count a step on a device's way in: ``ok``, or the code with which it was refused."""
    try:
        yield
    except WireError as error:
        joins.labels(stage, error.code).inc()
        raise
    joins.labels(stage, "ok").inc()
