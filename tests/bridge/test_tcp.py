"""One port's TCP connections: whose they are, how many, how long, and how slow a reader may be."""

import asyncio
import contextlib
import itertools
import socket

import pytest

from bridge.backlog import VIDEO_BYTES
from bridge.ice import Path
from bridge.metrics import Counters
from bridge.tcp import (
    MAX_STRANGE_FRAMES,
    MAX_STRANGERS,
    MAX_STRANGERS_OF_ADDRESS,
    TcpSocket,
    open_listener,
)

CHECK = b"\x00\x01 a check"


class Session:
    """Collects what the socket hands over."""

    def __init__(self, tell):
        self.media, self.dtls, self.closed, self.tell = [], [], [], tell

    def receive_media(self, now, arrival, datagram):
        self.media.append(datagram)
        self.tell()

    def receive_dtls(self, datagram):
        self.dtls.append(datagram)
        self.tell()

    def path_closed(self, path):
        self.closed.append(path)
        self.tell()


class Door:
    """A socket, the checks that came, and the far ends of its connections."""

    def __init__(self, host="127.0.0.1", max_connections=100, **more):
        self.counters, self.checks, self.arrived = Counters(), [], asyncio.Event()
        listener = open_listener(host, 0)
        self.tcp = TcpSocket(listener, 7, self.counters, self, max_connections, **more)
        self.session = Session(self.arrived.set)
        self.peers = []

    def receive_stun(self, now, datagram, path):
        self.checks.append((datagram, path))
        self.arrived.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()

    async def call(self, address=None):
        """A connection of a peer: reader, writer, and its own address."""
        local = (address, 0) if address else None
        reader, writer = await asyncio.open_connection(*self.tcp.address, local_addr=local)
        self.peers.append(writer)
        return reader, writer, writer.get_extra_info("sockname")

    async def proven(self):
        """A connection over which a check was authenticated."""
        reader, writer, address = await self.call()
        put(writer, CHECK)
        await self.until(lambda: any(path.address == address for _, path in self.checks))
        self.tcp.adopt(address, self.session)
        return reader, writer, address

    async def close(self):
        self.tcp.close()
        for writer in self.peers:
            writer.transport.abort()
        await asyncio.sleep(0)


def put(writer, *datagrams):
    for one in datagrams:
        writer.write(len(one).to_bytes(2, "big") + one)


async def get(reader):
    async with asyncio.timeout(10):
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))


async def ended(reader):
    """Wait until the other side has closed."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass


@pytest.fixture
async def door():
    door = Door()
    yield door
    await door.close()


async def test_connection_is_a_sessions_once_a_check_was_authenticated(door):
    reader, writer, address = await door.proven()
    assert door.checks == [(CHECK, Path(7, address))]
    put(writer, b"\x80 media", b"\x16 hello", b"\x50 junk", b"\x01 another check")
    await door.until(lambda: len(door.checks) == 2)
    assert (door.session.media, door.session.dtls) == ([b"\x80 media"], [b"\x16 hello"])
    door.tcp.send(b"answer", address)
    door.tcp.send(b"media", address)
    assert [await get(reader), await get(reader)] == [b"answer", b"media"]
    assert door.counters.dropped == {"malformed": 1}
    assert (door.counters.packets_in, door.counters.packets_out) == (5, 2)


@pytest.mark.parametrize("first", [b"\x80 media", b"\x16 hello", b"GET / HTTP/1.1"])
async def test_stranger_that_does_not_begin_with_a_check_is_cut_off(door, first):
    reader, writer, _ = await door.call()
    put(writer, first)
    await ended(reader)
    assert door.counters.dropped == {"unknown_peer": 1}
    assert len(door.tcp) == 0


async def test_stranger_has_few_checks(door):
    reader, writer, _ = await door.call()
    put(writer, *[CHECK] * (MAX_STRANGE_FRAMES + 5))
    await ended(reader)
    assert len(door.checks) == MAX_STRANGE_FRAMES


async def test_stranger_is_answered_since_its_check_may_be_the_first(door):
    reader, writer, address = await door.call()
    put(writer, CHECK)
    await door.until(lambda: door.checks)
    door.tcp.send(b"response", address)
    assert await get(reader) == b"response"


async def test_silent_stranger_has_to_go_and_a_silent_session_may_stay():
    door = Door(silent_s=0.1)
    _, _, address = await door.proven()
    reader, _, _ = await door.call()
    await ended(reader)
    assert door.counters.dropped == {"tcp_silent": 1}
    door.tcp.send(b"still there", address)
    assert len(door.tcp) == 1
    await door.close()


async def test_stranger_that_dribbles_has_no_longer_than_a_silent_one():
    door = Door(silent_s=0.3)
    reader, writer, _ = await door.call()
    frame = len(CHECK).to_bytes(2, "big") + CHECK

    async def dribble():
        for octet in itertools.cycle(frame[:-1]):
            writer.write(bytes((octet,)))
            await asyncio.sleep(0.02)

    dribbling = asyncio.create_task(dribble())
    await ended(reader)
    dribbling.cancel()
    assert len(door.tcp) == 0
    await door.close()


async def test_too_long_a_frame_ends_the_connection_and_its_session_is_told(door):
    reader, writer, address = await door.proven()
    writer.write(b"\xff\xff")
    await ended(reader)
    await door.until(lambda: door.session.closed)
    assert door.session.closed == [Path(7, address)]
    assert door.counters.dropped == {"malformed": 1}


async def test_session_is_told_when_the_peer_closes_and_not_when_itself_does(door):
    _, writer, address = await door.proven()
    reader, _, other = await door.proven()
    door.tcp.forget(other, door.session)
    await ended(reader)
    writer.close()
    await door.until(lambda: door.session.closed)
    assert door.session.closed == [Path(7, address)]
    door.tcp.send(b"nobody", address)
    assert door.counters.dropped == {"unreachable": 1}
    assert len(door.tcp) == 0


async def test_connection_that_another_session_has_now_is_not_the_firsts_to_close(door):
    _, _, address = await door.proven()
    door.tcp.adopt(address, Session(door.arrived.set))
    door.tcp.forget(address, door.session)
    assert len(door.tcp) == 1


async def test_one_address_has_so_many_strangers_and_others_still_get_in(door):
    for _ in range(MAX_STRANGERS_OF_ADDRESS):
        await door.call()
    reader, _, _ = await door.call()
    await ended(reader)
    assert door.counters.dropped == {"tcp_refused": 1}
    assert len(door.tcp) == MAX_STRANGERS_OF_ADDRESS
    _, writer, _ = await door.call("127.0.0.2")
    put(writer, CHECK)
    await door.until(lambda: door.checks)


async def test_oldest_stranger_makes_room_and_sessions_stay(door):
    _, _, proven = await door.proven()
    oldest, _, _ = await door.call("127.0.1.1")
    for number in range(MAX_STRANGERS - 1):
        await door.call(f"127.0.1.{1 + (number + 1) // 16}")
    _, writer, address = await door.call("127.0.2.1")
    put(writer, CHECK)
    await ended(oldest)
    await door.until(lambda: door.checks[-1][1].address == address)
    assert len(door.tcp) == MAX_STRANGERS + 1
    door.tcp.send(b"still there", proven)
    assert door.counters.dropped == {"tcp_refused": 1}


async def test_no_more_connections_than_sessions_may_have():
    door = Door(max_connections=1)
    await door.proven()
    reader, _, _ = await door.call()
    await ended(reader)
    assert door.counters.dropped == {"tcp_refused": 1}
    await door.close()


async def test_slow_reader_loses_pictures_gets_sound_first_and_costs_the_others_nothing(door):
    reader, _, slow = await door.proven()
    quick_reader, _, quick = await door.proven()
    reader._transport.pause_reading()
    picture, sound = b"\x80\x60" + bytes(1200), b"\x80\x6f" + b"\x02" * 78
    sent = 0
    while not door.counters.dropped["tcp_backlog"]:
        door.tcp.send(picture, slow)
        sent += 1
    door.tcp.send(sound, slow)
    assert door.counters.dropped["tcp_backlog"] == 1
    door.tcp.send(b"the others", quick)
    assert await get(quick_reader) == b"the others"
    reader._transport.resume_reading()
    frames = [await get(reader) for _ in range(sent)]
    assert frames.count(picture) == sent - 1
    # it went past pictures that were there before it
    assert frames.index(sound) < sent - VIDEO_BYTES // (2 * len(picture))
    door.tcp.send(b"after", slow)
    assert await get(reader) == b"after"


async def test_who_takes_nothing_any_more_is_dropped_though_its_checks_still_come():
    door = Door(stalled_s=0.3)
    reader, writer, address = await door.proven()
    reader._transport.pause_reading()
    while not door.counters.dropped["tcp_backlog"]:
        door.tcp.send(b"\x80\x60" + bytes(1200), address)
        await asyncio.sleep(0)
    put(writer, CHECK)
    await door.until(lambda: door.session.closed)
    assert len(door.tcp) == 0
    await door.close()


async def test_addresses_of_ipv6_are_counted_by_network():
    door = Door("::1")
    for _ in range(MAX_STRANGERS_OF_ADDRESS):
        await door.call()
    reader, _, _ = await door.call()
    await ended(reader)
    assert door.counters.dropped == {"tcp_refused": 1}
    await door.close()


async def test_taken_address_is_an_error(door):
    with pytest.raises(OSError, match="in use"):
        open_listener(*door.tcp.address)


async def test_closing_frees_the_port_and_ends_all():
    door = Door()
    reader, _, _ = await door.proven()
    stranger, _, _ = await door.call()
    await asyncio.sleep(0)
    door.tcp.close()
    await ended(reader)
    await ended(stranger)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(door.tcp.address)
    assert door.session.closed == []
    for writer in door.peers:
        writer.transport.abort()
    await asyncio.sleep(0)
