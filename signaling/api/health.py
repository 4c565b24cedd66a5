"""``/livez``, ``/readyz``, ``/metrics``: for whoever watches over the service."""

from __future__ import annotations

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from signaling.api.services import services

log = structlog.get_logger("signaling.health")


async def livez(request: web.Request) -> web.Response:
    """The event loop answers."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """200 when the database answers, a bridge node is connected, and the service is not stopping;
    503 otherwise. The body says which."""
    context = services(request)
    parts = {
        "database": await _database_answers(request),
        "bridge": bool(context.nodes.links),
        "accepting": not context.draining,
    }
    ready = all(parts.values())
    return web.json_response({"ready": ready, **parts}, status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text format."""
    body = generate_latest(services(request).registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _database_answers(request: web.Request) -> bool:
    try:
        async with services(request).database.read() as connection:
            await connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        log.exception("database does not answer")
        return False
    return True
