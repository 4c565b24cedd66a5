"""The keys that sign links, cookies and door tokens; they lie in the database."""

from __future__ import annotations

import secrets

from sqlalchemy import insert, select

from signaling import tokens
from signaling.database import Database
from signaling.tables import keys


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
