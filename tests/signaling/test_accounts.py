"""One-time codes and sign-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.accounts import (
    CODE_LIFETIME_S,
    SIGN_IN_LIFETIME_S,
    Account,
    Accounts,
    UnknownAccountError,
)
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


async def test_account_is_added_once(accounts: Accounts) -> None:
    await accounts.add(OPERATOR, "technician", "hash")

    with pytest.raises(UnknownAccountError, match="already"):
        await accounts.add(OPERATOR, "operator", "other")

    assert await accounts.account("operator") == Account(OPERATOR, "technician", "hash", False)
    assert await accounts.all() == [await accounts.account("operator")]
    assert await accounts.account("nobody") is None


async def test_disabled_account_is_out_at_once_and_stays_out(accounts: Accounts) -> None:
    code = await accounts.mint_code(OPERATOR, "operator", 0.0)
    cookie = await accounts.exchange(await accounts.mint_code(OPERATOR, "operator", 0.0), 0.0)
    sign_in = await accounts.find(cookie, 1.0)
    assert await accounts.over([sign_in.id], 1.0) == set()

    await accounts.disable("operator", 2.0)

    assert await accounts.over([sign_in.id], 2.0) == {sign_in.id}
    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, 2.0)
    with pytest.raises(WireError, match="sign_in_invalid"):
        await accounts.exchange(code, 2.0)

    await accounts.enable("operator", 3.0)

    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, 3.0)
    fresh = await accounts.exchange(await accounts.mint_code(OPERATOR, "operator", 3.0), 3.0)
    assert (await accounts.find(fresh, 3.0)).account == "operator"


async def test_new_password_ends_what_the_old_one_opened(accounts: Accounts) -> None:
    await accounts.add(OPERATOR, "operator", "old")
    cookie = await accounts.open(OPERATOR, 0.0)

    await accounts.set_password("operator", "new", 1.0)

    with pytest.raises(WireError, match="unauthenticated"):
        await accounts.find(cookie, 1.0)
    account = await accounts.account("operator")
    assert account is not None
    assert account.password_hash == "new"


@pytest.mark.parametrize("change", ["disable", "enable"])
async def test_unknown_account_cannot_be_changed(accounts: Accounts, change: str) -> None:
    with pytest.raises(UnknownAccountError, match="nobody"):
        await getattr(accounts, change)("nobody", 0.0)
