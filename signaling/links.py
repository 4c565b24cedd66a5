"""Site links and the keys that sign them. A link is a JWT in a URL's fragment; its id is stored."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import insert, select

from signaling import tokens
from signaling.conference.state import Conference
from signaling.database import Database
from signaling.tables import keys, links
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, DeviceId, SiteCode
from signaling.wire.rest import SiteLink

LIFETIME_S = 30 * 24 * 3600.0
"""How long a link holds, from its issue or the conference's start, whichever is later."""
COOKIE = "diemcau_device"


async def load_keys(database: Database, now: float) -> tokens.KeyRing:
    """The signing keys on disk; the first one is made when there is none."""
    query = select(keys).order_by(keys.c.created_at)
    async with database.write() as connection:
        rows = (await connection.execute(query)).all()
        if not rows:
            first = {"kid": secrets.token_hex(4), "secret": secrets.token_bytes(32)}
            await connection.execute(insert(keys).values(created_at=now, **first))
            rows = (await connection.execute(query)).all()
    return tokens.KeyRing(rows[-1].kid, {row.kid: bytes(row.secret) for row in rows})


class Links:
    """Issues each site's link once, and exchanges links for device cookies."""

    def __init__(self, database: Database, ring: tokens.KeyRing, public_url: str) -> None:
        self._database = database
        self._ring = ring
        self._public_url = public_url.rstrip("/")

    async def of(self, state: Conference, now: float) -> list[SiteLink]:
        """Every site's link, in protocol order; the same ones at each call."""
        query = select(links).where(
            links.c.conference == state.conference,
            links.c.revoked_at.is_(None),
            links.c.expires_at > now,
        )
        async with self._database.write() as connection:
            held = {row.site for row in await connection.execute(query)}
            missing = [site for site in state.seats if site not in held]
            if missing:
                expires_at = max(now, state.starts_at) + LIFETIME_S
                rows = _fresh(state.conference, missing, expires_at)
                await connection.execute(insert(links), rows)
            rows_by_site = {row.site: row for row in await connection.execute(query)}
        return [
            self._link(state, site, rows_by_site[site].jti, rows_by_site[site].expires_at)
            for site in sorted(state.seats, key=lambda code: state.seats[code].site.order)
        ]

    async def open(
        self, token: str, conference: ConferenceId, site: SiteCode, now: float
    ) -> tuple[tokens.Link, float]:
        """What a link's token says, and until when (Unix seconds).

        Raises:
            WireError: ``link_invalid``, ``link_expired``, or ``link_foreign`` when it belongs to
                another site or conference.
        """
        claims = tokens.verify(token, tokens.Link, self._ring, now)
        if (claims.conference, claims.site) != (conference, site):
            raise WireError("link_foreign")
        return claims, await self._expiry(claims.jti, now)

    def device_cookie(self, link: tokens.Link, device: DeviceId | None, expires_at: float) -> str:
        """The cookie of a device that has opened `link`; a known device keeps its id."""
        device = device or DeviceId(secrets.token_urlsafe(12))
        claims = tokens.Device(link.conference, link.site, device, link.jti)
        return tokens.issue(claims, self._ring, expires_at)

    async def device(
        self, cookie: str | None, conference: ConferenceId, site: SiteCode, now: float
    ) -> tokens.Device:
        """Whose cookie it is. Raises WireError ``unauthenticated``, also for another seat's."""
        claims = tokens.verify(cookie or "", tokens.Device, self._ring, now)
        if (claims.conference, claims.site) != (conference, site):
            raise WireError("unauthenticated", "the cookie belongs to another seat")
        try:
            await self._expiry(claims.jti, now)
        except WireError:
            raise WireError("unauthenticated", "the link of this cookie is over") from None
        return claims

    async def _expiry(self, jti: str, now: float) -> float:
        query = select(links).where(links.c.jti == jti)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None or row.revoked_at is not None:
            raise WireError("link_invalid", "the link was withdrawn")
        if now >= row.expires_at:
            raise WireError("link_expired")
        return float(row.expires_at)

    def _link(self, state: Conference, site: SiteCode, jti: str, expires_at: float) -> SiteLink:
        claims = tokens.Link(state.conference, site, jti)
        token = tokens.issue(claims, self._ring, expires_at)
        url = f"{self._public_url}/c/{state.conference}/s/{site}/#t={token}"
        return SiteLink(site, state.seats[site].site.name, url, expires_at)


def _fresh(
    conference: ConferenceId, sites: Iterable[SiteCode], expires_at: float
) -> list[dict[str, object]]:
    return [
        {
            "jti": secrets.token_urlsafe(12),
            "conference": conference,
            "site": site,
            "expires_at": expires_at,
        }
        for site in sites
    ]
