"""Refusals as they are answered, and clients that have gone before their answer."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from signaling.api.problems import Handler, problem_response, problems
from signaling.wire.errors import TooOftenError, WireError


async def prepare(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    return ws


async def gone(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    for _ in range(3):
        await asyncio.sleep(0)
    return await prepare(request)


async def going(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return await prepare(request)


async def gone_after_the_upgrade(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    assert request.transport is not None
    request.transport.abort()
    await ws.send_str("too late")
    return ws


async def broken_within(_request: web.Request) -> web.StreamResponse:
    raise ConnectionError("of something else")


async def ask(handler: Handler) -> int:
    """The status with which a WebSocket is refused; 0 if the connection ends without an answer."""
    app = web.Application(middlewares=[problems])
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"http://{host}:{port}/") as ws,
        ):
            await ws.receive()
        return 0
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status
    except aiohttp.ClientError:
        return 0
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("handler", [gone, going, gone_after_the_upgrade])
async def test_client_that_has_gone_is_no_fault(
    handler: Handler, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ask(handler) == 0

    assert caplog.records == []
    assert capsys.readouterr().out == ""


async def test_broken_connection_to_something_else_is_a_fault() -> None:
    assert await ask(broken_within) == 500


@pytest.mark.parametrize(("wait_s", "told"), [(0.0, "1"), (0.2, "1"), (5.01, "6"), (900.0, "900")])
def test_who_comes_too_often_is_told_when_to_come_again(wait_s: float, told: str) -> None:
    refused = TooOftenError("rate_limited", "too many", wait_s)

    assert problem_response(refused).headers["Retry-After"] == told


def test_other_refusals_name_no_time() -> None:
    assert "Retry-After" not in problem_response(WireError("forbidden")).headers
