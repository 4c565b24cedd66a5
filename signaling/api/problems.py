"""Every refusal as ``application/problem+json`` (RFC 9457), and every fault logged once."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web

from signaling.wire.errors import Problem, TooOftenError, WireError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("signaling.api")

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class ProblemBody(Problem, frozen=True):
    """A `Problem` with the HTTP status it came with."""

    status: int = 500


def problem_response(error: WireError) -> web.Response:
    """The answer that tells of `error`."""
    problem = error.problem
    body = ProblemBody(problem.code, problem.detail, problem.params, error.kind.status)
    response = web.Response(
        body=msgspec.json.encode(body),
        status=error.kind.status,
        content_type="application/problem+json",
    )
    if isinstance(error, TooOftenError):
        # whole seconds (RFC 9110 §10.2.3, RFC 6585 §4)
        response.headers["Retry-After"] = str(max(1, math.ceil(error.wait_s)))
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a documented answer; no traceback leaves the house."""
    try:
        return await handler(request)
    except WireError as error:
        response = problem_response(error)
        challenge = _challenge(request, error)
        if challenge is not None:
            response.headers["WWW-Authenticate"] = challenge
        return response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _from_http(error)
    except Exception as error:
        if isinstance(error, ConnectionError) and _gone(request):
            # nobody is there to be told
            return web.Response()
        log.exception("request failed", method=request.method, path=request.path)
        return problem_response(WireError("internal"))


def _challenge(request: web.Request, error: WireError) -> str | None:
    """RFC 6750 §3: who sent no token is told nothing of what was wrong with it."""
    bears = request.headers.get("Authorization", "")[:7].lower() == "bearer "
    if error.kind.status == 401 and (bears or error.code == "unauthenticated"):
        return 'Bearer error="invalid_token"' if bears else "Bearer"
    return 'Bearer error="insufficient_scope"' if error.kind.status == 403 and bears else None


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _from_http(error: web.HTTPException) -> web.Response:
    code = _CODES.get(error.status, "bad_message" if error.status < 500 else "internal")
    response = problem_response(WireError(code))
    if isinstance(error, web.HTTPMethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return response
