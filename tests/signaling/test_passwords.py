"""Passwords: hashed with Argon2id, the same however a keyboard composes them."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from signaling.passwords import MAX_WAITING, Passwords, allowed, make_hash
from signaling.wire.errors import WireError

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SECRET = "mật khẩu dài"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(FAST)
    yield passwords
    passwords.close()


async def test_right_password_is_right_and_a_wrong_one_wrong(passwords: Passwords) -> None:
    stored = make_hash(SECRET, FAST)

    assert stored.startswith("$argon2id$")
    assert SECRET not in stored
    assert await passwords.check(SECRET, stored)
    assert not await passwords.check(SECRET + "x", stored)
    assert not await passwords.check("", stored)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_letters_count_however_they_are_composed(passwords: Passwords, form: str) -> None:
    stored = make_hash(unicodedata.normalize("NFD", SECRET), FAST)

    assert await passwords.check(unicodedata.normalize(form, SECRET), stored)  # type: ignore[arg-type]


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$broken"])
async def test_without_a_hash_nothing_is_right(passwords: Passwords, stored: str | None) -> None:
    assert not await passwords.check("nobody", stored)
    assert not await passwords.check("\ud800", stored)


async def test_sign_ins_take_turns_and_only_so_many_wait(passwords: Passwords) -> None:
    inside = 0

    async def one() -> None:
        nonlocal inside
        async with passwords.turn():
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    outcomes = await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, WireError)]
    assert len(refused) == 50 - MAX_WAITING
    assert {error.code for error in refused} == {"rate_limited"}
    await one()


def test_length_of_a_password_is_limited_both_ways() -> None:
    assert [allowed("x" * n) for n in (0, 9, 10, 256, 257)] == [False, False, True, True, False]
