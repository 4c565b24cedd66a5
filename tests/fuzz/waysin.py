"""What a publisher that has the keys may send, through real sockets: both ways in do the same.

An input is a sequence of pieces (`flows.pieces`), each a plain packet behind an octet that says how
it is sent: its low three bits are a `Fate`, the others what of its header stays as it is written.
The rest is put in so that the packet follows the one before, for only such ones take the short way.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import IntEnum
from typing import Any

from bridge import rtp
from bridge.hotpath import MAX_DATAGRAM
from bridge.hotpath_choice import PacketPath
from bridge.ice import Path
from bridge.udp import UdpSocket, open_socket
from tests.fakes.wayin import Sender, WayIn
from tests.fuzz.flows import pieces

CAMERA, MICROPHONE = 0x1000, 0x2000
AS_WRITTEN_SEQUENCE, TIME_PASSES, AS_WRITTEN_SSRC, NEXT_PICTURE, LATER = (8 << n for n in range(5))
MAX_PIECES = 64
_BEGAN, _STEP_S, _PAUSE_S = 1000.0, 0.02, 0.4
_TURNS = 1000


class Fate(IntEnum):
    """What becomes of a packet on its way."""

    SENT = 0
    SENT_TOO = 1
    TWICE = 2
    FORGED = 3
    CUT = 4
    """After so many octets as its second one says."""
    BARE = 5
    """Not protected."""
    LONG = 6
    """Filled up to so many octets that a buffer ends there."""
    CONTROL = 7
    """Protected as RTCP."""


class _Loop(asyncio.SelectorEventLoop):
    """Its clock stands until somebody sets it."""

    now = _BEGAN

    def time(self) -> float:
        return self.now


class _Host:
    """What is nobody's packet."""

    def __init__(self, world: WayIn) -> None:
        self._dropped = world.counters.dropped

    def receive_stun(self, now: float, datagram: bytes, path: Path, /) -> None:
        self._dropped["stun"] += 1

    def receive_stranger(self, now: float, arrival: float, datagram: bytes, path: Path, /) -> None:
        self._dropped["stranger"] += 1

    def reads(self, reading: bool, /) -> None:
        """Nothing waits for that."""


class _House:
    """A way in behind a socket, and who sends to it."""

    def __init__(self, which: PacketPath) -> None:
        self.world = WayIn(which, _BEGAN)
        counters = self.world.counters
        self._udp = UdpSocket(
            open_socket("127.0.0.1", 0), 0, counters, _Host(self.world), self.world.path
        )
        self._peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer.connect(self._udp.address)
        self._udp.adopt(self._peer.getsockname(), self.world)
        self._sent = 0

    def send(self, now: float, datagram: bytes) -> None:
        self.world.now = now
        self._peer.send(datagram)
        self._sent += 1

    @property
    def has_read(self) -> bool:
        return self.world.counters.packets_in == self._sent

    def close(self) -> None:
        self.world.close()
        self._udp.close()
        self._peer.close()


class _Writer:
    """Gives packets the numbers that follow."""

    def __init__(self) -> None:
        self._sender = Sender()
        self._sequences = {CAMERA: 65_530, MICROPHONE: 65_530}
        self._timestamps = {CAMERA: 2**32 - 9000, MICROPHONE: 2**32 - 3000}
        self._picture = 0x7FFD

    def datagrams(self, how: int, packet: bytearray) -> list[bytes]:
        """What is put on the wire for it."""
        fate = Fate(how & 7)
        before = dict(self._sequences)
        if fate is not Fate.CONTROL:
            self._number(how, packet)
        if fate is Fate.LONG:
            size = (1484, 1485, 2000, 2048, 3000)[packet[1] % 5]
            packet += bytes(max(0, size - len(packet)))
        protect = self._sender.control if fate is Fate.CONTROL else self._sender.datagram
        datagram = protect(bytes(packet))
        if datagram is None or fate is Fate.BARE:
            datagram, fate = bytes(packet), Fate.BARE
        elif fate is Fate.FORGED:
            datagram = datagram[:-1] + bytes((datagram[-1] ^ 1,))
        elif fate is Fate.CUT:
            datagram = datagram[: datagram[1]]
        if fate in (Fate.BARE, Fate.FORGED, Fate.CUT) or len(datagram) > MAX_DATAGRAM:
            # a hole would send all that follow the long way until it is given up
            self._sequences = before
        return [datagram] * (2 if fate is Fate.TWICE else 1)

    def _number(self, how: int, packet: bytearray) -> None:
        ssrc = MICROPHONE if packet[1] & 0x7F == 111 else CAMERA
        if how & AS_WRITTEN_SEQUENCE:
            (self._sequences[ssrc],) = struct.unpack_from("!H", packet, 2)
        else:
            self._sequences[ssrc] += 1
        if how & TIME_PASSES:
            self._timestamps[ssrc] += 960 if ssrc == MICROPHONE else 1800
        struct.pack_into("!H", packet, 2, self._sequences[ssrc] & 0xFFFF)
        struct.pack_into("!I", packet, 4, self._timestamps[ssrc] & 0xFFFFFFFF)
        if not how & AS_WRITTEN_SSRC:
            struct.pack_into("!I", packet, 8, ssrc)
        self._picture += bool(how & NEXT_PICTURE)
        header = rtp.parse(bytes(packet))
        if header is not None and header.end >= header.start + 4 and packet[header.start + 2] > 127:
            struct.pack_into("!H", packet, header.start + 2, 0x8000 | self._picture & 0x7FFF)


async def _compare(data: bytes) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _Loop)
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    houses = [_House("python"), _House("compiled")]
    writer = _Writer()
    try:
        for whole in list(pieces(data))[:MAX_PIECES]:
            piece = whole.removesuffix(b"\xff\x00")
            how = piece[0] if piece else 0
            loop.now += _PAUSE_S if how & LATER else _STEP_S if how & TIME_PASSES else 0.0
            await asyncio.sleep(0)
            for datagram in writer.datagrams(how, bytearray(piece[1:2500].ljust(12, b"\0"))):
                for house in houses:
                    house.send(loop.now, datagram)
            await _until_read(houses)
            for house in houses:
                house.world.flush()
        plain, compiled = (house.world for house in houses)
        assert plain.sent == compiled.sent
        assert plain.figures(arrivals=False) == compiled.figures(arrivals=False)
        assert not faults, faults
    finally:
        for house in houses:
            house.close()


async def _until_read(houses: list[_House]) -> None:
    for _ in range(_TURNS):
        if all(house.has_read for house in houses):
            return
        await asyncio.sleep(0)
    raise AssertionError("datagrams are not read")


def a_publisher(data: bytes) -> None:
    """Of sound and VP8: what its receiver is sent and what it is told are the same to the byte,
    whether packets went through `FastReader` and `FastGate` or through Python alone."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_compare(data))
