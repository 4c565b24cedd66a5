"""The shared socket: demultiplexing, batches, and a send buffer that is full."""

import asyncio
import socket
import time

import pytest

from bridge.hotpath_choice import choose
from bridge.ice import Path
from bridge.metrics import Counters
from bridge.udp import BACKLOG, BATCH, UdpSocket, open_socket


class Session:
    """Collects what the socket hands over."""

    gate = None

    def __init__(self):
        self.media, self.dtls, self.arrivals = [], [], []
        self.arrived = asyncio.Event()

    def receive_media(self, now, arrival, datagram):
        self.media.append(datagram)
        self.arrivals.append(arrival)
        self.arrived.set()
        if datagram.endswith(b"fault"):
            raise RuntimeError("a fault in one session")
        self.on_media()

    def on_media(self):
        pass

    def receive_dtls(self, datagram):
        self.dtls.append(datagram)
        self.arrived.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()


class Pair:
    """A shared socket, one peer known to it, and one stranger."""

    def __init__(self, wrap=lambda sock: sock, packet_path="python"):
        self.counters, self.stun, self.strangers = Counters(), [], []
        self.socket = wrap(open_socket("127.0.0.1", 0))
        hot = choose(packet_path)(self.counters, time.monotonic, lambda: None)
        self.udp = UdpSocket(self.socket, 3, self.counters, self, hot)
        self.session = Session()
        self.peer, self.stranger = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)
        )
        for one in (self.peer, self.stranger):
            one.bind(("127.0.0.1", 0))
            one.connect(self.udp.address)
        self.udp.peers[self.peer.getsockname()] = self.session

    def receive_stun(self, now, datagram, path):
        self.stun.append((datagram, path))

    def reads(self, reading):
        pass

    def receive_stranger(self, now, arrival, datagram, path):
        self.strangers.append((datagram, path))

    def close(self):
        self.udp.close()
        self.peer.close()
        self.stranger.close()


@pytest.fixture(params=["python", "compiled"])
async def pair(request):
    pair = Pair(packet_path=request.param)
    yield pair
    pair.close()


async def test_datagrams_go_where_their_first_byte_and_source_say(pair):
    pair.stranger.send(b"\x01 a check")
    pair.stranger.send(b"\x80 media of nobody")
    pair.stranger.send(b"\x16 hello of nobody")
    pair.peer.send(b"\x02 a check too")
    pair.peer.send(b"\x50 junk")
    pair.peer.send(b"")
    pair.peer.send(b"\x16 hello")
    pair.peer.send(b"\x80 media")
    await pair.session.until(lambda: pair.session.media)
    assert pair.session.media == [b"\x80 media"]
    assert pair.session.dtls == [b"\x16 hello"]
    stranger, peer = (Path(3, one.getsockname()) for one in (pair.stranger, pair.peer))
    assert pair.stun == [(b"\x01 a check", stranger), (b"\x02 a check too", peer)]
    assert pair.strangers == [(b"\x80 media of nobody", stranger)]
    assert pair.counters.dropped == {"unknown_peer": 1, "malformed": 2}
    assert pair.counters.packets_in == 8


async def test_more_than_a_batch_is_read_to_the_end(pair):
    for number in range(2 * BATCH):
        pair.peer.send(b"\x80 %d" % number)
    await pair.session.until(lambda: len(pair.session.media) == 2 * BATCH)
    assert pair.session.media[-1] == b"\x80 %d" % (2 * BATCH - 1)


async def test_arrival_is_when_the_kernel_got_it_not_when_it_was_read(pair):
    before = time.monotonic()
    pair.peer.send(b"\x80 first")
    between = time.monotonic()
    while time.monotonic() < between + 0.02:
        pass  # this process is busy, as under load
    pair.peer.send(b"\x80 second")
    await pair.session.until(lambda: len(pair.session.media) == 2)
    first, second = pair.session.arrivals
    # 1 ms for reading two clocks one after the other
    assert before - 0.001 < first < between + 0.001
    assert second - first >= 0.019


async def test_arrival_is_known_while_a_session_has_the_datagram_and_not_after(pair):
    seen = []
    received = pair.session.receive_media

    def note(now, arrival, datagram):
        seen.append(pair.counters.latency.arrival == arrival > 0)
        received(now, arrival, datagram)

    pair.session.receive_media = note
    pair.peer.send(b"\x80 media")
    await pair.session.until(lambda: pair.session.media)
    assert seen == [True]
    assert pair.counters.latency.arrival == 0


async def test_fault_in_a_session_does_not_make_the_socket_deaf(pair):
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    pair.peer.send(b"\x80 fault")
    pair.peer.send(b"\x80 next")
    await pair.session.until(lambda: len(pair.session.media) == 2)
    assert len(faults) == 1


async def test_after_it_was_closed_by_what_it_read_nothing_more_is_handed_out(pair):
    pair.session.on_media = pair.udp.close
    for _ in range(3):
        pair.peer.send(b"\x80media")
    pair.stranger.send(b"\x80media")
    await pair.session.until(lambda: pair.session.media)
    await asyncio.sleep(0)
    assert len(pair.session.media) == 1
    assert pair.strangers == []


async def test_sent_datagrams_are_counted(pair):
    pair.udp.send(b"12345", pair.peer.getsockname())
    assert pair.peer.recv(100) == b"12345"
    assert (pair.counters.packets_out, pair.counters.bytes_out) == (1, 5)


async def test_unreachable_peer_is_counted_and_harms_nobody(pair):
    pair.udp.send(b"x", ("127.0.0.1", 0))
    assert pair.counters.dropped["unreachable"] == 1
    pair.udp.send(b"12345", pair.peer.getsockname())
    assert pair.peer.recv(100) == b"12345"


class FailingSocket:
    """A socket that has only errors to tell until it is repaired."""

    def __init__(self, real):
        self.real, self.repaired, self.reads = real, False, 0
        self.getsockname, self.close, self.fileno = real.getsockname, real.close, real.fileno

    def recvmsg(self, *sizes):
        self.reads += 1
        assert self.reads < 100 * BATCH, "the event loop had no turn"
        if not self.repaired:
            raise OSError
        return self.real.recvmsg(*sizes)


async def test_socket_that_tells_only_errors_leaves_the_others_their_turn():
    pair = Pair(FailingSocket)
    pair.peer.send(b"\x80 datagram")
    await turns(3)
    assert pair.counters.dropped["unreachable"] == pair.socket.reads
    pair.socket.repaired = True
    await pair.session.until(lambda: pair.session.media)
    pair.close()


class FullSocket:
    """A socket whose send buffer takes `room` datagrams at a time."""

    def __init__(self, real):
        self.real, self.room, self.sent = real, 0, []
        self.getsockname, self.recvmsg = real.getsockname, real.recvmsg

    def sendto(self, datagram, address):
        if self.room == 0:
            raise BlockingIOError
        self.room -= 1
        self.sent.append(datagram)

    def fileno(self):
        return self.real.fileno()

    def close(self):
        self.real.close()


async def test_full_send_buffer_delays_in_order_and_is_bounded():
    pair = Pair(FullSocket)
    full = pair.socket
    for number in range(BACKLOG + 10):
        pair.udp.send(b"%d" % number, pair.peer.getsockname())
    assert full.sent == []
    assert pair.counters.dropped["send_buffer"] == 10
    full.room = 5
    await turns(3)
    assert full.sent == [b"0", b"1", b"2", b"3", b"4"]
    full.room = BACKLOG
    await turns(3)
    assert full.sent == [b"%d" % number for number in range(BACKLOG)]
    pair.udp.send(b"after", pair.peer.getsockname())
    assert full.sent[-1] == b"after"
    pair.close()


async def turns(count):
    """Let the event loop poll for writability a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_taken_address_is_an_error(pair):
    with pytest.raises(OSError, match="in use"):
        open_socket(*pair.udp.address)
