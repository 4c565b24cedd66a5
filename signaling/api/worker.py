"""``/worker``: the link that a media worker dials."""

from __future__ import annotations

import structlog
from aiohttp import WSMsgType, web
from structlog.contextvars import bind_contextvars

from signaling.api.control import PING_S
from signaling.api.services import Services, require_token, services
from signaling.wire.codec import MAX_CONTROL_FRAME, decode_worker_message
from signaling.wire.errors import ERRORS, WireError
from signaling.wire.pages import HELLO_TIMEOUT_S
from signaling.wire.worker import Still, WorkerHello, WorkerMessage
from signaling.workers import WorkerLink

log = structlog.get_logger("signaling.worker")


async def worker(request: web.Request) -> web.StreamResponse:
    """One media worker, from its hello until its link breaks."""
    context = services(request)
    require_token(request, context.worker_tokens)
    if context.draining:
        raise WireError("shutting_down")
    ws = web.WebSocketResponse(
        heartbeat=PING_S, compress=False, max_msg_size=MAX_CONTROL_FRAME, timeout=2.0
    )
    await ws.prepare(request)
    try:
        await _serve(context, ws)
    except WireError as error:
        log.warning("worker link closed", code=error.code, reason=error.problem.detail)
        await ws.close(code=error.kind.close or 1011, message=error.code.encode())
    return ws


async def _serve(context: Services, ws: web.WebSocketResponse) -> None:
    async def close(code: str) -> None:
        await ws.close(code=ERRORS[code].close or 1011, message=code.encode())

    try:
        hello = await _next(ws, HELLO_TIMEOUT_S)
    except TimeoutError:
        raise WireError("hello_expected") from None
    if hello is None:
        return
    if not isinstance(hello, WorkerHello):
        raise WireError("hello_expected", f"the first frame was {type(hello).__name__}")
    bind_contextvars(worker=hello.worker)
    link = await context.workers.connected(hello, ws.send_str, close)
    try:
        await _listen(context, ws, link)
    finally:
        context.workers.disconnected(link)


async def _listen(context: Services, ws: web.WebSocketResponse, link: WorkerLink) -> None:
    while (message := await _next(ws, None)) is not None:
        if isinstance(message, WorkerHello):
            raise WireError("bad_message", "hello comes once")
        if isinstance(message, Still):
            context.workers.still(message)
        else:
            context.workers.received(link, message)


async def _next(ws: web.WebSocketResponse, timeout_s: float | None) -> WorkerMessage | None:
    """The next message; None at the end of the link."""
    frame = await ws.receive(timeout=timeout_s)
    if frame.type is WSMsgType.BINARY:
        raise WireError("binary_frame")
    return decode_worker_message(frame.data) if frame.type is WSMsgType.TEXT else None
