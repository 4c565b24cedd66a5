"""Foreign pages cannot act for a signed-in person, and our pages load nothing from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import pytest

from signaling.options import Options
from signaling.wire.commands import Start
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage

FOREIGN = ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://", "http://["]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_cannot_change_anything(stage: Stage, origin: str) -> None:
    page = await stage.signed_in()

    async with await page.post(
        "/api/conferences", '{"template": "small"}', Origin=origin
    ) as response:
        body = await response.json(content_type=None)

    assert (response.status, body["code"]) == (403, "foreign_origin")
    assert len(stage.server.conferences()) == 1


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_gets_no_socket(stage: Stage, origin: str) -> None:
    page, site = await stage.signed_in(), await stage.device("48")

    for one in (page, site):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await one.open(Origin=origin)
        assert refused.value.status == 403

    assert not stage.state.seats[next(iter(stage.state.seats))].present


@pytest.mark.parametrize("origin_of", [lambda stage: stage.url, lambda _: None])
async def test_own_origin_and_none_are_served(
    stage: Stage, origin_of: Callable[[Stage], str | None]
) -> None:
    page = await stage.signed_in()
    origin = origin_of(stage)
    headers = {"Origin": origin} if origin else {}

    await page.connect(**headers)

    assert await page.command(Start()) is None


async def test_public_url_is_an_own_origin_and_makes_cookies_secure(
    options: Options, start_stage: StartStage
) -> None:
    public = replace(options, public_url="https://hop.example.vn")
    async with start_stage(public) as stage:
        page = await stage.page()
        link = await stage.server.mint_sign_in("operator")
        async with await page.sign_in(link) as response:
            cookie = response.cookies["diemcau_sign_in"]
            transport_security = response.headers["Strict-Transport-Security"]
        async with await page.post(
            "/api/sign-out", "{}", Origin="https://hop.example.vn"
        ) as response:
            assert response.status == 401

        assert link.startswith("https://hop.example.vn/sign-in#code=")
        assert (await stage.link("48")).startswith("https://hop.example.vn/c/")
        assert cookie["secure"] is True
        assert transport_security == "max-age=31536000"


@pytest.mark.parametrize("path", ["/operator/", "/api/me", "/nothing", "/livez"])
async def test_every_answer_carries_the_policy(stage: Stage, path: str) -> None:
    page = await stage.page()

    async with page.http.get(path) as response:
        headers = response.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Server"] == "diemcau"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("request_line", "header", "status"),
    [
        (b"OPTIONS * HTTP/1.1", b"Accept: */*", 404),
        (b"CONNECT a.example:1 HTTP/1.1", b"Accept: */*", 404),
        (b"GET /control HTTP/1.1", b"Authorization: Bearer \xff\xfe", 401),
        (b"GET /api/me HTTP/1.1", b"Cookie: diemcau_sign_in=\xff", 401),
        (b"POST /whip HTTP/1.1", b"Authorization: Bearer \xff", 401),
        (b"POST /api/sign-out HTTP/1.1", b"Origin: http://\xff", 403),
    ],
)
async def test_odd_requests_are_refused_and_not_a_fault(
    stage: Stage, request_line: bytes, header: bytes, status: int
) -> None:
    host, port = stage.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = (request_line, b"Host: a.example", header, b"Connection: close", b"", b"")

    writer.write(b"\r\n".join(lines))
    first = await reader.readline()
    writer.close()

    assert first.split()[1] == str(status).encode()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_request_that_a_browser_calls_foreign_is_refused_without_an_origin(
    stage: Stage, site: str
) -> None:
    page = await stage.signed_in()

    async with await page.post(
        "/api/conferences", '{"template": "small"}', **{"Sec-Fetch-Site": site}
    ) as response:
        assert response.status == 403
    async with await page.post(
        "/api/conferences", '{"template": "small"}', **{"Sec-Fetch-Site": "same-origin"}
    ) as response:
        assert response.status == 201


@pytest.mark.parametrize(
    "path",
    [
        "/api/sign-in",
        "/api/sign-out",
        "/api/join",
        "/api/conferences/{c}/links/48/rotate",
        "/api/conferences/{c}/links/48/revoke",
        "/c/{c}/s/48/exchange",
    ],
)
async def test_every_change_asks_where_it_comes_from(stage: Stage, path: str) -> None:
    page = await stage.signed_in()
    link = await stage.link("48")

    async with await page.post(
        path.format(c=stage.conference), "{}", Origin="https://evil.example"
    ) as response:
        assert response.status == 403
        assert (await response.json(content_type=None))["code"] == "foreign_origin"

    assert await stage.link("48") == link
    async with page.http.get("/api/me") as response:
        assert response.status == 200
