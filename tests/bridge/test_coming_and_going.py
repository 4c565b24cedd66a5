"""Sessions come and go by the hundred: nothing of them stays, over UDP and ICE-TCP."""

import asyncio
import gc
from pathlib import Path

import pytest

from bridge.ice import IceLite
from bridge.mediasocket import MediaAddress
from bridge.publishing import Publisher
from bridge.receiving import Receiver
from bridge.session import Session
from bridge.slot import Slot
from bridge.source import Source
from bridge.transport import SecureChannel
from signaling.wire.control import CloseSession
from tests.bridge.client import Client, TcpClient, keyframe
from tests.bridge.house import House

PAIRS = 60
WARM = 10
GROWTH_KIB = 10 * 1024
"""Of a whole run: a leak of 50 KiB a session would be the double."""
KINDS = (Session, Publisher, Receiver, Source, Slot, IceLite)


@pytest.fixture(params=["python", "compiled"])
async def house(request):
    house = House(announce=[MediaAddress("127.0.0.1", 0, tcp_port=0)], packet_path=request.param)
    yield house
    house.node.close()


async def come_and_go(house, kind, how):
    """A publisher and a receiver with a picture between them, until both have left."""
    site = await house.publisher("48/main", ("video",), kind)
    operator = await house.receiver("op/1", "stage:1", kind)
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1))
    await operator.until(lambda: operator.received)
    for client, direction in ((site, "publish"), (operator, "receive")):
        if how == "closed":
            house.node.handle(CloseSession(1, client.session))
            client.close()
        else:
            client.channel.close()
            await house.until(
                lambda client=client, direction=direction: (
                    (
                        *("48/main" if direction == "publish" else "op/1", direction),
                        *("closed", "peer_closed"),
                    )
                    in house.edges
                )
            )
            client.transport.close()
    house.route()
    house.clients.clear()
    house.edges.clear()


def handles():
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_kib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


async def settled(condition):
    """Transports close in the turns of the loop that follow."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the kernel tells no one
            await asyncio.sleep(0.01)


async def test_nothing_stays_of_those_who_left(house):
    async def hundreds(pairs):
        for number in range(pairs):
            kind = TcpClient if number % 4 == 3 else Client
            await come_and_go(house, kind, "closed" if number % 2 else "gone")
        gc.collect()

    await hundreds(WARM)
    tasks, files = len(asyncio.all_tasks()), handles()
    memory = resident_kib()
    await hundreds(PAIRS)
    await settled(lambda: handles() <= files and len(asyncio.all_tasks()) <= tasks)
    gc.collect()
    held = gc.get_objects()
    assert [type(one).__name__ for one in held if isinstance(one, KINDS)] == []
    # some of the newest clients' own may be held by transports that are about to close
    assert sum(isinstance(one, SecureChannel) for one in held) <= 8
    assert house.node.sessions() == []
    assert house.node.tables() == []
    assert resident_kib() - memory < GROWTH_KIB
