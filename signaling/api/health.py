"""``/livez``, ``/readyz``, ``/healthz``, ``/metrics``: for whoever watches over the service."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from signaling.api.services import answer, services


async def livez(request: web.Request) -> web.Response:
    """The event loop answers."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """200 when the database answers, a bridge node is connected, and the service is not stopping;
    503 otherwise. The body says which."""
    context = services(request)
    parts = {
        "database": await context.database.answers(),
        "bridge": bool(context.nodes.links),
        "accepting": not context.draining,
    }
    ready = all(parts.values())
    return web.json_response({"ready": ready, **parts}, status=200 if ready else 503)


async def healthz(request: web.Request) -> web.Response:
    """200 when every part does its work, else 503; ``?verbose`` tells of each part."""
    health = await services(request).health()
    if "verbose" in request.query:
        return answer(health, 200 if health.ok else 503)
    return web.Response(text="ok\n" if health.ok else "not ok\n", status=200 if health.ok else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text format."""
    body = generate_latest(services(request).registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
