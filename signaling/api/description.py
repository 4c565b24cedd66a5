"""``/api/openapi.json``: OpenAPI 3.1 of the table of routes.

``python -m signaling.api`` writes it to ``docs/openapi.json``; a test holds that current.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from aiohttp import web

from signaling.api.operation import Answer, Operation, Route
from signaling.api.problems import ProblemBody
from signaling.wire.errors import ERRORS

DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)
_PARAMETER = re.compile(r"\{(\w+)\}")
_SCHEMES = {
    "sign_in": {"type": "apiKey", "in": "cookie", "name": "diemcau_sign_in"},
    "door": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


async def openapi(request: web.Request) -> web.Response:
    """This description."""
    return web.Response(body=request.app[DOCUMENT], content_type="application/json")


def describe(app: web.Application, routes: Sequence[Route]) -> None:
    """Have `app` know its own description."""
    app[DOCUMENT] = as_text(document(routes)).encode()


def as_text(described: dict[str, Any]) -> str:
    """Stable JSON text."""
    return json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI document of the routes that have an operation."""
    described = [(route, route.operation) for route in routes if route.operation is not None]
    types = [ProblemBody, *(kind for _, one in described for kind in _types(one))]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for route, operation in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, operation, by_type
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DiemCau",
            "version": "1",
            "description": "REST, WHIP and WHEP. The page socket and the control link are in "
            "docs/protocol.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": _SCHEMES,
        },
    }


def _types(operation: Operation) -> Iterator[Any]:
    if operation.body is not None and not isinstance(operation.body, str):
        yield operation.body
    for one in operation.answers:
        if one.body is not None:
            yield one.body


def _operation(route: Route, operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    summary = " ".join((inspect.getdoc(route.handler) or "").split())
    told: dict[str, Any] = {
        "operationId": _name(route),
        "summary": summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(operation)],
        "responses": _responses(route, operation, schemas),
    }
    if operation.access in _SCHEMES:
        told["security"] = [{operation.access: []}]
    if isinstance(operation.body, str):
        told["requestBody"] = {
            "required": True,
            "content": {operation.body: {"schema": {"type": "string"}}},
        }
    elif operation.body is not None:
        schema = schemas[repr(operation.body)]
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return told


def _responses(route: Route, operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    responses = {str(one.status): _answer(one, schemas) for one in operation.answers}
    problem = {"application/problem+json": {"schema": schemas[repr(ProblemBody)]}}
    by_status: dict[int, list[str]] = {}
    for code in operation.codes(route.method):
        by_status.setdefault(ERRORS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        lines = [f"`{code}`: {ERRORS[code].meaning}" for code in codes]
        responses[str(status)] = {"description": "\n\n".join(lines), "content": problem}
        if status == 429:
            responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return responses


def _answer(one: Answer, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": "As asked." if one.status < 400 else "Not ready."}
    content: dict[str, Any] = {}
    if one.body is not None:
        content["application/json"] = {"schema": schemas[repr(one.body)]}
    if one.media_type is not None:
        any_json = one.media_type == "application/json"
        content[one.media_type] = {"schema": {"type": "object" if any_json else "string"}}
    if content:
        told["content"] = content
    if one.headers:
        told["headers"] = {name: {"schema": {"type": "string"}} for name in one.headers}
    return told


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": what, "schema": {"type": "string"}}
        for name, what in operation.query
    ]


def _name(route: Route) -> str:
    words = re.findall(r"\w+", route.path)
    return "_".join([route.method.lower(), *words])
