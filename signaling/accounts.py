"""Accounts and their sign-ins: a one-time code or a password buys a cookie. Secrets are stored as
hashes. A disabled account's sign-ins hold no longer, from the moment that it is disabled."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from signaling.database import Database
from signaling.tables import accounts, sign_in_codes, sign_ins
from signaling.wire.errors import WireError
from signaling.wire.ids import AccountName, Role

CODE_LIFETIME_S = 30 * 60.0
SIGN_IN_LIFETIME_S = 24 * 3600.0
COOKIE = "diemcau_sign_in"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
"""What an account may be called."""


class UnknownAccountError(Exception):
    """There is no such account, or there is one already; the message says which."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A login that holds. `id` names it without being its secret; `organizer` says in whose
    conferences it counts (`permissions.reaches`)."""

    account: AccountName
    role: Role
    expires_at: float
    id: bytes
    organizer: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in; `password_hash` is None for one that signs in by one-time codes only,
    `organizer` for one that reaches every organizer's conferences."""

    name: AccountName
    role: Role
    password_hash: str | None
    disabled: bool
    organizer: str | None = None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class Accounts:
    """Mints codes, opens sign-ins, and says whose a cookie is. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- sign-ins -------------------------------------------------------------------------------

    async def mint_code(self, account: AccountName, role: Role, now: float) -> str:
        """A one-time sign-in code for `account`, which is created, for every organizer, if need be.

        One that is there keeps its organizer: a code never makes it reach further.
        """
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
        known = select(sign_in_codes.c.hash).where(sign_in_codes.c.hash == _hash(code))
        async with self._database.read() as connection:
            # guesses do not queue for the one writer
            if (await connection.execute(known)).one_or_none() is None:
                raise WireError("sign_in_invalid")
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
            enabled = select(accounts.c.name).where(
                accounts.c.name == account, accounts.c.disabled_at.is_(None)
            )
            if account is None or (await connection.execute(enabled)).one_or_none() is None:
                raise WireError("sign_in_invalid")
            return await _open(connection, account, now)

    async def open(self, account: AccountName, now: float) -> str:
        """A sign-in for one who has proven to be `account`; returns the cookie's value."""
        async with self._database.write() as connection:
            return await _open(connection, account, now)

    async def find(self, cookie: str | None, now: float) -> SignIn:
        """Whose cookie it is. Raises WireError ``unauthenticated``."""
        if not cookie:
            raise WireError("unauthenticated", "sign in first")
        query = (
            select(
                *(sign_ins.c.account, sign_ins.c.expires_at, sign_ins.c.hash),
                *(accounts.c.role, accounts.c.organizer),
            )
            .join(accounts, accounts.c.name == sign_ins.c.account)
            .where(
                sign_ins.c.hash == _hash(cookie),
                sign_ins.c.ended_at.is_(None),
                sign_ins.c.expires_at > now,
                accounts.c.disabled_at.is_(None),
            )
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise WireError("unauthenticated", "the sign-in is over; sign in again")
        account, role = AccountName(row.account), cast(Role, row.role)
        return SignIn(account, role, row.expires_at, row.hash, row.organizer)

    async def over(self, held: Iterable[bytes], now: float) -> set[bytes]:
        """Which of these sign-ins, by id, hold no longer, whoever has ended them."""
        asked = set(held)
        query = (
            select(sign_ins.c.hash)
            .join(accounts, accounts.c.name == sign_ins.c.account)
            .where(
                sign_ins.c.hash.in_(asked),
                sign_ins.c.ended_at.is_(None),
                sign_ins.c.expires_at > now,
                accounts.c.disabled_at.is_(None),
            )
        )
        async with self._database.read() as connection:
            return asked - {row.hash for row in await connection.execute(query)}

    async def end(self, sign_in: SignIn, now: float) -> None:
        """Sign out."""
        async with self._database.write() as connection:
            await connection.execute(
                update(sign_ins).where(sign_ins.c.hash == sign_in.id).values(ended_at=now)
            )

    # --- the administrator's side ---------------------------------------------------------------

    async def all(self) -> list[Account]:
        """Every account, by name."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(accounts).order_by(accounts.c.name))
            return [_account(row) for row in rows]

    async def account(self, name: str) -> Account | None:
        """One account, or None."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(accounts).where(accounts.c.name == name))
            row = rows.one_or_none()
        return None if row is None else _account(row)

    async def add(
        self, name: AccountName, role: Role, password_hash: str, organizer: str | None = None
    ) -> None:
        """A new account, of one organizer or of all. Raises UnknownAccountError if there is one of
        that name."""
        if organizer is not None:
            organizer = unicodedata.normalize("NFC", organizer)
        async with self._database.write() as connection:
            added = await connection.execute(
                upsert(accounts)
                .values(name=name, role=role, password_hash=password_hash, organizer=organizer)
                .on_conflict_do_nothing()
            )
            if added.rowcount != 1:
                raise UnknownAccountError(f"there is an account {name!r} already")

    async def set_password(self, name: str, password_hash: str, now: float) -> None:
        """Another password; whoever is signed in must use it. Raises UnknownAccountError."""
        await self._change(name, now, password_hash=password_hash)

    async def disable(self, name: str, now: float) -> None:
        """Nobody may sign in as `name`, and who has is out. Raises UnknownAccountError."""
        await self._change(name, now, disabled_at=now)

    async def enable(self, name: str, now: float) -> None:
        """It may sign in again. Raises UnknownAccountError."""
        await self._change(name, now, disabled_at=None)

    async def _change(self, name: str, now: float, **values: Any) -> None:
        async with self._database.write() as connection:
            changed: CursorResult[Any] = await connection.execute(
                update(accounts).where(accounts.c.name == name).values(**values)
            )
            if changed.rowcount != 1:
                raise UnknownAccountError(f"there is no account {name!r}")
            await connection.execute(
                update(sign_ins)
                .where(sign_ins.c.account == name, sign_ins.c.ended_at.is_(None))
                .values(ended_at=now)
            )


async def _open(connection: AsyncConnection, account: str, now: float) -> str:
    cookie = secrets.token_urlsafe(32)
    await connection.execute(
        sign_ins.insert().values(
            hash=_hash(cookie), account=account, expires_at=now + SIGN_IN_LIFETIME_S
        )
    )
    return cookie


def _account(row: Any) -> Account:
    return Account(
        AccountName(row.name),
        cast(Role, row.role),
        row.password_hash,
        row.disabled_at is not None,
        row.organizer,
    )
