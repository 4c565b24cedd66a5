"""Bodies of the REST resources, as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec

from signaling.wire.ids import ConferenceId, Role, SiteCode
from signaling.wire.pages import Phase


class SignInRequest(msgspec.Struct, frozen=True):
    """``POST /api/sign-in``: the code of a printed one-time link."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=128)]


class Me(msgspec.Struct, frozen=True):
    """``GET /api/me``: who is signed in."""

    account: str
    role: Role


class ConferenceSummary(msgspec.Struct, frozen=True):
    """One conference in ``GET /api/conferences``."""

    conference: ConferenceId
    title: str
    title_en: str
    phase: Phase
    starts_at: float
    sites: int


class CreateConference(msgspec.Struct, frozen=True):
    """``POST /api/conferences``: from which template, and under which title if not its own."""

    template: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None


class Template(msgspec.Struct, frozen=True):
    """One row of ``GET /api/templates``."""

    template: str
    title: str
    title_en: str
    sites: int


class SiteLink(msgspec.Struct, frozen=True):
    """One row of ``GET /api/conferences/{conference}/links``. Personal: operators only."""

    site: SiteCode
    name: str
    url: str
    expires_at: float


class LinkExchange(msgspec.Struct, frozen=True):
    """``POST /c/{conference}/s/{code}/exchange``: the token of the site's link, sent by a tap."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class Seated(msgspec.Struct, frozen=True):
    """Answer to `LinkExchange`; the device cookie comes with it."""

    conference: ConferenceId
    title: str
    site: SiteCode
    name: str
    banner: str
