"""Site links: issued once, rotated, revoked, exchanged for the cookie of a device.

A link is a JWT in a URL's fragment; only its id is stored. It holds until a day after its
conference has ended, and a month after the start at most.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from signaling import tokens, typedcode
from signaling.conference.state import Conference
from signaling.database import Database
from signaling.tables import links
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, DeviceId, SiteCode
from signaling.wire.ports import site_port
from signaling.wire.rest import SiteDevices, SiteLink

LIFETIME_S = 30 * 24 * 3600.0
"""How long a link holds, from its issue or the conference's start, whichever is later."""
AFTER_END_S = 24 * 3600.0
"""How long a link holds after the end of its conference."""
COOKIE = "diemcau_device"

LinkRow = Row[tuple[str, str, str, float, float | None]]


def expiry(state: Conference, stored: float) -> float:
    """Until when a link of the conference holds whose row says `stored`; Unix seconds."""
    return stored if state.ended_at is None else min(stored, state.ended_at + AFTER_END_S)


class Links:
    """The links of all conferences. Times are Unix seconds."""

    def __init__(self, database: Database, ring: tokens.KeyRing, public_url: str) -> None:
        self._database = database
        self._ring = ring
        self._public_url = public_url.rstrip("/")

    # --- the operator's side --------------------------------------------------------------------

    async def of(self, state: Conference, now: float) -> list[SiteLink]:
        """Every site's link, in protocol order; the same ones at each call."""
        async with self._database.write() as connection:
            rows = await _rows_of(connection, state.conference)
            held = {row.site: row for row in rows if _holds(row, now)}
            withdrawn = {row.site for row in rows} - {
                row.site for row in rows if row.revoked_at is None
            }
            missing = [site for site in state.seats if site not in held and site not in withdrawn]
            if missing:
                await connection.execute(insert(links), _fresh(state, missing, now))
                rows = await _rows_of(connection, state.conference)
                held = {row.site: row for row in rows if _holds(row, now)}
            last = {row.site: row for row in rows}
        return [
            self._shown(state, site, held.get(site), last[site])
            for site in sorted(state.seats, key=lambda code: state.seats[code].site.order)
        ]

    async def rotate(self, state: Conference, site: SiteCode, now: float) -> SiteLink:
        """A new link in place of the old one. Raises WireError ``unknown_site``."""
        await self._withdraw(state, site, now, renew=True)
        return await self.one(state, site, now)

    async def revoke(self, state: Conference, site: SiteCode, now: float) -> SiteLink:
        """No link for this site until it is rotated. Raises WireError ``unknown_site``."""
        await self._withdraw(state, site, now, renew=False)
        return await self.one(state, site, now)

    async def one(self, state: Conference, site: str, now: float) -> SiteLink:
        """One site's link. Raises WireError ``unknown_site``."""
        for link in await self.of(state, now):
            if link.site == site:
                return link
        raise WireError("unknown_site", f"no site {site[:16]!r} in {state.conference}")

    async def devices(self, state: Conference, site: str, now: float) -> SiteDevices:
        """Addresses and tokens of one site for an encoder and for players; the same ones at each
        call. Raises WireError ``unknown_site`` or ``link_revoked``."""
        link = await self.one(state, site, now)
        if link.revoked:
            raise WireError("link_revoked", f"site {link.site} has no link; rotate it")
        claims = tokens.verify(link.url.partition("#t=")[2], tokens.Link, self._ring, now)
        # one encoder at a time, the same device each time it comes
        device = DeviceId(f"encoder-{hashlib.sha256(claims.jti.encode()).hexdigest()[:16]}")
        publish = tokens.Door(
            state.conference,
            site_port(link.site),
            publish=True,
            site=link.site,
            device=device,
            link=claims.jti,
            plain=True,
        )
        play = msgspec.structs.replace(publish, publish=False, device=None)
        return SiteDevices(
            link.site,
            link.name,
            f"{self._public_url}/whip",
            tokens.issue(publish, self._ring, link.expires_at),
            f"{self._public_url}/whep",
            tokens.issue(play, self._ring, link.expires_at),
            state.codec,
            link.expires_at,
        )

    # --- the site's side ------------------------------------------------------------------------

    async def open(
        self, token: str, state: Conference, site: SiteCode, now: float
    ) -> tuple[tokens.Link, float]:
        """What a link's token says, and until when it holds.

        Raises:
            WireError: ``link_invalid``, ``link_expired``, ``link_revoked``, or ``link_foreign``
                when it belongs to another site or conference.
        """
        claims = tokens.verify(token, tokens.Link, self._ring, now)
        if (claims.conference, claims.site) != (state.conference, site):
            raise WireError("link_foreign")
        return claims, await self.require(claims.jti, state, now)

    async def open_typed(
        self, code: typedcode.TypedCode, states: Iterable[Conference], now: float
    ) -> tuple[tokens.Link, Conference, float]:
        """The link of a typed code in one of the conferences, and until when it holds.

        Raises WireError ``code_invalid``.
        """
        for state in states:
            for site in state.seats:
                if typedcode.plain(site) != code.site:
                    continue
                for row in await self._holding(state, site, now):
                    if self._has_letters(row.jti, code.letters):
                        claims = tokens.Link(state.conference, site, row.jti)
                        return claims, state, expiry(state, row.expires_at)
        raise WireError("code_invalid")

    def device_cookie(self, link: tokens.Link, device: DeviceId | None, expires_at: float) -> str:
        """The cookie of a device that has opened `link`; a known device keeps its id."""
        device = device or DeviceId(secrets.token_urlsafe(12))
        claims = tokens.Device(link.conference, link.site, device, link.jti)
        return tokens.issue(claims, self._ring, expires_at)

    async def device(
        self, cookie: str | None, state: Conference, site: SiteCode, now: float
    ) -> tokens.Device:
        """Whose cookie it is.

        Raises WireError ``unauthenticated``, also for another seat's, ``link_revoked`` or
        ``link_expired``.
        """
        claims = tokens.verify(cookie or "", tokens.Device, self._ring, now)
        if (claims.conference, claims.site) != (state.conference, site):
            raise WireError("unauthenticated", "the cookie belongs to another seat")
        await self.require(claims.jti, state, now)
        return claims

    async def require(self, jti: str, state: Conference, now: float) -> float:
        """Until when the link holds.

        Raises WireError ``link_invalid``, ``link_revoked`` or ``link_expired``.
        """
        query = select(links).where(links.c.jti == jti)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        code = _why_over(row, state, now)
        if code is not None or row is None:
            raise WireError(code or "link_invalid")
        return expiry(state, row.expires_at)

    async def over(self, held: Iterable[tuple[Conference, str]], now: float) -> dict[str, str]:
        """Which of these links, by id, hold no longer, and the error code that says why."""
        states = {jti: state for state, jti in held}
        query = select(links).where(links.c.jti.in_(states))
        async with self._database.read() as connection:
            rows = {row.jti: row for row in await connection.execute(query)}
        codes = {jti: _why_over(rows.get(jti), state, now) for jti, state in states.items()}
        return {jti: code for jti, code in codes.items() if code is not None}

    # --- inside ---------------------------------------------------------------------------------

    async def _withdraw(
        self, state: Conference, site: SiteCode, now: float, *, renew: bool
    ) -> None:
        if site not in state.seats:
            raise WireError("unknown_site", f"no site {site[:16]!r} in {state.conference}")
        of_site = (links.c.conference == state.conference, links.c.site == site)
        async with self._database.write() as connection:
            if not renew and not (await connection.execute(select(links).where(*of_site))).all():
                # what was never sent is withdrawn too
                await connection.execute(insert(links), _fresh(state, [site], now))
            await connection.execute(
                update(links).where(*of_site, links.c.revoked_at.is_(None)).values(revoked_at=now)
            )
            if renew:
                await connection.execute(insert(links), _fresh(state, [site], now))

    async def _holding(self, state: Conference, site: SiteCode, now: float) -> list[LinkRow]:
        async with self._database.read() as connection:
            rows = await _rows_of(connection, state.conference, site)
        return [row for row in rows if _holds(row, now) and now < expiry(state, row.expires_at)]

    def _has_letters(self, jti: str, letters: str) -> bool:
        # all are compared, so that the time taken tells nothing
        found = [
            hmac.compare_digest(typedcode.letters_of(jti, key), letters)
            for key in self._ring.keys.values()
        ]
        return any(found)

    def _shown(
        self, state: Conference, site: SiteCode, row: LinkRow | None, last: LinkRow
    ) -> SiteLink:
        name = state.seats[site].site.name
        if row is None:
            return SiteLink(site, name, "", last.expires_at, revoked=True)
        expires_at = expiry(state, row.expires_at)
        claims = tokens.Link(state.conference, site, row.jti)
        token = tokens.issue(claims, self._ring, row.expires_at)
        url = f"{self._public_url}/c/{state.conference}/s/{site}/#t={token}"
        letters = typedcode.letters_of(row.jti, self._ring.keys[self._ring.current])
        return SiteLink(site, name, url, expires_at, f"{site}-{letters}")


def _why_over(row: LinkRow | None, state: Conference, now: float) -> str | None:
    if row is None:
        return "link_invalid"
    if row.revoked_at is not None:
        return "link_revoked"
    return "link_expired" if now >= expiry(state, row.expires_at) else None


def _holds(row: LinkRow, now: float) -> bool:
    return row.revoked_at is None and now < row.expires_at


async def _rows_of(
    connection: AsyncConnection, conference: ConferenceId, site: SiteCode | None = None
) -> Sequence[LinkRow]:
    query = select(links).where(links.c.conference == conference)
    if site is not None:
        query = query.where(links.c.site == site)
    return (await connection.execute(query)).all()


def _fresh(state: Conference, sites: Iterable[SiteCode], now: float) -> list[dict[str, object]]:
    return [
        {
            "jti": secrets.token_urlsafe(12),
            "conference": state.conference,
            "site": site,
            "expires_at": max(now, state.starts_at) + LIFETIME_S,
        }
        for site in sites
    ]
