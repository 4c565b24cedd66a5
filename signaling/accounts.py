"""Accounts and their sign-ins: a printed one-time code buys a cookie; both are stored as hashes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from signaling.database import Database
from signaling.tables import accounts, sign_in_codes, sign_ins
from signaling.wire.errors import WireError
from signaling.wire.ids import AccountName, Role

CODE_LIFETIME_S = 30 * 60.0
SIGN_IN_LIFETIME_S = 24 * 3600.0
COOKIE = "diemcau_sign_in"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A login that holds. `id` names it without being its secret."""

    account: AccountName
    role: Role
    expires_at: float
    id: bytes


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class Accounts:
    """Mints codes, exchanges them, and says whose a cookie is. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mint_code(self, account: AccountName, role: Role, now: float) -> str:
        """A one-time sign-in code for `account`, which is created if need be."""
        code = secrets.token_urlsafe(24)
        async with self._database.write() as connection:
            await connection.execute(
                upsert(accounts)
                .values(name=account, role=role)
                .on_conflict_do_update(index_elements=["name"], set_={"role": role})
            )
            await connection.execute(
                sign_in_codes.insert().values(
                    hash=_hash(code), account=account, expires_at=now + CODE_LIFETIME_S
                )
            )
        return code

    async def exchange(self, code: str, now: float) -> str:
        """Use a code up; returns the cookie's value. Raises WireError ``sign_in_invalid``."""
        cookie = secrets.token_urlsafe(32)
        async with self._database.write() as connection:
            used = await connection.execute(
                update(sign_in_codes)
                .where(
                    sign_in_codes.c.hash == _hash(code),
                    sign_in_codes.c.used_at.is_(None),
                    sign_in_codes.c.expires_at > now,
                )
                .values(used_at=now)
                .returning(sign_in_codes.c.account)
            )
            account = used.scalar_one_or_none()
            if account is None:
                raise WireError("sign_in_invalid")
            await connection.execute(
                sign_ins.insert().values(
                    hash=_hash(cookie), account=account, expires_at=now + SIGN_IN_LIFETIME_S
                )
            )
        return cookie

    async def find(self, cookie: str | None, now: float) -> SignIn:
        """Whose cookie it is. Raises WireError ``unauthenticated``."""
        if not cookie:
            raise WireError("unauthenticated", "sign in first")
        query = (
            select(sign_ins.c.account, sign_ins.c.expires_at, sign_ins.c.hash, accounts.c.role)
            .join(accounts, accounts.c.name == sign_ins.c.account)
            .where(
                sign_ins.c.hash == _hash(cookie),
                sign_ins.c.ended_at.is_(None),
                sign_ins.c.expires_at > now,
            )
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise WireError("unauthenticated", "the sign-in is over; sign in again")
        return SignIn(AccountName(row.account), cast(Role, row.role), row.expires_at, row.hash)

    async def end(self, sign_in: SignIn, now: float) -> None:
        """Sign out."""
        async with self._database.write() as connection:
            await connection.execute(
                update(sign_ins).where(sign_ins.c.hash == sign_in.id).values(ended_at=now)
            )
