"""One UDP socket that all peers of an announced address share."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections import deque
from typing import Any, Protocol

from bridge.hotpath import BATCH, Gate, HotPath
from bridge.ice import Path
from bridge.metrics import Counters

Address = tuple[Any, ...]

BUFFER_BYTES = 8 * 1024 * 1024
"""Asked of the kernel for each direction: a keyframe to 63 sites is 2.8 MB at once."""
BACKLOG = 4096
"""Datagrams that wait for a full send buffer: a keyframe to 63 sites is 2,500."""
_MAX_DATAGRAM = 2048
_SO_RCVBUFFORCE, _SO_SNDBUFFORCE, _SO_TIMESTAMPNS = 33, 32, 35
_TIMESPEC = struct.Struct("qq")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)


class Peer(Protocol):
    """A session, as the socket sees it. `gate` is the short way in, if there is one."""

    @property
    def gate(self) -> Gate | None: ...

    def receive_media(self, now: float, arrival: float, datagram: bytes, /) -> None:
        """An SRTP or SRTCP datagram from one of the session's addresses.

        `now` is the event loop's clock; `arrival` is when the kernel got the datagram, in seconds
        of the monotonic clock: what a publisher's delay is judged by must not contain our own.
        """

    def receive_dtls(self, datagram: bytes, /) -> None:
        """A DTLS datagram from one of the session's addresses."""

    def uses(self, now: float, path: Path, /) -> bool:
        """Whether the session's peer is at this path now."""

    def path_closed(self, path: Path, /) -> None:
        """The peer has closed the TCP connection that this path was."""


class Host(Protocol):
    """The node, as the socket sees it."""

    def receive_stun(self, now: float, datagram: bytes, path: Path, /) -> None:
        """A STUN datagram, whatever its source."""

    def receive_stranger(self, now: float, arrival: float, datagram: bytes, path: Path, /) -> None:
        """An SRTP packet from an address that is no session's."""

    def reads(self, reading: bool, /) -> None:
        """A batch of datagrams begins, or is through: what it led to may be sent."""


class UdpSocket:
    """Reads in batches and hands each datagram to the session of its source address.

    Demultiplexes by first byte (RFC 7983). `peers` maps source addresses to sessions, which
    `adopt` them after an authenticated check. The rest goes to the host.

    Args:
        sock: bound and non-blocking, as `open_socket` makes it; closed by `close`.
        index: which of the node's sockets it is, for `ice.Path`.
        hot: what may read it in this one's place.
    """

    def __init__(
        self,
        sock: socket.socket,
        index: int,
        counters: Counters,
        host: Host,
        hot: HotPath | None = None,
    ) -> None:
        self.index = index
        self.peers: dict[Address, Peer] = {}
        self._socket = sock
        self._counters = counters
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._backlog: deque[tuple[bytes, Address]] = deque()
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._reader = hot.reader(self, sock.fileno(), counters) if hot is not None else None
        self._loop.add_reader(self._socket, self._readable)

    @property
    def full(self) -> bool:
        """Datagrams wait for room already: see `hotpath.Wire`."""
        return bool(self._backlog)

    def fileno(self) -> int:
        """The socket."""
        return self._socket.fileno()

    def send(self, datagram: bytes, address: Address, /) -> None:
        """Send without waiting. What the kernel does not take at once waits in a bounded backlog;
        beyond it, datagrams are dropped and counted (``send_buffer``)."""
        if self._backlog:
            self._postpone(datagram, address)
            return
        try:
            self._socket.sendto(datagram, address)
        except BlockingIOError:
            self._postpone(datagram, address)
        except OSError:
            self._counters.dropped["unreachable"] += 1
        else:
            self._counters.packets_out += 1
            self._counters.bytes_out += len(datagram)

    def adopt(self, address: Address, peer: Peer) -> None:
        """What comes from this address is this session's from now on."""
        if self.peers.get(address) is not peer:
            self.peers[address] = peer
            self._changed()

    def holder(self, address: Address) -> Peer | None:
        """Whose address it is."""
        return self.peers.get(address)

    def forget(self, address: Address, peer: Peer) -> None:
        """It no longer is; nothing if it is another's by now."""
        if self.peers.get(address) is peer:
            del self.peers[address]
            self._changed()

    def _changed(self) -> None:
        if self._reader is not None:
            self._reader.forget()

    def _postpone(self, datagram: bytes, address: Address) -> None:
        if len(self._backlog) == BACKLOG:
            self._counters.dropped["send_buffer"] += 1
            return
        if not self._backlog:
            self._loop.add_writer(self._socket, self._writable)
        self._backlog.append((datagram, address))

    def _writable(self) -> None:
        waiting, self._backlog = self._backlog, deque()
        self._loop.remove_writer(self._socket)
        while waiting and not self._backlog:
            self.send(*waiting.popleft())
        if waiting:
            # the kernel is full again: what was just put back stays first
            self._backlog.extend(waiting)

    def close(self) -> None:
        """Stop reading and free the address; also from within what a datagram led to."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        if self._backlog:
            self._loop.remove_writer(self._socket)
        self._socket.close()
        self.peers.clear()
        self._changed()

    def _readable(self) -> None:
        """Read and hand out up to `BATCH` datagrams; the loop calls again while there are more."""
        now = self._loop.time()
        self._host.reads(True)
        try:
            if self._reader is None:
                self._read(now)
            else:
                self._reader.read(now)
        finally:
            self._counters.latency.arrival = 0.0
            self._host.reads(False)

    def _read(self, now: float) -> None:
        to_monotonic = time.monotonic() - time.time()
        receive, counters = self._socket.recvmsg, self._counters
        timestamp = _TIMESPEC.unpack
        size = 0
        count = 0
        for _ in range(BATCH):
            try:
                datagram, extra, _, address = receive(_MAX_DATAGRAM, _ANCILLARY)
            except BlockingIOError:
                break
            except OSError:
                if self._closed:
                    break
                # an ICMP error of an earlier datagram to someone who is gone
                counters.dropped["unreachable"] += 1
                continue
            count += 1
            size += len(datagram)
            seconds, nanoseconds = timestamp(extra[0][2])
            arrival = seconds + nanoseconds * 1e-9 + to_monotonic
            try:
                self.hand_out(now, arrival, datagram, address)
            except Exception as error:
                self.fault(error)
        counters.packets_in += count
        counters.bytes_in += size

    def hand_out(self, now: float, arrival: float, datagram: bytes, address: Address) -> None:
        """See `hotpath.Desk`."""
        if self._closed:
            return
        first = datagram[0] if datagram else 255
        if 127 < first < 192:
            peer = self.peers.get(address)
            self._counters.latency.arrival = arrival
            if peer is not None:
                peer.receive_media(now, arrival, datagram)
            else:
                self._host.receive_stranger(now, arrival, datagram, Path(self.index, address))
        elif first < 4:
            self._host.receive_stun(now, datagram, Path(self.index, address))
        elif 19 < first < 64:
            peer = self.peers.get(address)
            if peer is not None:
                peer.receive_dtls(datagram)
            else:
                self._counters.dropped["unknown_peer"] += 1
        else:
            self._counters.dropped["malformed"] += 1

    def media_read(self) -> None:
        """See `hotpath.Desk`."""
        self._host.reads(False)
        self._host.reads(True)

    def fault(self, error: Exception) -> None:
        """See `hotpath.Desk`: the loop's handler logs it, and the others go on."""
        message = "a datagram was not handled"
        self._loop.call_exception_handler({"message": message, "exception": error})


def open_socket(host: str, port: int) -> socket.socket:
    """A UDP socket with large buffers, bound to one address: never a wildcard, since a reply from
    another address than the one that was checked breaks ICE. Port 0 takes a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        _enlarge(sock)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _enlarge(sock: socket.socket) -> None:
    """Ask for large buffers: beyond the system's limit where we may, else up to it."""
    for plain, force in (
        (socket.SO_RCVBUF, _SO_RCVBUFFORCE),
        (socket.SO_SNDBUF, _SO_SNDBUFFORCE),
    ):
        sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)
