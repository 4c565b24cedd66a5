"""One-time codes and sign-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.accounts import CODE_LIFETIME_S, SIGN_IN_LIFETIME_S, Accounts
from signaling.database import FILE_NAME, Database
from signaling.wire.errors import WireError
from signaling.wire.ids import AccountName

OPERATOR = AccountName("operator")


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    database = await Database.open(tmp_path)
    yield Accounts(database)
    await database.close()


async def test_code_buys_a_sign_in_of_its_role(accounts: Accounts) -> None:
    code = await accounts.mint_code(OPERATOR, "operator", 0.0)

    cookie = await accounts.exchange(code, 1.0)
    sign_in = await accounts.find(cookie, 2.0)

    assert (sign_in.account, sign_in.role) == ("operator", "operator")


async def test_code_works_once(accounts: Accounts) -> None:
    code = await accounts.mint_code(OPERATOR, "operator", 0.0)
    await accounts.exchange(code, 1.0)

    with pytest.raises(WireError, match="sign_in_invalid"):
        await accounts.exchange(code, 2.0)


async def test_code_expires(accounts: Accounts) -> None:
    code = await accounts.mint_code(OPERATOR, "operator", 0.0)

    with pytest.raises(WireError, match="sign_in_invalid"):
        await accounts.exchange(code, CODE_LIFETIME_S)


@pytest.mark.parametrize("code", ["wrong-code", "", "\udcff", "x" * 100_000])
async def test_wrong_code_is_refused(accounts: Accounts, code: str) -> None:
    with pytest.raises(WireError, match="sign_in_invalid"):
        await accounts.exchange(code, 0.0)


@pytest.mark.parametrize("cookie", [None, "", "wrong"])
async def test_wrong_cookie_is_nobody(accounts: Accounts, cookie: str | None) -> None:
    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, 0.0)


async def test_sign_in_expires(accounts: Accounts) -> None:
    cookie = await accounts.exchange(await accounts.mint_code(OPERATOR, "operator", 0.0), 0.0)

    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, SIGN_IN_LIFETIME_S)


async def test_sign_in_that_was_ended_is_over(accounts: Accounts) -> None:
    cookie = await accounts.exchange(await accounts.mint_code(OPERATOR, "operator", 0.0), 0.0)

    await accounts.end(await accounts.find(cookie, 1.0), 2.0)

    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, 3.0)


async def test_no_secret_is_stored(accounts: Accounts, tmp_path: Path) -> None:
    code = await accounts.mint_code(OPERATOR, "operator", 0.0)
    cookie = await accounts.exchange(code, 1.0)

    stored = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))

    assert code.encode() not in stored
    assert cookie.encode() not in stored
    assert b"operator" in stored
