"""A peer that has the keys and lies: what it protects is authentic, and anything may be in it."""

import asyncio
import gc
import socket
import struct
import tracemalloc
from random import Random

import pytest

from bridge.transport import SrtpError
from tests.bridge.client import delta, keyframe, plain
from tests.bridge.house import House, asks_for_keyframe
from tests.fuzz.mutation import mutations
from tests.fuzz.targets import corpus

PACKETS = 3_000
AT_ONCE = 100
GROWTH_BYTES = 512 * 1024
PUBLISHER, RECEIVER = "48/main", "01/main"


@pytest.fixture
async def house():
    """A node whose loop has nothing to complain about at the end."""
    house, faults = House(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    yield house
    for client in house.clients:
        client.close()
    house.node.close()
    assert faults == []


@pytest.fixture
async def pair(house):
    """A publisher whose camera, SSRC 77, feeds a receiver."""
    publisher = await house.publisher(PUBLISHER, ssrcs=[66, 77])
    receiver = await house.receiver(RECEIVER, "stage:1,floor:1")
    house.route((RECEIVER, "stage:1", PUBLISHER, "camera"))
    return publisher, receiver


async def still_forwards(pair, lies=None):
    """An honest keyframe comes through, whatever was sent before."""
    publisher, receiver = pair
    receiver.received.clear()
    mark = b"still alive"
    sequence = lies.sequence if lies else 0
    async with asyncio.timeout(20):
        while not any(mark in one for one in receiver.received):
            sequence += 1
            picture = keyframe(sequence & 0x7FFF) + mark
            publisher.rtp(77, sequence & 0xFFFF, picture, timestamp=sequence * 9000 & 0xFFFFFFFF)
            await asyncio.sleep(0.02)
    if lies:
        lies.sequence = sequence


async def feed(client, protect, packets):
    """Send what can be protected, no faster than the node reads."""
    sent = 0
    for number, packet in enumerate(packets):
        try:
            datagram = protect(packet)
        except SrtpError:
            # libsrtp itself refuses what is no packet at all
            continue
        client.send(datagram)
        sent += 1
        if number % AT_ONCE == 0:
            await asyncio.sleep(0.005)
    return sent


class Lies:
    """RTP with the SSRC of the camera: its numbers, extensions, padding and payload are mutated."""

    def __init__(self):
        self.sequence = 0

    def packets(self, seed):
        random = Random(seed)
        seeds = [one for one in corpus("rtp") if len(one) >= 12]
        seeds += [plain(77, 5, payload) for payload in corpus("vp8")]
        seeds += [plain(77, 5, keyframe(5)), plain(77, 6, delta(6))]
        for data in mutations(seeds, PACKETS, seed):
            self.sequence += random.choice((1, 1, 1, 2, 40, 400, 30_000, -3))
            packet = bytearray(data[:1200].ljust(12, b"\0"))
            packet[0] = 0x80 | packet[0] & 0x3F
            packet[1] = random.choice((96, 96, 96, 0x80 | 96, 97, packet[1]))
            struct.pack_into("!H", packet, 2, self.sequence & 0xFFFF)
            struct.pack_into("!I", packet, 8, random.choice((77, 77, 77, 66, 78, 79)))
            yield bytes(packet)


def rtcp_compounds(seed, ssrcs):
    """RTCP whose sender is this peer, and that speaks of these streams."""
    random = Random(seed)
    for data in mutations(corpus("rtcp"), PACKETS, seed):
        packet = bytearray(data[:1200].ljust(8, b"\0"))
        packet[0] = 0x80 | packet[0] & 0x3F
        packet[1] = random.choice((200, 201, 202, 203, 205, 206, 207))
        struct.pack_into("!I", packet, 4, 1)
        if len(packet) >= 12 and random.random() < 0.7:
            struct.pack_into("!I", packet, 8, random.choice(ssrcs))
        yield bytes(packet[: len(packet) & ~3])


async def test_lying_rtp_stops_nobody(pair):
    publisher, _ = pair
    lies = Lies()
    sent = await feed(publisher, publisher.channel.protect_rtp, lies.packets(1))
    assert sent > PACKETS / 2
    await still_forwards(pair, lies)


@pytest.mark.parametrize("who", [0, 1])
async def test_lying_rtcp_stops_nobody(pair, who):
    client = pair[who]
    ssrcs = [66, 77, *pair[1].slot_ssrcs]
    sent = await feed(client, client.channel.protect_rtcp, rtcp_compounds(2 + who, ssrcs))
    assert sent > PACKETS / 2
    await still_forwards(pair)


async def test_junk_from_strangers_stops_nobody(pair):
    publisher, _ = pair
    seeds = [one for name in ("stun", "rtp", "rtcp") for one in corpus(name)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number, data in enumerate(mutations(seeds, PACKETS, 5)):
            stranger.sendto(data[:1400], publisher.address)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0.005)
    await still_forwards(pair)


async def test_lies_leave_nothing_behind(pair):
    publisher, receiver = pair
    lies = Lies()

    async def lie(seed):
        await feed(publisher, publisher.channel.protect_rtp, lies.packets(seed))
        ssrcs = [66, 77, *receiver.slot_ssrcs]
        await feed(receiver, receiver.channel.protect_rtcp, rtcp_compounds(seed, ssrcs))
        await still_forwards(pair, lies)
        for client in pair:
            client.received.clear()
            client.control.clear()
        gc.collect()

    await lie(11)
    tracemalloc.start()
    try:
        await lie(12)
        before, _ = tracemalloc.get_traced_memory()
        await lie(13)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH_BYTES


async def test_a_thousand_wishes_for_a_keyframe_cost_the_publisher_a_few(house, pair):
    publisher, receiver = pair
    publisher.rtp(77, 1, keyframe(1))
    await receiver.until(lambda: receiver.received)
    before = sum(asks_for_keyframe_once(one, 77) for one in publisher.control)
    wish = struct.pack("!BBHII", 0x81, 206, 2, 1, receiver.slots["0"])
    for number in range(1_000):
        receiver.rtcp(wish)
        if number % AT_ONCE == 0:
            await asyncio.sleep(0.005)
    await publisher.until(lambda: asks_for_keyframe(publisher, 77))
    stats = house.stats(RECEIVER, "receive")
    asked = sum(asks_for_keyframe_once(one, 77) for one in publisher.control) - before
    assert asked <= 5
    assert any(one.keyframe_requests for one in stats.streams)


def asks_for_keyframe_once(compound, ssrc):
    """How many PLIs for this SSRC a compound has."""
    mark = struct.pack("!BBH", 0x81, 206, 2)
    return sum(
        compound[at + 8 : at + 12] == struct.pack("!I", ssrc)
        for at in range(0, len(compound) - 11, 4)
        if compound[at : at + 4] == mark
    )
