"""Sessions come and go by the hundred: nothing of them stays, over UDP, ICE-TCP and trunks, and
nothing waits for the garbage collection, which stops all media while it looks."""

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
from signaling.wire.control import (
    TRUNK_SLOTS,
    CloseSession,
    ConnectTrunk,
    Done,
    OpenSession,
    OpenTrunk,
)
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


@pytest.fixture(autouse=True)
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


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


def held(*kinds):
    return [type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds)]


async def test_nothing_stays_of_trunks_that_are_over():
    a, b = House(), House()
    trunk, port = "trunk/b/48/main", "48/main"

    async def trunks(count):
        for _ in range(count):
            offered = b.node.handle(OpenTrunk(1, "c", port, "a"))
            opening = OpenSession(2, "c", trunk, "receive", offered.offer, list(TRUNK_SLOTS))
            opened = a.node.handle(opening)
            assert b.node.handle(ConnectTrunk(3, offered.session, opened.answer)) == Done(3)
            await b.until(lambda: (port, "publish", "connected", "") in b.edges)
            await a.until(lambda: (trunk, "receive", "connected", "") in a.edges)
            b.node.handle(CloseSession(4, offered.session))
            await a.until(lambda: (trunk, "receive", "closed", "peer_closed") in a.edges)
            a.edges.clear()
            b.edges.clear()

    await trunks(3)
    tasks, files = len(asyncio.all_tasks()), handles()
    await trunks(20)
    await settled(lambda: handles() <= files and len(asyncio.all_tasks()) <= tasks)
    await settled(lambda: held(*KINDS) == [])
    assert (a.node.tables(), b.node.tables()) == ([], [])
    a.node.close()
    b.node.close()


async def test_nothing_stays_of_those_who_left(house):
    async def hundreds(pairs):
        for number in range(pairs):
            kind = TcpClient if number % 4 == 3 else Client
            await come_and_go(house, kind, "closed" if number % 2 else "gone")

    await hundreds(WARM)
    tasks, files = len(asyncio.all_tasks()), handles()
    memory = resident_kib()
    await hundreds(PAIRS)
    await settled(lambda: handles() <= files and len(asyncio.all_tasks()) <= tasks)
    await settled(lambda: held(*KINDS) == [])
    gc.collect()
    # some of the newest clients' own may be held by transports that are about to close
    assert len(held(SecureChannel)) <= 8
    assert house.node.sessions() == []
    assert house.node.tables() == []
    assert resident_kib() - memory < GROWTH_KIB
