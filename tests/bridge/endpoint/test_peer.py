"""The client end of a session: what it does when the other end is silent, wrong, or goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from bridge import stun
from bridge.endpoint.peer import Peer, PeerState
from bridge.endpoint.wheel import TURN_S, Wheel
from bridge.fingerprint import Fingerprint
from bridge.ice import CheckReceived, Credentials, IceLite, Path, Respond
from bridge.offers import Answer, AnswerError
from bridge.transport import Certificate, HandshakeError, SecureChannel, is_dtls

THEIRS = Credentials("theirs12", "q" * 24)


class Server:
    """An ICE-lite DTLS server for one session, on a socket of its own."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.certificate = Certificate()
        self.deaf = False
        self.channel: SecureChannel | None = None
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self._ice: IceLite | None = None
        self._peer: tuple[str, int] | None = None
        self._starting: asyncio.Task[None] | None = None

    def answer(self, fingerprint: Fingerprint | None = None, *, passive: bool = True) -> Answer:
        address = self.socket.getsockname()
        return Answer(THEIRS, fingerprint or self.certificate.fingerprint, (address,), passive, ())

    def expect(self, peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        self._ice = IceLite(THEIRS, peer.credentials, loop.time(), lambda _ufrag: bytes(12))
        prints = [peer.certificate.fingerprint]
        self.channel = SecureChannel(self.certificate, "server", prints, self.send)
        self._starting = asyncio.create_task(self._start())
        loop.add_reader(self.socket, self._read)

    async def _start(self) -> None:
        assert self.channel is not None
        try:
            await self.channel.start(5)
        except HandshakeError:
            return

    def send(self, datagram: bytes) -> None:
        assert self._peer is not None
        self.socket.sendto(datagram, self._peer)

    def _read(self) -> None:
        datagram, self._peer = self.socket.recvfrom(2048)
        assert self._ice is not None
        assert self.channel is not None
        if self.deaf:
            return
        if stun.is_stun(datagram):
            now, path = asyncio.get_running_loop().time(), Path(0, self._peer)
            for output in self._ice.handle(now, CheckReceived(stun.parse(datagram), path)):
                if isinstance(output, Respond):
                    self.send(output.datagram)
        elif is_dtls(datagram):
            self.channel.feed(datagram)
        else:
            self.received.put_nowait(datagram)

    async def close(self) -> None:
        if self.socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.socket)
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self.socket.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    yield server
    await server.close()


@pytest.fixture
async def wheel() -> AsyncIterator[Wheel]:
    async with Wheel() as wheel:
        yield wheel


def make(wheel: Wheel, states: list[PeerState], rtp: asyncio.Queue[bytes] | None = None) -> Peer:
    def on_rtp(now: float, packet: bytes) -> None:
        if rtp is not None:
            rtp.put_nowait(packet)

    return Peer(wheel, Certificate(), on_rtp, lambda now, packet: None, states.append)


async def test_connects_and_carries_packets_both_ways(server: Server, wheel: Wheel) -> None:
    states: list[PeerState] = []
    rtp: asyncio.Queue[bytes] = asyncio.Queue()
    peer = make(wheel, states, rtp)
    packet = b"\x80\x60" + bytes(range(2, 30))
    peer.send_rtp(packet)  # not connected yet: as a lost packet
    server.expect(peer)
    await peer.connect(server.answer(), 5)
    assert server.channel is not None
    peer.send_rtp(packet)
    assert server.channel.unprotect_rtp(await server.received.get()) == packet
    server.send(b"\x80\x60 not authentic, 30 bytes long")
    server.send(server.channel.protect_rtp(packet))
    assert await rtp.get() == packet
    assert peer.dropped == 1
    peer.close()
    assert states == ["connecting", "connected", "closed"]


async def test_gives_up_when_nobody_answers(server: Server, wheel: Wheel) -> None:
    states: list[PeerState] = []
    peer = make(wheel, states)
    with pytest.raises(TimeoutError):
        await peer.connect(server.answer(), 0.3)
    assert states == ["connecting", "closed"]


async def test_gives_up_when_nobody_listens(server: Server, wheel: Wheel) -> None:
    answer = server.answer()
    server.socket.close()
    peer = make(wheel, [])
    with pytest.raises(TimeoutError):
        await peer.connect(answer, 0.3)


async def test_refuses_another_certificate_than_the_answers(server: Server, wheel: Wheel) -> None:
    peer = make(wheel, [])
    server.expect(peer)
    with pytest.raises(HandshakeError, match="fingerprint"):
        await peer.connect(server.answer(Certificate().fingerprint), 5)
    assert peer.state == "closed"


async def test_refuses_to_be_the_dtls_server(server: Server, wheel: Wheel) -> None:
    peer = make(wheel, [])
    with pytest.raises(AnswerError, match="passive"):
        await peer.connect(server.answer(passive=False), 5)


async def test_offline_it_neither_sends_nor_hears_until_it_is_mended(
    server: Server, wheel: Wheel
) -> None:
    rtp: asyncio.Queue[bytes] = asyncio.Queue()
    peer = make(wheel, [], rtp)
    server.expect(peer)
    await peer.connect(server.answer(), 5)
    assert server.channel is not None
    lost, kept = b"\x80\x60\x00\x01" + bytes(20), b"\x80\x60\x00\x02" + bytes(20)
    peer.offline = True
    peer.send_rtp(lost)
    server.send(server.channel.protect_rtp(lost))
    await asyncio.sleep(3 * TURN_S)  # turns in which it would have read it
    peer.offline = False
    peer.send_rtp(kept)
    server.send(server.channel.protect_rtp(kept))
    assert await rtp.get() == kept
    assert server.channel.unprotect_rtp(await server.received.get()) == kept
    peer.close()


async def test_vanishing_says_nothing_to_the_other_end(server: Server, wheel: Wheel) -> None:
    peer = make(wheel, [])
    server.expect(peer)
    await peer.connect(server.answer(), 5)
    assert server.channel is not None
    peer.vanish()
    peer.vanish()
    peer.send_rtp(b"\x80\x60" + bytes(20))
    assert peer.state == "closed"
    await asyncio.sleep(3 * TURN_S)
    assert server.channel.connected
    assert server.received.empty()


async def test_is_told_when_the_other_end_closes(server: Server, wheel: Wheel) -> None:
    told: asyncio.Queue[PeerState] = asyncio.Queue()
    peer = Peer(wheel, Certificate(), lambda n, p: None, lambda n, p: None, told.put_nowait)
    server.expect(peer)
    await peer.connect(server.answer(), 5)
    assert server.channel is not None
    server.channel.close()
    async with asyncio.timeout(5):
        while await told.get() != "closed":
            pass
    peer.send_rtp(b"\x80\x60" + bytes(20))
    peer.close()
