"""``/whip`` and ``/whep``: offers in, answers out (RFC 9725, draft-ietf-wish-whep).

The Bearer token names the port, so a client cannot publish for another seat. Offers are answered
by a bridge node over the control link; the session's URL names that node.
"""

from __future__ import annotations

import re

from aiohttp import web

from signaling import orders, permissions, tokens
from signaling.api.services import Services, bearer, counted, services
from signaling.conference.commands import Actor, Join
from signaling.conference.state import Conference
from signaling.limits import Buckets
from signaling.owner import Owner
from signaling.sessions import Session
from signaling.socket import PageSocket
from signaling.wire.codec import MAX_FRAGMENT, MAX_OFFER
from signaling.wire.errors import WireError
from signaling.wire.ids import (
    ConferenceId,
    Direction,
    Port,
    Scope,
    SlotName,
    parse_slots,
    slot_name,
)
from signaling.wire.pages import Doors, IceServer
from signaling.wire.ports import is_worker_port

TOKEN_LIFETIME_S = 24 * 3600.0
MAX_PLAYERS = 100
"""Plain players of one site side by side: a token that leaks must not fill a node."""
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


def make_doors(context: Services, socket: PageSocket) -> Doors:
    """The doors of a page that has been let in: sites both ways, directors to receive."""
    actor = socket.actor
    if socket.standby:
        return Doors(whip=None, whep=None, token="")
    publishes = actor.role == "site"
    receives = publishes or permissions.allowed(actor.role, "watch_pictures")
    claims = tokens.Door(
        socket.owner.conference, socket.port, publishes, actor.site, actor.device, socket.jti
    )
    expires_at = context.clock.wall() + TOKEN_LIFETIME_S
    token = tokens.issue(claims, context.ring, expires_at) if receives else ""
    return Doors(
        whip="/whip" if publishes else None,
        whep="/whep" if receives else None,
        token=token,
        ice_servers=_ice_servers(context, claims.conference, claims.port) if receives else [],
        codec=socket.owner.current().codec,
    )


async def whip(request: web.Request) -> web.Response:
    """Publish."""
    with counted(services(request).joins, "publish"):
        return await _open(request, "publish")


async def whep(request: web.Request) -> web.Response:
    """Receive; ``?slots=stage:4,floor:4`` names the receive sections in offer order per kind."""
    with counted(services(request).joins, "receive"):
        return await _open(request, "receive")


async def delete(request: web.Request) -> web.Response:
    """End a session."""
    await services(request).nodes.close_session(_session(request, _door(request)), "deleted")
    return web.Response()


async def patch(request: web.Request) -> web.Response:
    """An SDP fragment: candidates that trickle (204), or an ICE restart (200, our side of it).

    `If-Match` names the ICE generation, or ``*`` for a restart (RFC 9725 §4.3).
    """
    context = services(request)
    door = _door(request)
    session = _session(request, door)
    _require_rate(context.patches, context, door, "too many fragments of one port")
    tags = _strong_tags(request)
    fragment = await _text(request, FRAGMENT, MAX_FRAGMENT, "fragment_malformed")
    patched = await context.nodes.patch_session(session, fragment, tags)
    if patched.fragment is None:
        response = web.Response(status=204)
    else:
        response = web.Response(body=patched.fragment.encode(), content_type=FRAGMENT)
    response.headers["ETag"] = f'"{patched.etag}"'
    return response


async def options(request: web.Request) -> web.Response:
    """CORS preflight, and what may be sent (RFC 9725 §4.2)."""
    resource = "session" in request.match_info
    methods = "DELETE, PATCH, OPTIONS" if resource else "POST, OPTIONS"
    return web.Response(
        status=204,
        headers={
            "Accept-Patch" if resource else "Accept-Post": FRAGMENT if resource else SDP,
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
            "Access-Control-Max-Age": "86400",
        },
    )


def _require_rate(limit: Buckets, context: Services, door: tokens.Door, detail: str) -> None:
    """Take one of the port's. Raises WireError ``rate_limited``."""
    key, now = f"{door.conference}/{door.port}", context.clock.monotonic()
    if not limit.take(key, now):
        raise limit.refusal(key, now, detail)


async def _open(request: web.Request, direction: Direction) -> web.Response:
    context = services(request)
    door = _door(request)
    if direction == "publish" and not door.publish:
        raise WireError("forbidden", "this token may only receive")
    owner = context.conferences.get(door.conference)
    _require_rate(context.door_requests, context, door, "too many offers of one port")
    seats = door.plain and direction == "publish"
    shared = door.plain and direction == "receive"
    await _require_right(context, owner.current(), door, seated=not door.plain)
    offer = await _offer(request)
    slots = _slots(request, offer) if direction == "receive" else []
    if seats:
        await _take_seat(context, owner, door)
    if shared:
        _require_room(context, door)
    try:
        opened = await context.nodes.open_session(
            Scope(door.conference),
            door.port,
            direction,
            offer,
            slots,
            None if shared else door.device,
            owner.current().codec,
            shared=shared,
        )
    except WireError as error:
        if direction == "publish" and door.site is not None:
            context.hub.refused(owner, door.site, error)
        raise
    try:
        await _require_right(context, owner.current(), door, seated=seats or not door.plain)
    except WireError as error:
        # the right was lost while the node was answering
        context.nodes.close_later(opened.session, error.code)
        raise
    place = "whip" if direction == "publish" else "whep"
    # as bytes: given text, aiohttp adds a charset, which this type does not have (RFC 8866 §8.1)
    response = web.Response(body=opened.answer.encode(), status=201, content_type=SDP)
    response.headers["Location"] = f"/{place}/{opened.session.node}/{opened.session.session}"
    response.headers["ETag"] = f'"{opened.etag}"'
    for server in _ice_servers(context, door.conference, door.port):
        for link in _ice_links(server):
            response.headers.add("Link", link)
    return response


async def _take_seat(context: Services, owner: Owner, door: tokens.Door) -> None:
    """An encoder has no page to do it. Raises WireError ``seat_taken`` or ``wrong_phase``."""
    assert door.site is not None
    assert door.device is not None
    actor = Actor("site", f"site/{door.site}", door.site, door.device)
    await owner.submit(Join(door.site, door.device, plain=True), actor)
    # until its media is heard
    owner.presence.heard(door.site, context.clock.monotonic())


def _require_room(context: Services, door: tokens.Door) -> None:
    """For one more player. Raises WireError ``bridge_full``."""
    sessions = context.nodes.sessions(Scope(door.conference))
    if sum(one.shared and one.port == door.port for one in sessions) >= MAX_PLAYERS:
        raise WireError("bridge_full", f"{MAX_PLAYERS} players of this site receive already")


def _session(request: web.Request, door: tokens.Door) -> Session:
    """The session in the path, if it is the token's. Raises WireError ``not_found``."""
    nodes = services(request).nodes
    session = nodes.session(request.match_info["node"], request.match_info["session"])
    direction = "publish" if request.path.startswith("/whip/") else "receive"
    owned = (session.scope, session.port, session.direction)
    foreign = owned != (Scope(door.conference), door.port, direction)
    # a player's token names the port as well
    if foreign or (direction == "publish" and not door.publish):
        raise WireError("not_found", "no such session of this token")
    return session


def _door(request: web.Request) -> tokens.Door:
    context = services(request)
    return tokens.verify(bearer(request), tokens.Door, context.ring, context.clock.wall())


async def _require_right(
    context: Services, state: Conference, door: tokens.Door, *, seated: bool
) -> None:
    """A token outlives what it was given for: the seat or the page may be another's by now."""
    if state.phase == "ended":
        raise WireError("wrong_phase", "the conference has ended", phase=state.phase)
    if door.site is not None:
        seat = state.seats.get(door.site)
        if seat is None or (seated and seat.device != door.device):
            raise WireError("seat_taken", f"the seat of site {door.site} is not this device's")
    elif is_worker_port(door.port):
        if door.port not in orders.ports(state, context.workers.mixes.wanted(state)):
            raise WireError("forbidden", f"nothing is wanted of port {door.port}")
    elif not context.hub.connected(state.conference, door.port):
        raise WireError("unauthenticated", "the page of this token is not connected")
    if door.link is not None:
        await context.links.require(door.link, state, context.clock.wall())


async def _offer(request: web.Request) -> str:
    accepted = ",".join(request.headers.getall("Accept", []))
    if accepted and not any(kind in accepted for kind in (SDP, "application/*", "*/*")):
        raise WireError("not_acceptable", f"the answer is {SDP}")
    return await _text(request, SDP, MAX_OFFER, "offer_malformed")


async def _text(request: web.Request, media_type: str, limit: int, malformed: str) -> str:
    """The body, if it is of this type and size."""
    if request.content_type != media_type:
        raise WireError("unsupported_media_type", f"{media_type} is expected")
    if (request.content_length or 0) > limit:
        raise WireError("too_large", f"at most {limit} bytes are allowed")
    body = await request.read()
    if len(body) > limit:
        raise WireError("too_large", f"at most {limit} bytes are allowed")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WireError(malformed, "not UTF-8") from None


def _strong_tags(request: web.Request) -> list[str]:
    """What If-Match names, by strong comparison (RFC 9110 §13.1.1).

    WHIP demands it (RFC 9725 §4.3.1). Players in use leave it out, and WHEP is a draft: there the
    node judges by the credentials in the fragment.
    """
    told = request.headers.getall("If-Match", [])
    if not told and request.path.startswith("/whep/"):
        return []
    if not told:
        raise WireError("precondition_required")
    if [one.strip() for one in told] == ["*"]:
        return ["*"]
    tags = (tag.strip() for one in told for tag in one.split(","))
    return [tag[1:-1] for tag in tags if re.fullmatch(r'"[!#-~]{1,128}"', tag)][:16] or [""]


def _slots(request: web.Request, offer: str) -> list[SlotName]:
    """What the query names, else one picture and one sound, as far as the offer has them."""
    wanted = request.query.get("slots")
    if wanted is None:
        lines = offer.splitlines()
        plain = (("m=video", slot_name("stage", 1)), ("m=audio", slot_name("mix", 1)))
        return [slot for start, slot in plain if any(line.startswith(start) for line in lines)]
    try:
        return parse_slots(wanted)
    except ValueError as error:
        raise WireError("slots_invalid", str(error)) from None


def _ice_servers(context: Services, conference: ConferenceId, port: Port) -> list[IceServer]:
    """With credentials of their own each time."""
    if context.relay is None:
        return []
    return [context.relay.server(conference, port, context.clock.wall())]


def _ice_links(server: IceServer) -> list[str]:
    """RFC 9725 §4.6."""
    extra = ""
    if server.username is not None and server.credential is not None:
        extra = (
            f'; username="{server.username}"; credential="{server.credential}"'
            '; credential-type="password"'
        )
    return [f'<{url}>; rel="ice-server"{extra}' for url in server.urls]
