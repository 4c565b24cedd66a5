"""Caddy reads its file, and a service behind it is reached as the protocol wants it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.deploy.tools import DEPLOY, passes, run

FILE = DEPLOY / "Caddyfile"


def test_the_file_is_valid_and_formatted() -> None:
    passes("caddy", "validate", "--config", FILE, "--adapter", "caddyfile")
    passes("caddy", "fmt", FILE)
    assert run("caddy", "fmt", "--diff", FILE)[0] == 0


def test_a_misspelt_directive_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text(FILE.read_text().replace("reverse_proxy", "reverse_porxy"))
    assert run("caddy", "validate", "--config", file, "--adapter", "caddyfile")[0] != 0


async def whip(request: web.Request) -> web.Response:
    body = await request.text()
    seen = request.headers.get("X-Forwarded-For", "")
    headers = {"Location": "/whip/node-1/x", "ETag": '"x"', "Seen": seen, "Host-Seen": request.host}
    return web.Response(status=201, text=body, headers=headers, content_type="application/sdp")


async def echo(request: web.Request) -> web.WebSocketResponse:
    page = web.WebSocketResponse()
    await page.prepare(request)
    async for frame in page:
        await page.send_str(f"{request.headers.get('Origin')} {frame.data}")
    return page


async def told(request: web.Request) -> web.Response:
    return web.Response(text="figures")


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A service of a few lines, behind a real Caddy with our file; the address of Caddy."""
    app = web.Application(client_max_size=2**20)
    app.router.add_post("/whip", whip)
    app.router.add_get("/socket", echo)
    app.router.add_get("/metrics", told)
    service = TestServer(app)
    await service.start_server()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    caddy = await asyncio.create_subprocess_exec(
        *("caddy", "run", "--config", str(FILE), "--adapter", "caddyfile"),
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PUBLIC_HOST": url,
            "UPSTREAM": f"127.0.0.1:{service.port}",
            "CADDY_ADMIN": "off",
        },
    )
    assert caddy.stderr is not None
    async for line in caddy.stderr:
        if b"serving initial configuration" in line:
            break
    draining = asyncio.create_task(caddy.stderr.read())
    yield url
    caddy.terminate()
    await caddy.wait()
    await draining
    await service.close()


async def test_an_offer_gets_its_answer_with_its_headers(url: str) -> None:
    offer = "v=0\r\n" + "a=x\r\n" * 80_000  # as large as an offer may be
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/whip", data=offer.encode()) as answer,
    ):
        assert (answer.status, answer.content_type) == (201, "application/sdp")
        assert answer.headers["Location"] == "/whip/node-1/x"
        assert answer.headers["Seen"] == "127.0.0.1"
        assert url.endswith(answer.headers["Host-Seen"])
        assert await answer.text() == offer


async def test_page_sockets_pass_both_ways(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for number in range(2):
            async with http.ws_connect(f"{url}/socket", origin=url) as page:
                await page.send_str(f"hello {number}")
                assert await page.receive_str(timeout=10) == f"{url} hello {number}"


async def test_figures_are_for_this_machine_alone(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        assert answer.status == 404
        assert "figures" not in await answer.text()
