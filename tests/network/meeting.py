"""A node and a publisher at the near end of a cable, for a browser at the far end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bridge.mediasocket import MediaAddress
from signaling.wire.control import SessionOpened, SessionStats
from tests.bridge.client import Client
from tests.bridge.house import House
from tests.network.cable import NEAR, Cable
from tests.network.camera import SIMULCAST, Camera, Layer
from tests.network.plainplayer import PlainPlayer
from tests.network.spectator import Spectator

PORT, VIEWER = "48/main", "op/1"
SLOTS = ("stage:1", "floor:1")


class NearClient(Client):
    """A client whose socket is in the near namespace."""

    def __init__(self, cable: Cable, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._cable = cable

    async def bind(self) -> None:
        with self._cable.inside(self._cable.near):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(self.address)
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)


@dataclass
class Meeting:
    """One site that publishes and one page that watches its picture and hears it."""

    house: Any
    camera: Camera

    async def seat(self, spectator: Spectator | PlainPlayer) -> None:
        """The page joins."""
        offer = await spectator.offer(["video", "audio"])
        reply = self.house.open(VIEWER, "receive", offer, SLOTS)
        assert isinstance(reply, SessionOpened), reply
        await spectator.accept(reply.answer)

    def stats(self) -> SessionStats:
        """Of the page's session."""
        found: SessionStats = self.house.stats(VIEWER, "receive")
        return found


@contextlib.asynccontextmanager
async def meeting(
    cable: Cable, layers: Sequence[Layer], *, tcp: bool = False
) -> AsyncIterator[Meeting]:
    """A publisher of these layers, on air; the node may have a port for ICE-TCP."""
    with cable.inside(cable.near):
        house: Any = House(announce=[MediaAddress(NEAR, 0, tcp_port=0 if tcp else None)])
    ssrcs = [1001, *(2001 + n for n in range(len(layers)))]
    simulcast = len(layers) > 1
    client = await house.publisher(
        PORT,
        ("audio", "video"),
        kind=partial(NearClient, cable),
        ssrcs=ssrcs[:1] if simulcast else ssrcs,
        lines=SIMULCAST if simulcast else (),
    )
    camera = Camera(client, layers, ssrcs)
    house.route((VIEWER, SLOTS[0], PORT, "camera"), (VIEWER, SLOTS[1], PORT, "mic"))
    try:
        yield Meeting(house, camera)
    finally:
        await camera.close()
        for one in house.clients:
            one.close()
        house.node.close()
