"""What `diemcau doctor` says of a TURN server; a real one answers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.checks import Finding
from cli.turncheck import check_turn
from config.settings import load_settings
from tests.service import free_port
from tests.turn import SECRET, TurnServer, running_turn


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TurnServer]:
    async with running_turn(tmp_path) as server:
        yield server


async def check(
    *urls: str,
    secret: str = SECRET,
    media: str = "127.0.0.1",
    trusted: ssl.SSLContext | None = None,
) -> list[Finding]:
    settings = load_settings(
        {},
        options={
            "signaling.turn_urls": ",".join(urls),
            "turn_secret": secret,
            "bridge.media_addresses": media,
        },
    )
    return [finding async for finding in check_turn(settings, trusted)]


async def test_each_way_that_gives_a_relay_is_fine(server: TurnServer) -> None:
    trusted = ssl.create_default_context(cafile=server.certificate)
    trusted.check_hostname = False
    found = await check(
        f"turn:127.0.0.1:{server.port}",
        f"turn:127.0.0.1:{server.port}?transport=tcp",
        f"turns:127.0.0.1:{server.tls_port}",
        trusted=trusted,
    )
    assert [finding.level for finding in found] == ["ok"] * 3


async def test_a_certificate_that_browsers_refuse_is_named(server: TurnServer) -> None:
    [found] = await check(f"turns:127.0.0.1:{server.tls_port}?transport=tcp")
    assert (found.level, "certificate" in found.advice) == ("fail", True)


async def test_another_secret_is_named(server: TurnServer) -> None:
    [found] = await check(f"turn:127.0.0.1:{server.port}", secret="not-the-one-of-coturn")
    assert found.level == "fail"
    assert "401" in found.what
    assert "static-auth-secret" in found.advice
    assert "not-the-one" not in found.what + found.advice


async def test_a_server_that_does_not_relay_to_the_bridge_is_told_what_to_allow(
    server: TurnServer,
) -> None:
    [found] = await check(f"turn:127.0.0.1:{server.port}", media="127.0.0.1,192.0.2.10")
    assert found.level == "fail"
    assert found.advice.startswith("write allowed-peer-ip=192.0.2.10 ")


async def test_nobody_at_the_port_is_named() -> None:
    [found] = await check(f"turn:127.0.0.1:{free_port()}?transport=tcp")
    assert found.level == "fail"
    assert "coturn running" in found.advice


async def test_without_a_server_there_is_nothing_to_say() -> None:
    settings = load_settings({})
    assert [finding async for finding in check_turn(settings)] == []
