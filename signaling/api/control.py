"""``/control``: the link that a bridge node dials."""

from __future__ import annotations

import structlog
from aiohttp import WSMsgType, web
from structlog.contextvars import bind_contextvars

from signaling.api.services import Services, require_token, services
from signaling.nodelink import Link
from signaling.wire.codec import MAX_CONTROL_FRAME, decode_node_message
from signaling.wire.control import Hello
from signaling.wire.errors import ERRORS, WireError
from signaling.wire.pages import HELLO_TIMEOUT_S

PING_S = 5.0

log = structlog.get_logger("signaling.control")


async def control(request: web.Request) -> web.StreamResponse:
    """One node, from its hello until its link breaks."""
    context = services(request)
    require_token(request, context.node_tokens)
    if context.draining:
        raise WireError("shutting_down")
    ws = web.WebSocketResponse(
        heartbeat=PING_S, compress=False, max_msg_size=MAX_CONTROL_FRAME, timeout=2.0
    )
    await ws.prepare(request)
    try:
        await _serve(context, ws)
    except WireError as error:
        log.warning("control link closed", code=error.code, reason=error.problem.detail)
        await ws.close(code=error.kind.close or 1011, message=error.code.encode())
    return ws


async def _serve(context: Services, ws: web.WebSocketResponse) -> None:
    async def close(code: str) -> None:
        await ws.close(code=ERRORS[code].close or 1011, message=code.encode())

    hello = await _hello(ws)
    if hello is None:
        return
    bind_contextvars(node=hello.node)
    link = await context.nodes.connected(hello, ws.send_str, close)
    try:
        await _obey(context, ws, link)
    finally:
        context.nodes.disconnected(link)


async def _hello(ws: web.WebSocketResponse) -> Hello | None:
    try:
        frame = await ws.receive(timeout=HELLO_TIMEOUT_S)
    except TimeoutError:
        raise WireError("hello_expected") from None
    if frame.type is WSMsgType.BINARY:
        raise WireError("binary_frame")
    if frame.type is not WSMsgType.TEXT:
        return None
    message = decode_node_message(frame.data)
    if not isinstance(message, Hello):
        raise WireError("hello_expected", f"the first frame was {type(message).__name__}")
    return message


async def _obey(context: Services, ws: web.WebSocketResponse, link: Link) -> None:
    async for frame in ws:
        if frame.type is WSMsgType.BINARY:
            raise WireError("binary_frame")
        if frame.type is WSMsgType.TEXT:
            message = decode_node_message(frame.data)
            context.nodes.received(link, message, context.clock.monotonic())
