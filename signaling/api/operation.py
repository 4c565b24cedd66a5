"""A route and what is promised of it; the table of routes and OpenAPI are made of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from signaling.api.problems import Handler
from signaling.wire.errors import ERRORS

Method = Literal["GET", "POST", "DELETE", "PATCH", "OPTIONS"]
Access = Literal["anyone", "sign_in", "device", "door"]
"""What lets a request in: nothing, the sign-in cookie, a link's token or code, a door token."""

_OF_ACCESS: dict[Access, tuple[str, ...]] = {
    "anyone": (),
    "sign_in": ("unauthenticated", "forbidden"),
    "device": (),
    "door": ("unauthenticated", "forbidden"),
}
_OF_BODY = ("bad_json", "bad_message", "too_large", "unsupported_media_type")


@dataclass(frozen=True, slots=True)
class Answer:
    """One status. `body` is the type of a JSON body, `media_type` says what else may come;
    `headers` names those that matter."""

    status: int
    body: Any = None
    media_type: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path promises. `body` is the type of a JSON body, or a media type's
    name. `errors` are codes beyond those that come with access, method and body."""

    tag: str
    answers: tuple[Answer, ...]
    access: Access = "anyone"
    body: Any = None
    errors: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def codes(self, method: Method) -> tuple[str, ...]:
        """Every error code that it may answer."""
        changes = () if method in ("GET", "OPTIONS") else ("foreign_origin",)
        of_body = _OF_BODY if self.body is not None else ()
        found = (*_OF_ACCESS[self.access], *changes, *of_body, *self.errors)
        assert set(found) <= set(ERRORS), found
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; `operation` is None for pages, sockets and what browsers ask for."""

    method: Method
    path: str
    handler: Handler
    operation: Operation | None = None
