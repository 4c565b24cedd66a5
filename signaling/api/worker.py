"""``/worker``: the link that a media worker dials."""

from __future__ import annotations

import structlog
from aiohttp import web
from structlog.contextvars import bind_contextvars

from signaling.api import dialled
from signaling.api.dialled import Dialled
from signaling.api.services import services
from signaling.wire.codec import decode_worker_message
from signaling.wire.errors import WireError
from signaling.wire.worker import Facts, Still, WorkerHello, WorkerMessage

log = structlog.get_logger("signaling.worker")


async def worker(request: web.Request) -> web.StreamResponse:
    """One media worker, from its hello until its link breaks."""
    context = services(request)

    async def talk(link: Dialled[WorkerMessage]) -> None:
        hello = await link.hello(WorkerHello)
        if hello is None:
            return
        bind_contextvars(worker=hello.worker)
        held = await context.workers.connected(hello, link.send, link.close)
        try:
            while (message := await link.next()) is not None:
                match message:
                    case WorkerHello():
                        raise WireError("bad_message", "hello comes once")
                    case Still():
                        context.workers.still(message)
                    case Facts():
                        context.workers.received(held, message)
        finally:
            context.workers.disconnected(held)

    return await dialled.serve(request, context.worker_tokens, decode_worker_message, talk, log)
