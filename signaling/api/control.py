"""``/control``: the link that a bridge node dials."""

from __future__ import annotations

import structlog
from aiohttp import web
from structlog.contextvars import bind_contextvars

from signaling.api import dialled
from signaling.api.dialled import Dialled
from signaling.api.services import services
from signaling.wire.codec import decode_node_message
from signaling.wire.control import Hello, NodeMessage

log = structlog.get_logger("signaling.control")


async def control(request: web.Request) -> web.StreamResponse:
    """One node, from its hello until its link breaks."""
    context = services(request)

    async def talk(link: Dialled[NodeMessage]) -> None:
        hello = await link.hello(Hello)
        if hello is None:
            return
        bind_contextvars(node=hello.node)
        node = await context.nodes.connected(hello, link.send, link.close)
        try:
            while (message := await link.next()) is not None:
                context.nodes.received(node, message, context.clock.monotonic())
        finally:
            context.nodes.disconnected(node)

    return await dialled.serve(request, context.node_tokens, decode_node_message, talk, log)
