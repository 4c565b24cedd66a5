"""A real TURN server with our file: lets in who has a valid credential, for its time only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun, turn

from tests.deploy.tools import DEPLOY

SECRET = "a secret of this test alone"


def credential(expires_in_s: float, secret: str = SECRET) -> tuple[str, str]:
    """User name and password as the file's head describes them."""
    username = f"{int(time.time() + expires_in_s)}:48"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """coturn on loopback, and where it listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(DEPLOY / "turnserver.conf"), f"--static-auth-secret={SECRET}"),
        *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"),
        *("--no-tls", "--no-dtls", "--no-tcp", "--allow-loopback-peers"),
        *(f"--pidfile={tmp_path / 'pid'}", f"--userdb={tmp_path / 'db'}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = bytearray()
    assert process.stdout is not None
    async for line in process.stdout:
        output += line
        if b"DB connection success" in line:  # the last thing that it says
            break
    assert b"Bad configuration" not in output, output.decode()
    draining = asyncio.create_task(process.stdout.read())
    yield "127.0.0.1", port
    process.terminate()
    await process.wait()
    await draining


async def allocate(server: tuple[str, int], username: str, password: str) -> int:
    """The relayed port that the server gives."""
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, server, username, password
    )
    relayed = transport.get_extra_info("sockname")
    transport.close()
    return int(relayed[1])


async def test_a_credential_of_its_time_gets_a_relay(server: tuple[str, int]) -> None:
    assert 49160 <= await allocate(server, *credential(60)) <= 49999


@pytest.mark.parametrize(
    ("expires_in_s", "secret"), [(-60, SECRET), (60, "another secret")], ids=["expired", "forged"]
)
async def test_others_are_refused(
    server: tuple[str, int], expires_in_s: float, secret: str
) -> None:
    with pytest.raises(stun.TransactionFailed, match="401"):
        await allocate(server, *credential(expires_in_s, secret))
