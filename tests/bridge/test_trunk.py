"""Two nodes of one conference: what is published on one is received on the other."""

import asyncio
import itertools

import pytest

from bridge import rtp
from signaling.wire.control import (
    TRUNK_SLOTS,
    ConnectTrunk,
    Done,
    OpenSession,
    OpenTrunk,
    Refused,
    SessionOpened,
    TrunkOffered,
)
from tests.bridge.client import delta, keyframe
from tests.bridge.house import House, asks_for_keyframe

PORT, RECEIVER, TRUNK = "48/main", "01/main", "trunk/b/48/main"


@pytest.fixture
async def houses():
    """Node a has the publisher, node b the receiver."""
    both = House(), House()
    yield both
    for house in both:
        for client in house.clients:
            client.close()
        house.node.close()


async def joined(a, b, routes=((TRUNK, "stage:1", PORT, "camera"),)):
    """A trunk from a to b, as signaling orders it; its session on b."""
    offered = b.node.handle(OpenTrunk(1, "c", PORT, "a"))
    assert isinstance(offered, TrunkOffered), offered
    opened = a.node.handle(OpenSession(2, "c", TRUNK, "receive", offered.offer, list(TRUNK_SLOTS)))
    assert isinstance(opened, SessionOpened), opened
    assert b.node.handle(ConnectTrunk(3, offered.session, opened.answer)) == Done(3)
    await b.until(lambda: (PORT, "publish", "connected", "") in b.edges)
    await a.until(lambda: (TRUNK, "receive", "connected", "") in a.edges)
    a.route(*routes)
    return offered.session


async def crosses(send, receiver, mark):
    """Send until something with this mark at its end has arrived."""
    async with asyncio.timeout(10):
        for number in itertools.count(1):
            send(number)
            await asyncio.sleep(0.02)
            if any(one.endswith(mark) for one in receiver.received):
                return


async def test_pictures_cross_two_nodes_and_keyframe_wishes_go_back(houses):
    a, b = houses
    publisher = await a.publisher(PORT, ssrcs=[66, 77])
    await joined(a, b)
    receiver = await b.receiver(RECEIVER, "stage:1")
    b.route((RECEIVER, "stage:1", PORT, "camera"))

    def picture(number):
        asked = asks_for_keyframe(publisher, 77)
        payload = keyframe(number) if asked else delta(number)
        publisher.rtp(77, number, payload + b"across", timestamp=3000 * number)

    await crosses(picture, receiver, b"across")


async def test_sound_crosses_two_nodes(houses):
    a, b = houses
    publisher = await a.publisher(PORT, ssrcs=[66, 77])
    await joined(a, b, [(TRUNK, "floor:1", PORT, "mic")])
    receiver = await b.receiver(RECEIVER, "cue:1")
    b.route((RECEIVER, "cue:1", PORT, "mic"))

    def sound(number):
        publisher.rtp(66, number, b"voice", payload_type=111, timestamp=960 * number)

    await crosses(sound, receiver, b"voice")


async def test_the_trunk_says_where_it_comes_from(houses):
    a, b = houses
    await a.publisher(PORT, ssrcs=[66, 77])

    session = await joined(a, b)

    (told,) = [one for one in b.node.sessions() if one.session == session]
    assert (told.port, told.direction, told.relayed_from) == (PORT, "publish", "a")


async def test_the_owner_himself_takes_the_place_of_a_trunk(houses):
    a, b = houses
    await a.publisher(PORT, ssrcs=[66, 77])
    await joined(a, b)

    await b.publisher(PORT, ssrcs=[66, 77])

    await b.until(lambda: (PORT, "publish", "closed", "replaced") in b.edges)
    await a.until(lambda: (TRUNK, "receive", "closed", "peer_closed") in a.edges)


async def test_a_trunk_ends_with_its_source(houses):
    a, b = houses
    await joined(a, b)

    a.node.close()

    await b.until(lambda: (PORT, "publish", "closed", "peer_closed") in b.edges)
    assert b.node.sessions() == []


@pytest.mark.parametrize("answer", ["", "v=0\r\n", "v=0\r\nm=audio 9 X 0\r\na=ice-ufrag:x\r\n"])
async def test_an_unusable_answer_is_refused(houses, answer):
    _, b = houses
    offered = b.node.handle(OpenTrunk(1, "c", PORT, "a"))

    reply = b.node.handle(ConnectTrunk(2, offered.session, answer))

    assert isinstance(reply, Refused)
    assert reply.code == "offer_unusable"
    assert b.node.sessions() == []


async def test_an_answer_that_nobody_waits_for_is_refused(houses):
    _, b = houses

    assert b.node.handle(ConnectTrunk(2, "no-such", "v=0\r\n")).code == "not_found"


async def test_how_loud_a_microphone_is_crosses_two_nodes(houses):
    a, b = houses
    publisher = await a.publisher(PORT, ssrcs=[66, 77])
    await joined(a, b, [(TRUNK, "floor:1", PORT, "mic")])
    receiver = await b.receiver(RECEIVER, "cue:1")
    b.route((RECEIVER, "cue:1", PORT, "mic"))

    def sound(number):
        loud = [(1, bytes((0x80 | 23,)))]
        packet = rtp.build(111, number, 960 * number, 66, b"voice", extensions=loud)
        publisher.send(publisher.channel.protect_rtp(packet))

    await crosses(sound, receiver, b"voice")
    async with asyncio.timeout(10):
        for number in itertools.count(100):
            sound(number)
            await asyncio.sleep(0.02)
            (mic,) = [one for one in b.stats(PORT, "publish").streams if one.track == "mic"]
            if mic.heard:
                return


async def test_a_trunk_finds_the_way_among_addresses_that_lead_nowhere(houses):
    a, b = houses
    offered = b.node.handle(OpenTrunk(1, "c", PORT, "a"))
    opened = a.node.handle(OpenSession(2, "c", TRUNK, "receive", offered.offer, list(TRUNK_SLOTS)))
    first = next(one for one in opened.answer.splitlines() if one.startswith("a=candidate:"))
    port = first.split()[5]
    dead = [first.replace(f"127.0.0.1 {port}", other) for other in ("127.0.0.9 9", "::1 9")]
    answer = opened.answer.replace(first, "\r\n".join([*dead, first]))

    assert b.node.handle(ConnectTrunk(3, offered.session, answer)) == Done(3)

    await b.until(lambda: (PORT, "publish", "connected", "") in b.edges)
