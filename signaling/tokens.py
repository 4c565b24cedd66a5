"""Signed tokens, judged at a given time: a site's link, a device's cookie, a page's door.

JWT (RFC 7519) with HS256 alone; ``kid`` names the key, so that keys can be changed while tokens of
the older one still hold. A token is good for its one kind only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import jwt
import msgspec

from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, DeviceId, Port, SiteCode

ALGORITHM = "HS256"
MAX_TOKEN = 2048


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Signing keys by id (32 bytes or more each); `current` signs, all verify."""

    current: str
    keys: Mapping[str, bytes]


class Link(msgspec.Struct, frozen=True, tag="link", tag_field="kind"):
    """A site's link; `jti` lets it be rotated and revoked."""

    conference: ConferenceId
    site: SiteCode
    jti: str


class Device(msgspec.Struct, frozen=True, tag="device", tag_field="kind"):
    """A device that has exchanged the link `jti`: what its cookie holds."""

    conference: ConferenceId
    site: SiteCode
    device: DeviceId
    jti: str


class Door(msgspec.Struct, frozen=True, tag="door", tag_field="kind"):
    """The right to open sessions for one port, as the Bearer token of WHIP and WHEP.

    `link` is the id of the link by which a site's device came. A `plain` one is for encoders and
    players without a page: it holds while the link does, whoever is connected.
    """

    conference: ConferenceId
    port: Port
    publish: bool
    site: SiteCode | None = None
    device: DeviceId | None = None
    link: str | None = None
    plain: bool = False


Claims = Link | Device | Door
C = TypeVar("C", Link, Device, Door)

_ERRORS: dict[type, tuple[str, str]] = {
    Link: ("link_invalid", "link_expired"),
    Device: ("unauthenticated", "unauthenticated"),
    Door: ("unauthenticated", "unauthenticated"),
}
_HEADER_TYPE: Literal["JWT"] = "JWT"


def issue(claims: Claims, ring: KeyRing, expires_at: float) -> str:
    """Sign `claims` with the ring's current key; `expires_at` in Unix seconds."""
    body: dict[str, Any] = {**msgspec.to_builtins(claims), "exp": int(expires_at)}
    headers = {"kid": ring.current, "typ": _HEADER_TYPE}
    return jwt.encode(body, ring.keys[ring.current], algorithm=ALGORITHM, headers=headers)


def verify(token: str, kind: type[C], ring: KeyRing, now: float) -> C:
    """The claims in `token` if a key of the ring signed it, for this kind, and it still holds.

    Raises:
        WireError: ``link_invalid`` or ``link_expired`` for links, ``unauthenticated`` for others.
    """
    invalid, expired = _ERRORS[kind]
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError("too long")
        key = ring.keys[jwt.get_unverified_header(token)["kid"]]
        # expiry is judged below, at the caller's `now`
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "kind"]}
        body = jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
        expires_at = body.pop("exp")
        claims = msgspec.convert(body, kind)
    except (jwt.PyJWTError, msgspec.ValidationError, LookupError, TypeError, ValueError):
        raise WireError(invalid) from None
    if not isinstance(expires_at, int) or now >= expires_at:
        raise WireError(expired)
    return claims
