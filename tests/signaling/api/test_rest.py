"""REST resources: sign-in, conferences, links, exchange; and every refusal as a problem."""

from __future__ import annotations

import aiohttp
import msgspec
import pytest
from sqlalchemy import text
from yarl import URL

from signaling.accounts import CODE_LIFETIME_S
from signaling.links import LIFETIME_S
from signaling.wire.codec import MAX_BODY, encode
from signaling.wire.rest import LinkExchange, SignInRequest
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.build import DA_NANG
from tests.signaling.stage import Stage


async def told(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status, and the problem's code if it is one."""
    async with response:
        if response.content_type != "application/problem+json":
            return response.status, ""
        body = await response.json(content_type=None)
        return response.status, body["code"]


async def get(page: Page, path: str, **headers: str) -> tuple[int, str]:
    return await told(await page.http.get(path, headers=headers))


async def test_sign_in_link_is_good_once(stage: Stage) -> None:
    link = await stage.server.mint_sign_in("operator")
    first, second = await stage.page(), await stage.page()

    async with await first.sign_in(link) as response:
        assert await response.json() == {
            "account": "operator",
            "role": "operator",
            "organizer": None,
        }
        cookie = response.cookies["diemcau_sign_in"]
    again = await told(await second.sign_in(link))

    assert link.startswith(f"{stage.url}/sign-in#code=")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert again == (401, "sign_in_invalid")


async def test_sign_in_link_expires(stage: Stage, clock: FakeClock) -> None:
    link = await stage.server.mint_sign_in("operator")
    clock.advance(CODE_LIFETIME_S + 1)

    assert await told(await (await stage.page()).sign_in(link)) == (401, "sign_in_invalid")


async def test_wrong_codes_are_limited_and_a_right_one_works_all_the_same(stage: Stage) -> None:
    page = await stage.page()
    body = encode(SignInRequest("wrong-code-000"))
    answers = [await told(await page.post("/api/sign-in", body)) for _ in range(11)]

    assert answers[:10] == [(401, "sign_in_invalid")] * 10
    assert answers[10] == (429, "rate_limited")
    async with await page.sign_in(await stage.server.mint_sign_in("operator")) as response:
        assert response.status == 200


async def test_limit_of_wrong_codes_passes(stage: Stage, clock: FakeClock) -> None:
    page = await stage.page()
    body = encode(SignInRequest("wrong-code-000"))
    for _ in range(11):
        await told(await page.post("/api/sign-in", body))

    clock.advance(60)

    assert await told(await page.post("/api/sign-in", body)) == (401, "sign_in_invalid")


async def test_me_knows_who_is_signed_in(stage: Stage) -> None:
    page = await stage.signed_in("technician")

    async with page.http.get("/api/me") as response:
        assert await response.json() == {
            "account": "technician",
            "role": "technician",
            "organizer": None,
        }


async def test_signed_out_is_signed_out(stage: Stage) -> None:
    page = await stage.signed_in()
    other = await stage.page()
    other.adopt_cookies(page)

    async with await page.post("/api/sign-out", "{}") as response:
        assert response.status == 204

    assert await get(page, "/api/me") == (401, "unauthenticated")
    assert await get(other, "/api/me") == (401, "unauthenticated")


@pytest.mark.parametrize(
    "path",
    [
        "/api/me",
        "/api/templates",
        "/api/conferences",
        "/api/conferences/x",
        "/api/conferences/x/links",
    ],
)
async def test_nothing_is_told_without_a_sign_in(stage: Stage, path: str) -> None:
    assert await get(await stage.page(), path) == (401, "unauthenticated")


async def test_templates_and_conferences_are_listed(stage: Stage) -> None:
    page = await stage.signed_in()

    async with page.http.get("/api/templates") as response:
        templates = await response.json()
    async with page.http.get("/api/conferences") as response:
        conferences = await response.json()

    assert [(one["template"], one["sites"]) for one in templates] == [("small", 6)]
    assert [(one["conference"], one["phase"]) for one in conferences] == [
        (stage.conference, "scheduled")
    ]


async def test_operator_creates_a_conference_and_it_is_the_newest(stage: Stage) -> None:
    page = await stage.signed_in()

    async with await page.post(
        "/api/conferences", '{"template": "small", "title": "Chạy thử"}'
    ) as response:
        assert response.status == 201
        created = await response.json()
        location = response.headers["Location"]
    async with page.http.get("/api/conferences") as response:
        newest = (await response.json())[0]
    async with page.http.get(location) as response:
        assert await response.json() == created

    assert newest == created
    assert created["title"] == "Chạy thử"


async def test_technician_may_not_create_nor_see_links(stage: Stage) -> None:
    page = await stage.signed_in("technician")

    created = await told(await page.post("/api/conferences", '{"template": "small"}'))

    assert created == (403, "forbidden")
    assert await get(page, f"/api/conferences/{stage.conference}/links") == (403, "forbidden")
    assert len(stage.server.conferences()) == 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("{", (400, "bad_json")),
        ("[]", (400, "bad_message")),
        ("{}", (400, "bad_message")),
        ('{"template": 3}', (400, "bad_message")),
        ('{"template": ""}', (400, "bad_message")),
        ('{"template": "none"}', (404, "unknown_template")),
        ('{"template": "../../etc/passwd"}', (404, "unknown_template")),
        ('{"template": "small", "title": "' + "x" * 301 + '"}', (400, "bad_message")),
        ('{"template": "small", "pad": "' + "x" * MAX_BODY + '"}', (413, "too_large")),
    ],
)
async def test_bad_body_is_refused_and_nothing_is_created(
    stage: Stage, body: str, answer: tuple[int, str]
) -> None:
    page = await stage.signed_in()

    assert await told(await page.post("/api/conferences", body)) == answer
    assert len(stage.server.conferences()) == 1


async def test_body_must_be_json_by_its_type(stage: Stage) -> None:
    page = await stage.signed_in()
    headers = {"Content-Type": "text/plain"}

    answer = await told(await page.post("/api/conferences", '{"template": "small"}', **headers))

    assert answer == (415, "unsupported_media_type")


async def test_links_lead_to_every_site_in_protocol_order(stage: Stage) -> None:
    page = await stage.signed_in()

    async with page.http.get(f"/api/conferences/{stage.conference}/links") as response:
        links = await response.json()

    assert [link["site"] for link in links] == ["00", "48", "01", "79", "31", "92"]
    assert links[1]["url"].startswith(f"{stage.url}/c/{stage.conference}/s/48/#t=")
    assert links == msgspec.to_builtins(await stage.server.site_links(stage.conference))


async def test_exchange_seats_a_device_as_often_as_needed(stage: Stage) -> None:
    page = await stage.page()
    link = await stage.link("48")

    async with await page.exchange(link) as response:
        assert await response.json() == {
            "conference": stage.conference,
            "title": "Hội nghị",
            "site": "48",
            "name": "Đà Nẵng",
            "banner": "Sở Đà Nẵng",
        }
        cookie = response.cookies["diemcau_device"]
    await page.connect()
    device = stage.state.seats[DA_NANG].device
    async with await page.exchange(link) as response:
        assert response.status == 200
    await page.connect()

    assert cookie["path"] == f"/c/{stage.conference}/s/48/"
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert stage.state.seats[DA_NANG].device == device


async def test_link_of_another_site_is_foreign(stage: Stage) -> None:
    page = await stage.page()

    answer = await told(await page.exchange(await stage.link("48"), f"/c/{stage.conference}/s/01/"))

    assert answer == (403, "link_foreign")
    assert len(page.http.cookie_jar) == 0


async def test_link_of_another_conference_is_foreign(stage: Stage) -> None:
    operator, page = await stage.signed_in(), await stage.page()
    async with await operator.post("/api/conferences", '{"template": "small"}') as response:
        other = (await response.json())["conference"]

    answer = await told(await page.exchange(await stage.link("48"), f"/c/{other}/s/48/"))

    assert answer == (403, "link_foreign")


async def test_expired_link_is_told_so(stage: Stage, clock: FakeClock) -> None:
    link = await stage.link("48")
    clock.advance(LIFETIME_S + 1)

    assert await told(await (await stage.page()).exchange(link)) == (401, "link_expired")


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_wrong_link_is_invalid(stage: Stage, token: str) -> None:
    page = await stage.page()

    answer = await told(
        await page.post(f"/c/{stage.conference}/s/48/exchange", encode(LinkExchange(token)))
    )

    assert answer == (401, "link_invalid")


async def test_link_with_a_changed_signature_is_invalid(stage: Stage) -> None:
    link = await stage.link("48")
    flipped = link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]

    assert await told(await (await stage.page()).exchange(flipped)) == (401, "link_invalid")


async def test_wrong_links_are_limited_per_site(stage: Stage) -> None:
    page = await stage.page()
    body = encode(LinkExchange("wrong"))
    for _ in range(20):
        await told(await page.post(f"/c/{stage.conference}/s/48/exchange", body))

    limited = await told(await page.post(f"/c/{stage.conference}/s/48/exchange", body))
    other = await told(await page.exchange(await stage.link("01")))
    right = await told(await page.exchange(await stage.link("48")))

    assert limited == (429, "rate_limited")
    assert right == (200, "")
    assert other == (200, "")


async def test_exchange_in_an_unknown_conference_is_not_found(stage: Stage) -> None:
    page = await stage.page()

    answer = await told(await page.exchange(await stage.link("48"), "/c/none/s/48/"))

    assert answer == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/api/nothing", (404, "not_found")),
        ("GET", "/%00", (404, "not_found")),
        ("GET", "/api/conferences/none", (404, "not_found")),
        ("DELETE", "/api/conferences", (405, "method_not_allowed")),
        ("GET", "/whip", (405, "method_not_allowed")),
        ("PUT", "/", (405, "method_not_allowed")),
        ("GET", "/api/conferences/none/socket", (400, "bad_message")),
        ("GET", "/control", (401, "unauthenticated")),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    stage: Stage, method: str, path: str, answer: tuple[int, str]
) -> None:
    page = await stage.signed_in()

    assert await told(await page.http.request(method, URL(path, encoded=True))) == answer


async def test_fault_of_the_service_shows_no_traceback(stage: Stage) -> None:
    page = await stage.signed_in()
    async with stage.server.services.database.write() as connection:
        await connection.execute(text("DROP TABLE sign_ins"))

    async with page.http.get("/api/me") as response:
        body = await response.text()
        assert (response.status, response.content_type) == (500, "application/problem+json")

    assert "internal" in body
    assert "sign_ins" not in body
