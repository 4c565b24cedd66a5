"""Links as an operator handles them, and what becomes of devices whose link is withdrawn."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from signaling.links import AFTER_END_S
from signaling.options import Options
from signaling.wire.codec import encode
from signaling.wire.commands import End, Start, Unmute
from signaling.wire.ids import SiteCode
from signaling.wire.rest import JoinRequest
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage

DA_NANG = SiteCode("48")


async def told(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status, and the problem's code if it is one."""
    async with response:
        if response.content_type != "application/problem+json":
            return response.status, ""
        return response.status, (await response.json(content_type=None))["code"]


async def change(page: Page, stage: Stage, what: str, site: str = "48") -> tuple[int, str]:
    return await told(
        await page.post(f"/api/conferences/{stage.conference}/links/{site}/{what}", "")
    )


async def code_of(stage: Stage, site: str) -> str:
    links = await stage.server.site_links(stage.conference)
    return next(link.code for link in links if link.site == site)


async def join(page: Page, code: str) -> tuple[int, str]:
    return await told(await page.post("/api/join", encode(JoinRequest(code))))


@pytest.mark.parametrize("what", ["rotate", "revoke"])
async def test_withdrawn_link_ends_its_device_its_media_and_its_tokens(
    stage: Stage, what: str
) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    other = await stage.site("01")
    for page in (site, other):
        async with await page.offer("/whip") as response:
            assert response.status == 201
    link = await stage.link("48")

    assert await change(operator, stage, what) == (200, "")

    closed = await site.closed()
    assert (closed.code, closed.reason) == (4401, "link_revoked")
    await node.until(lambda: [info.port for info in node.sessions.values()] == ["01/main"])
    assert await told(await site.offer("/whip")) == (401, "link_revoked")
    assert await told(await (await stage.page()).exchange(link)) == (401, "link_revoked")
    await site.open()
    assert (await site.closed()).reason == "link_revoked"
    await other.heartbeat()


async def test_new_link_lets_another_device_in_at_once_and_muted(stage: Stage) -> None:
    operator, site = await stage.window(), await stage.site("48")
    waiting = await (await stage.device("48")).connect(standby=True)
    assert await site.command(Unmute("48")) is None

    await change(operator, stage, "rotate")
    assert (await waiting.closed()).reason == "link_revoked"
    fresh = await stage.site("48")

    assert fresh.doors.whip == "/whip"
    assert stage.state.seats[DA_NANG].muted_by_site
    assert stage.state.seats[DA_NANG].standby is None


async def test_device_between_cookie_and_hello_is_out_too(stage: Stage) -> None:
    operator, device = await stage.window(), await stage.device("48")
    await device.open()

    await change(operator, stage, "revoke")
    await device.hello()

    assert (await device.closed()).reason == "link_revoked"
    assert stage.state.seats[DA_NANG].device is None


async def test_revoked_link_stays_so_in_the_list_until_it_is_rotated(stage: Stage) -> None:
    page = await stage.signed_in()
    path = f"/api/conferences/{stage.conference}/links"
    await change(page, stage, "revoke")

    async with page.http.get(path) as response:
        revoked = (await response.json())[1]
    assert await told(await page.http.get(f"{path}/48/qr.svg")) == (401, "link_revoked")
    await change(page, stage, "rotate")
    async with page.http.get(path) as response:
        rotated = (await response.json())[1]

    assert (revoked["site"], revoked["url"], revoked["code"], revoked["revoked"]) == (
        ("48", "", "", True)
    )
    assert rotated["url"]
    assert not rotated["revoked"]


async def test_looking_at_a_link_never_uses_it_up(stage: Stage) -> None:
    scanner, page = await stage.page(), await stage.page()
    link = await stage.link("48")

    for method in ("GET", "HEAD", "GET"):
        async with scanner.http.request(method, link):
            pass
    async with await page.exchange(link) as response:
        assert response.status == 200

    await page.connect()


@pytest.mark.parametrize("role", ["technician", "secretary", "viewer"])
async def test_links_are_for_directors_alone(stage: Stage, role: str) -> None:
    page = await stage.signed_in(role)  # type: ignore[arg-type]
    path = f"/api/conferences/{stage.conference}"

    answers = [
        await told(await page.http.get(f"{path}/{what}"))
        for what in ("links", "links.csv", "links/sheet", "links/48/qr.svg")
    ]
    answers += [await change(page, stage, what) for what in ("rotate", "revoke")]

    assert answers == [(403, "forbidden")] * 6


async def test_unknown_site_has_no_link(stage: Stage) -> None:
    page = await stage.signed_in()

    assert await change(page, stage, "revoke", "99") == (404, "unknown_site")
    path = f"/api/conferences/{stage.conference}/links/99/qr.svg"
    assert await told(await page.http.get(path)) == (404, "unknown_site")


async def test_table_sheet_and_picture_can_be_fetched(stage: Stage) -> None:
    page = await stage.signed_in()
    path = f"/api/conferences/{stage.conference}"
    code = await code_of(stage, "48")

    async with page.http.get(f"{path}/links.csv") as response:
        table = await response.text()
        assert response.content_type == "text/csv"
    async with page.http.get(f"{path}/links/sheet") as response:
        sheet, policy = await response.text(), response.headers["Content-Security-Policy"]
    async with page.http.get(f"{path}/links/48/qr.svg") as response:
        assert response.content_type == "image/svg+xml"

    assert code in table
    assert code in sheet
    assert "style-src 'sha256-" in policy
    assert "script-src 'self'" in policy


async def test_no_link_is_shown_before_it_would_work(
    options: Options, start_stage: StartStage
) -> None:
    waiting = replace(options, links_problem="bridge.media_addresses still names this machine only")
    async with start_stage(waiting) as stage:
        page = await stage.signed_in()
        path = f"/api/conferences/{stage.conference}"

        answers = [
            await told(await page.http.get(f"{path}/{what}"))
            for what in ("links", "links.csv", "links/sheet", "links/48/qr.svg")
        ]
        answers.append(await change(page, stage, "rotate"))

    assert answers == [(409, "links_not_ready")] * 5


# --- typed codes --------------------------------------------------------------------------------


async def test_typed_code_seats_a_device(stage: Stage) -> None:
    page = await stage.page()

    typed = encode(JoinRequest((await code_of(stage, "48")).lower()))
    async with await page.post("/api/join", typed) as response:
        seated = await response.json()
        cookie = response.cookies["diemcau_device"]

    assert (seated["conference"], seated["site"]) == (stage.conference, "48")
    assert cookie["path"] == f"/c/{stage.conference}/s/48/"
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    await page.connect(f"/c/{stage.conference}/s/48/socket")
    assert page.doors.whip == "/whip"


async def test_code_typed_again_finds_the_device_that_it_made(stage: Stage) -> None:
    page = await stage.page()
    code = await code_of(stage, "48")
    assert await join(page, code) == (200, "")
    await page.connect(f"/c/{stage.conference}/s/48/socket")
    device = stage.state.seats[DA_NANG].device

    assert await join(page, code) == (200, "")
    await page.connect()

    assert stage.state.seats[DA_NANG].device == device


async def test_code_of_a_rotated_link_is_invalid(stage: Stage) -> None:
    operator, page = await stage.signed_in(), await stage.page()
    code = await code_of(stage, "48")

    await change(operator, stage, "rotate")

    assert await join(page, code) == (401, "code_invalid")
    assert await join(page, await code_of(stage, "48")) == (200, "")


async def test_wrong_codes_are_limited_per_site_and_the_limit_passes(
    stage: Stage, clock: FakeClock
) -> None:
    page = await stage.page()
    answers = [await join(page, "48-AAAAAAAA") for _ in range(11)]

    assert answers == [(401, "code_invalid")] * 10 + [(429, "rate_limited")]
    assert await join(page, await code_of(stage, "48")) == (429, "rate_limited")
    assert await join(page, await code_of(stage, "01")) == (200, "")

    body = encode(JoinRequest("48-AAAAAAAA"))
    async with await page.post("/api/join", body) as response:
        clock.advance(float(response.headers["Retry-After"]))
    assert await join(page, await code_of(stage, "48")) == (200, "")


async def test_wrong_codes_are_limited_per_address_and_in_all(
    options: Options, start_stage: StartStage
) -> None:
    async with start_stage(replace(options, trusted_proxies=("127.0.0.1",))) as stage:
        page = await stage.page()

        async def guess(n: int, address: str) -> str:
            headers = {"X-Forwarded-For": address}
            body = encode(JoinRequest(f"{n}-AAAAAAAA"))
            return (await told(await page.post("/api/join", body, **headers)))[1]

        one = [await guess(n, "198.51.100.1") for n in range(21)]
        others = [await guess(n, f"203.0.113.{n}") for n in range(41)]

    assert one == ["code_invalid"] * 20 + ["rate_limited"]
    assert others == ["code_invalid"] * 40 + ["rate_limited"]


async def test_right_code_works_where_others_have_typed_wrong_ones(stage: Stage) -> None:
    page = await stage.page()
    wrong = [await join(page, f"{n}99-AAAAAAAA") for n in range(61)]

    assert wrong[-1] == (429, "rate_limited")
    assert await join(page, await code_of(stage, "48")) == (200, "")


async def test_right_code_does_not_use_up_its_site_s_limit(stage: Stage) -> None:
    page, code = await stage.page(), await code_of(stage, "48")

    assert [await join(page, code) for _ in range(12)] == [(200, "")] * 12


async def test_guesses_of_one_site_at_once_are_all_counted(stage: Stage) -> None:
    page = await stage.page()

    answers = await asyncio.gather(*(join(page, "48-AAAAAAAA") for _ in range(15)))

    assert sorted(answers) == [(401, "code_invalid")] * 10 + [(429, "rate_limited")] * 5


async def test_forwarded_address_of_a_stranger_is_not_believed(stage: Stage) -> None:
    page = await stage.page()
    answers = [
        await told(
            await page.post(
                "/api/join",
                encode(JoinRequest(f"{n}-AAAAAAAA")),
                **{"X-Forwarded-For": f"203.0.113.{n}"},
            )
        )
        for n in range(21)
    ]

    assert answers[-1] == (429, "rate_limited")


@pytest.mark.parametrize("code", ["x", "48", "ABCDEFGH", "48-ABCDEFG1", "…"])
async def test_what_is_no_code_is_invalid(stage: Stage, code: str) -> None:
    assert await join(await stage.page(), code) == (401, "code_invalid")


async def test_link_and_code_hold_for_a_day_after_the_end(stage: Stage, clock: FakeClock) -> None:
    operator, site = await stage.window(), await stage.site("48")
    code, link = await code_of(stage, "48"), await stage.link("48")
    await operator.command(Start())
    await operator.command(End())

    clock.advance(AFTER_END_S - 60)
    assert await join(await stage.page(), code) == (200, "")

    clock.advance(60)
    closed = await site.closed()
    assert (closed.code, closed.reason) == (4401, "link_expired")
    assert await join(await stage.page(), code) == (401, "code_invalid")
    assert await told(await (await stage.page()).exchange(link)) == (401, "link_expired")
