"""Sign-in with a name and a password: what is limited, and how a disabled account dies."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from argon2 import PasswordHasher

from signaling.conference.events import decode
from signaling.journal import Journal
from signaling.lockout import WRONG
from signaling.passwords import make_hash
from signaling.wire.codec import encode
from signaling.wire.ids import AccountName, ConferenceId, Role
from signaling.wire.rest import SignInRequest
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.stage import Stage

PASSWORD = "mật khẩu dài"
HASH = make_hash(PASSWORD, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def add(stage: Stage, name: str, role: Role) -> None:
    await stage.server.services.accounts.add(AccountName(name), role, HASH)


async def told(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status, and the problem's code or the role."""
    async with response:
        body = await response.json(content_type=None)
        return response.status, body.get("code") or body["role"]


async def sign_in(page: Page, name: str, password: str = PASSWORD) -> tuple[int, str]:
    body = encode(SignInRequest(account=name, password=password))
    return await told(await page.post("/api/sign-in", body))


@pytest.mark.parametrize("role", ["administrator", "operator", "technician", "secretary", "viewer"])
async def test_password_opens_a_sign_in_of_the_account_s_role(stage: Stage, role: Role) -> None:
    await add(stage, "lan.nguyen", role)
    page = await stage.page()

    assert await sign_in(page, " Lan.Nguyen ") == (200, role)

    async with page.http.get("/api/me") as response:
        me = await response.json()
    assert me == {"account": "lan.nguyen", "role": role, "organizer": None}


async def test_wrong_password_and_unknown_account_look_the_same(stage: Stage) -> None:
    await add(stage, "lan", "operator")
    page = await stage.page()

    answers = []
    for name in ("lan", "nobody", "' OR 1=1 --"):
        body = encode(SignInRequest(account=name, password="wrong"))
        async with await page.post("/api/sign-in", body) as response:
            answers.append((response.status, await response.text()))

    assert answers[0][0] == 401
    assert "bad_credentials" in answers[0][1]
    assert len(set(answers)) == 1
    assert len(page.http.cookie_jar) == 0


@pytest.mark.parametrize("name", ["lan", "nobody"])
async def test_five_wrong_passwords_lock_the_account_also_for_the_right_one(
    stage: Stage, clock: FakeClock, name: str
) -> None:
    await add(stage, "lan", "operator")
    page = await stage.page()

    answers = [await sign_in(page, name, "wrong") for _ in range(WRONG + 1)]

    assert answers == [(401, "bad_credentials")] * WRONG + [(429, "account_locked")]
    assert await sign_in(page, name) == (429, "account_locked")
    body = encode(SignInRequest(account=name, password="wrong"))
    async with await page.post("/api/sign-in", body) as response:
        clock.advance(float(response.headers["Retry-After"]))
    expected = (200, "operator") if name == "lan" else (401, "bad_credentials")
    assert await sign_in(page, name) == expected


async def test_guesses_made_at_once_are_counted_one_by_one(stage: Stage) -> None:
    await add(stage, "lan", "operator")
    page = await stage.page()

    answers = await asyncio.gather(*(sign_in(page, "lan", f"wrong-{n}") for n in range(10)))

    assert sorted(answers) == sorted(
        [(401, "bad_credentials")] * WRONG + [(429, "account_locked")] * (10 - WRONG)
    )


async def test_wrong_passwords_of_one_address_are_limited_over_all_accounts(stage: Stage) -> None:
    page = await stage.page()

    answers = [await sign_in(page, f"name-{n}", "wrong") for n in range(11)]

    assert answers == [(401, "bad_credentials")] * 10 + [(429, "rate_limited")]


async def test_wrong_passwords_of_an_address_leave_its_one_time_codes_alone(stage: Stage) -> None:
    page = await stage.page()
    for n in range(11):
        await sign_in(page, f"name-{n}", "wrong")

    link = await stage.server.mint_sign_in("operator")

    assert await told(await page.sign_in(link)) == (200, "operator")


async def test_wrong_one_time_codes_leave_passwords_of_the_address_alone(stage: Stage) -> None:
    await add(stage, "lan", "operator")
    page = await stage.page()
    for n in range(11):
        await told(await page.post("/api/sign-in", encode(SignInRequest(f"wrong-code-{n:03}"))))

    assert await sign_in(page, "lan") == (200, "operator")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"account": "lan"}',
        '{"password": "x"}',
        '{"account": "lan", "password": ""}',
        '{"code": "12345678", "account": "lan", "password": "x"}',
        '{"account": "' + "x" * 65 + '", "password": "x"}',
        '{"account": "lan", "password": "' + "x" * 257 + '"}',
    ],
)
async def test_sign_in_takes_a_code_or_an_account_with_its_password(
    stage: Stage, body: str
) -> None:
    page = await stage.page()

    assert await told(await page.post("/api/sign-in", body)) == (400, "bad_message")


async def test_account_without_a_password_signs_in_by_link_alone(stage: Stage) -> None:
    await stage.server.mint_sign_in("operator")

    assert await sign_in(await stage.page(), "operator") == (401, "bad_credentials")


async def test_pages_of_a_disabled_account_close_and_its_requests_are_refused(
    stage: Stage,
) -> None:
    await add(stage, "lan", "operator")
    page, other = await stage.page(), await stage.window()
    assert await sign_in(page, "lan") == (200, "operator")
    await page.connect(f"/api/conferences/{stage.conference}/socket")

    # as another process does it, beside the service
    await stage.server.services.accounts.disable("lan", stage.server.services.clock.wall())

    closed = await page.closed()
    assert (closed.code, closed.reason) == (4401, "unauthenticated")
    async with page.http.get("/api/me") as response:
        assert response.status == 401
    assert await sign_in(page, "lan") == (401, "bad_credentials")
    await other.heartbeat()


async def test_actor_in_the_journal_is_the_account(stage: Stage) -> None:
    await add(stage, "lan", "operator")
    page = await stage.page()
    await sign_in(page, "lan")

    async with await page.post("/api/conferences", '{"template": "small"}') as response:
        created = ConferenceId((await response.json())["conference"])

    bodies = await Journal(stage.server.services.database).read(created)
    assert decode(bodies[0]).by == "account/lan"
