"""A real TURN server with our file: whom it lets in, and where it relays to."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun, turn

from signaling.relay import Relay
from signaling.wire.ids import ConferenceId, Port
from tests.turn import SECRET, TurnServer, running_turn

BRIDGE = "127.0.0.1"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TurnServer]:
    """coturn on loopback."""
    async with running_turn(tmp_path, peer=BRIDGE) as server:
        yield server


async def allocate(
    server: TurnServer,
    lifetime_s: float = 60,
    secret: str = SECRET,
    way: str = "udp",
    protocol: asyncio.DatagramProtocol | None = None,
) -> asyncio.DatagramTransport:
    """A relay, for a credential as pages get it."""
    relay = Relay((), secret, lifetime_s)
    told = relay.server(ConferenceId("c"), Port("48/main"), time.time())
    trusted = ssl.create_default_context(cafile=server.certificate)
    trusted.check_hostname = False
    transport, _ = await turn.create_turn_endpoint(
        lambda: protocol or asyncio.DatagramProtocol(),
        (server.host, server.tls_port if way == "tls" else server.port),
        told.username,
        told.credential,
        ssl=trusted if way == "tls" else False,
        transport="udp" if way == "udp" else "tcp",
    )
    return transport


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_a_credential_of_its_time_gets_a_relay(server: TurnServer, way: str) -> None:
    transport = await allocate(server, way=way)
    assert 49160 <= transport.get_extra_info("sockname")[1] <= 49999
    transport.close()


@pytest.mark.parametrize(
    ("lifetime_s", "secret"),
    [(-60, SECRET), (60, "another-secret-of-tests")],
    ids=["expired", "forged"],
)
async def test_others_are_refused(server: TurnServer, lifetime_s: float, secret: str) -> None:
    with pytest.raises(stun.TransactionFailed, match="401"):
        await allocate(server, lifetime_s, secret)


class Listener(asyncio.DatagramProtocol):
    """What came, or what came back."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.heard.put_nowait(data)

    def error_received(self, error: Exception) -> None:
        self.heard.put_nowait(error)


async def test_it_relays_to_the_bridge_and_to_nobody_else(server: TurnServer) -> None:
    loop = asyncio.get_running_loop()
    bridge, at_bridge = await loop.create_datagram_endpoint(Listener, local_addr=(BRIDGE, 0))
    at_site = Listener()
    relayed = await allocate(server, protocol=at_site)
    async with asyncio.timeout(20):
        relayed.sendto(b"for the bridge", bridge.get_extra_info("sockname"))
        assert await at_bridge.heard.get() == b"for the bridge"
        for elsewhere in ("127.0.0.2", "10.0.0.1", "192.0.2.1"):
            relayed.sendto(b"for somebody else", (elsewhere, 40000))
            refused = await at_site.heard.get()
            assert isinstance(refused, stun.TransactionFailed)
            assert "403" in str(refused)
    relayed.close()
    bridge.close()
