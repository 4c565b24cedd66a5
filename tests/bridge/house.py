"""A node with packet-level clients at its ports."""

import asyncio
import itertools
import struct

from bridge import rtcp
from bridge.node import Node
from signaling.wire.control import (
    OpenSession,
    PatchSession,
    Route,
    Routes,
    SessionOpened,
)
from signaling.wire.ids import parse_slots
from tests.bridge.client import Client


class House:
    """A node, its edges, and clients that are closed with it."""

    def __init__(self, max_sessions=20, announce=(("127.0.0.1", 0),), packet_path="auto"):
        self.edges, self.wanted = [], []
        self.edge = asyncio.Event()
        self.node = Node(list(announce), max_sessions, self.on_edge, packet_path=packet_path)
        self.node.on_layers = self.wanted.append
        self.requests = itertools.count(1)
        self.revisions = itertools.count(1)
        self.clients = []

    def on_edge(self, edge):
        self.edges.append((edge.port, edge.direction, edge.state, edge.reason))
        self.edge.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                self.edge.clear()
                await self.edge.wait()

    def open(self, port, direction, offer, slots=(), shared=False):
        request = next(self.requests)
        message = OpenSession(request, "c", port, direction, offer, list(slots), shared=shared)
        reply = self.node.handle(message)
        assert reply.request == request
        return reply

    async def publisher(self, port, sections=("audio", "video"), kind=Client, **more):
        client = kind("publish", sections, **more)
        return await self._connected(client, port, ())

    async def receiver(self, port, slots, kind=Client, shared=False, **more):
        slots = parse_slots(slots)
        sections = ["audio" if one.startswith(("floor", "cue")) else "video" for one in slots]
        return await self._connected(kind("receive", sections, **more), port, slots, shared)

    async def _connected(self, client, port, slots, shared=False):
        self.clients.append(client)
        reply = self.open(port, client.direction, client.offer(), slots, shared)
        assert isinstance(reply, SessionOpened), reply
        client.session, client.etag = reply.session, reply.etag
        await client.connect(reply.answer)
        await self.until(lambda: (port, client.direction, "connected", "") in self.edges)
        return client

    def patch(self, session, fragment, *if_match):
        request = next(self.requests)
        reply = self.node.handle(PatchSession(request, session, fragment, list(if_match)))
        assert reply.request == request
        return reply

    def route(self, *routes):
        message = Routes(
            next(self.requests), "c", 1, next(self.revisions), None, [Route(*one) for one in routes]
        )
        reply = self.node.handle(message)
        assert (reply.epoch, reply.revision) == (1, message.revision)

    def dropped(self, reason):
        return self.node.stats().dropped.get(reason, 0)

    async def counted(self, reason, at_least=1):
        """Wait until the node has dropped that many; it counts within milliseconds."""
        async with asyncio.timeout(10):
            while self.dropped(reason) < at_least:  # noqa: ASYNC110 - the node tells no one
                await asyncio.sleep(0.005)

    async def until_stats(self, condition):
        """Wait until a condition on the node's figures holds."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the node tells no one
                await asyncio.sleep(0.005)

    def stats(self, port, direction):
        found = [
            one
            for one in self.node.stats().sessions
            if (one.port, one.direction) == (port, direction)
        ]
        return found[0]


def wants_all(receiver):
    """The receiver says that its line carries whatever there is, so that nothing is tried first."""
    remb = rtcp.MaximumBitrate(1, 9_000_000, tuple(receiver.slots.values()))
    receiver.rtcp(rtcp.build([rtcp.ReceiverReport(1), remb]))


def ssrc(packet):
    """The SSRC of a packet."""
    return struct.unpack_from("!I", packet, 8)[0]


def payload_type(packet):
    """The payload type of a packet."""
    return packet[1] & 0x7F


def asks_for_keyframe(client, source):
    """Whether the client got a PLI for this SSRC."""
    return any(
        isinstance(one, rtcp.PictureLoss) and one.media_ssrc == source
        for compound in client.control
        for one in rtcp.parse(compound)
    )


def keyframes_asked(client, source):
    """How many PLIs the client got for this SSRC."""
    return sum(
        isinstance(one, rtcp.PictureLoss) and one.media_ssrc == source
        for compound in client.control
        for one in rtcp.parse(compound)
    )


def nacked(client):
    """The sequence numbers that were asked of the client."""
    return {
        number
        for compound in client.control
        for one in rtcp.parse(compound)
        if isinstance(one, rtcp.Nack)
        for number in one.lost
    }
