"""Bodies of the REST resources, as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec

from signaling.wire.figures import ControlState, HealthState
from signaling.wire.ids import ConferenceId, ProgramCodec, Role, SiteCode
from signaling.wire.pages import Phase


class SignInRequest(msgspec.Struct, frozen=True):
    """``POST /api/sign-in``: the code of a printed one-time link, or an account's password."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=128)] | None = None
    account: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None


class Me(msgspec.Struct, frozen=True):
    """``GET /api/me``: who is signed in; with an `organizer`, for its conferences alone."""

    account: str
    role: Role
    organizer: str | None = None


class ConferenceSummary(msgspec.Struct, frozen=True):
    """One conference in ``GET /api/conferences``."""

    conference: ConferenceId
    title: str
    title_en: str
    phase: Phase
    starts_at: float
    sites: int


class CreateConference(msgspec.Struct, frozen=True):
    """``POST /api/conferences``: from which template, and under which title and with which codec of
    its pictures if not the template's own."""

    template: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None
    codec: ProgramCodec | None = None


class Template(msgspec.Struct, frozen=True):
    """One row of ``GET /api/templates``."""

    template: str
    title: str
    title_en: str
    sites: int
    codec: ProgramCodec = "VP8"


class SiteLink(msgspec.Struct, frozen=True):
    """One row of ``GET /api/conferences/{conference}/links``. Personal: operators only.

    `code` is what may be typed at ``/join`` instead, as ``48-ABCDEFGH``. A revoked link has neither
    `url` nor `code` (both empty) until it is rotated.
    """

    site: SiteCode
    name: str
    url: str
    expires_at: float
    code: str = ""
    revoked: bool = False


class SiteDevices(msgspec.Struct, frozen=True):
    """``GET …/links/{site}/devices``: for what has no browser. Personal as the link is, and dead
    with it; for operators and technicians.

    An encoder publishes to `whip` with the Bearer token `publish_token`, pictures in `codec` alone;
    a player gets the program from `whep` with `play_token`.
    """

    site: SiteCode
    name: str
    whip: str
    publish_token: str
    whep: str
    play_token: str
    codec: ProgramCodec
    expires_at: float


class LinkExchange(msgspec.Struct, frozen=True):
    """``POST /c/{conference}/s/{code}/exchange``: the token of the site's link, sent by a tap."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class JoinRequest(msgspec.Struct, frozen=True):
    """``POST /api/join``: a site's typed code. Case, spaces and dashes do not matter."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Seated(msgspec.Struct, frozen=True):
    """Answer to `LinkExchange` and `JoinRequest`; the device cookie comes with it."""

    conference: ConferenceId
    title: str
    site: SiteCode
    name: str
    banner: str


class HistoryPoint(msgspec.Struct, frozen=True):
    """A site in one step, which begins `at`: its worst state, the mean of each figure of
    `figures.SiteFigures`; None where nothing was known."""

    at: float
    state: HealthState
    control: ControlState = "none"
    rtt_s: float | None = None
    loss_ratio: float | None = None
    jitter_s: float | None = None
    bitrate_bps: float | None = None
    receive_loss_ratio: float | None = None
    quality: float | None = None
    freeze_ratio: float | None = None


class SiteHistory(msgspec.Struct, frozen=True):
    """``GET /api/conferences/{conference}/sites/{code}/history``: the last 15 minutes.

    Oldest first, `step_s` seconds apart; `from` is when the span begins, Unix seconds. Where
    nothing was watched there is no point.
    """

    step_s: float
    from_: float = msgspec.field(name="from")
    points: list[HistoryPoint]


class SegmentInfo(msgspec.Struct, frozen=True):
    """One file of a recording. `ended_at` and `sha256` are None while it is being written; `cut`:
    its writer died, and it ends earlier than it should."""

    file: str
    started_at: float
    seconds: float
    octets: int
    ended_at: float | None = None
    sha256: str | None = None
    cut: bool = False


class RecordingInfo(msgspec.Struct, frozen=True):
    """One row of ``GET /api/conferences/{conference}/recordings``.

    `site` is None for the program. `seconds` and `octets` are the sums over `segments`, which come
    in order; ``…/recordings/{recording}/{file}`` downloads one.
    """

    recording: str
    number: int
    site: SiteCode | None
    name: str
    started_at: float
    ended_at: float | None
    running: bool
    seconds: float
    octets: int
    segments: list[SegmentInfo]


class ComponentHealth(msgspec.Struct, frozen=True):
    """One part of the service: whether it does its work, and its figures."""

    ok: bool
    detail: str = ""
    figures: dict[str, float] = {}


class ServiceHealth(msgspec.Struct, frozen=True):
    """``GET /healthz?verbose``."""

    ok: bool
    version: str
    at: float
    components: dict[str, ComponentHealth]
