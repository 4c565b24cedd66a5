"""``/whip`` and ``/whep``: offers in, answers out (RFC 9725, draft-ietf-wish-whep).

The Bearer token names the port, so a client cannot publish for another seat. Offers are answered
by a bridge node over the control link; the session's URL names that node.
"""

from __future__ import annotations

from aiohttp import web

from signaling import orders, permissions, tokens
from signaling.api.services import Services, bearer, counted, services
from signaling.conference.state import Conference
from signaling.sessions import Session
from signaling.socket import PageSocket
from signaling.wire.codec import MAX_OFFER
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

TOKEN_LIFETIME_S = 24 * 3600.0
SDP = "application/sdp"


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
    context = services(request)
    door = _door(request)
    session = context.nodes.session(request.match_info["node"], request.match_info["session"])
    direction = "publish" if request.path.startswith("/whip/") else "receive"
    owned = (session.scope, session.port, session.direction)
    if owned != (Scope(door.conference), door.port, direction):
        raise WireError("not_found", "no such session of this token")
    await context.nodes.close_session(session, "deleted")
    return web.Response()


async def not_supported(request: web.Request) -> web.Response:
    """PATCH: neither trickle nor restart is offered, so RFC 9725 §4.3 wants 405."""
    raise web.HTTPMethodNotAllowed(request.method, ["DELETE", "OPTIONS"])


async def options(request: web.Request) -> web.Response:
    """CORS preflight, and what may be posted (RFC 9725 §4.2)."""
    methods = "DELETE, OPTIONS" if "session" in request.match_info else "POST, OPTIONS"
    return web.Response(
        status=204,
        headers={
            "Accept-Post": SDP,
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
            "Access-Control-Max-Age": "86400",
        },
    )


async def _open(request: web.Request, direction: Direction) -> web.Response:
    context = services(request)
    door = _door(request)
    if direction == "publish" and not door.publish:
        raise WireError("forbidden", "this token may only receive")
    state = context.conferences.get(door.conference).current()
    await _require_right(context, state, door)
    if not context.door_requests.take(f"{door.conference}/{door.port}", context.clock.monotonic()):
        raise WireError("rate_limited", "too many offers of one port")
    offer = await _offer(request)
    slots = _slots(request, offer) if direction == "receive" else []
    session, sdp = await context.nodes.open_session(
        Scope(door.conference), door.port, direction, offer, slots, door.device, state.codec
    )
    try:
        await _require_right(context, context.conferences.get(door.conference).current(), door)
    except WireError as error:
        # the right was lost while the node was answering
        context.nodes.close_later(session, error.code)
        raise
    place = "whip" if direction == "publish" else "whep"
    response = web.Response(text=sdp, status=201, content_type=SDP)
    response.headers["Location"] = f"/{place}/{session.node}/{session.session}"
    response.headers["ETag"] = _etag(session)
    for server in _ice_servers(context, door.conference, door.port):
        for link in _ice_links(server):
            response.headers.add("Link", link)
    return response


def _door(request: web.Request) -> tokens.Door:
    context = services(request)
    return tokens.verify(bearer(request), tokens.Door, context.ring, context.clock.wall())


async def _require_right(context: Services, state: Conference, door: tokens.Door) -> None:
    """A token outlives what it was given for: the seat or the page may be another's by now."""
    if state.phase == "ended":
        raise WireError("wrong_phase", "the conference has ended", phase=state.phase)
    if door.site is not None:
        seat = state.seats.get(door.site)
        if seat is None or seat.device != door.device:
            raise WireError("seat_taken", f"the seat of site {door.site} is not this device's")
    elif orders.is_worker_port(door.port):
        if door.port not in orders.ports(state):
            raise WireError("forbidden", f"nothing is wanted of port {door.port}")
    elif not context.hub.connected(state.conference, door.port):
        raise WireError("unauthenticated", "the page of this token is not connected")
    if door.link is not None:
        await context.links.require(door.link, state, context.clock.wall())


async def _offer(request: web.Request) -> str:
    if request.content_type != SDP:
        raise WireError("unsupported_media_type", f"{SDP} is expected")
    if (request.content_length or 0) > MAX_OFFER:
        raise WireError("too_large", f"at most {MAX_OFFER} bytes are allowed")
    body = await request.read()
    if len(body) > MAX_OFFER:
        raise WireError("too_large", f"at most {MAX_OFFER} bytes are allowed")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WireError("offer_malformed", "not UTF-8") from None


def _slots(request: web.Request, offer: str) -> list[SlotName]:
    """What the query names, else one picture and one sound, as far as the offer has them."""
    wanted = request.query.get("slots")
    if wanted is None:
        lines = offer.splitlines()
        plain = (("m=video", slot_name("stage", 1)), ("m=audio", slot_name("floor", 1)))
        return [slot for start, slot in plain if any(line.startswith(start) for line in lines)]
    try:
        return parse_slots(wanted)
    except ValueError as error:
        raise WireError("slots_invalid", str(error)) from None


def _etag(session: Session) -> str:
    return f'"{session.session}"'


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
