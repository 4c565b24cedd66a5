"""ICE-TCP on one port (RFC 6544, passive): for peers whose network lets no UDP out."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections import Counter

from bridge.backlog import Backlog
from bridge.framing import Deframer, FramingError, framed
from bridge.ice import Path
from bridge.metrics import Counters
from bridge.udp import Address, Host, Peer

MAX_STRANGERS = 256
"""Connections without an authenticated check; the oldest makes room for the next."""
MAX_STRANGERS_OF_ADDRESS = 32
"""Of them from one address (one /64 of IPv6): a gateway of many sites, joining at once."""
MAX_STRANGE_FRAMES = 16
"""Before the first authenticated check; a browser needs one."""
SILENT_S = 5.0
STALLED_S = 20.0
"""A peer whose kernel takes nothing for so long does not read any more; its connection ends, though
its checks may still come. One that is merely slow takes something all the time."""
_UNSENT_BYTES = 16 * 1024
"""In the kernel: its own four megabytes would be a minute's delay on a poor line."""
_READ_BYTES = 65536
_ACCEPTS = 64
_PAUSE_S = 1.0
_TCP_NOTSENT_LOWAT = 25


class TcpSocket:
    """Accepts connections on one port, and is to a session what a `udp.UdpSocket` is.

    A connection belongs to nobody until a check over it was authenticated and `adopt` was called;
    until then nothing but checks may come over it, few of them and soon. It is closed when its
    session gives the path up; when the peer closes it, the session is told (`Peer.path_closed`).

    Args:
        listener: listening and non-blocking, as `open_listener` makes it; closed by `close`.
        index: which of the node's sockets it is, for `ice.Path`.
        max_connections: those of sessions; more are refused.
        silent_s: seconds within which the first authenticated check has to come.
        stalled_s: seconds after which a connection that takes nothing ends.
    """

    def __init__(
        self,
        listener: socket.socket,
        index: int,
        counters: Counters,
        host: Host,
        max_connections: int,
        silent_s: float = SILENT_S,
        stalled_s: float = STALLED_S,
    ) -> None:
        self.index = index
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._listener = listener
        self._counters = counters
        self._host = host
        self._max_connections = max_connections
        self._silent_s = silent_s
        self._stalled_ms = round(1000 * stalled_s)
        self._loop = asyncio.get_running_loop()
        self._connections: dict[Address, _Connection] = {}
        self._strangers: dict[Address, float] = {}
        self._strangers_of: Counter[str] = Counter()
        self._deadline: asyncio.Handle | None = None
        self._pause: asyncio.Handle | None = None
        self._loop.add_reader(listener, self._acceptable)

    def __len__(self) -> int:
        """Open connections."""
        return len(self._connections)

    # --- for sessions -------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Each connection has a backlog of its own: see `hotpath.Wire`."""
        return False

    def fileno(self) -> int:
        """Datagrams are framed, so none is sent past `send`."""
        return -1

    def send(self, datagram: bytes, address: Address, /) -> None:
        """Send without waiting. What a slow reader does not take waits in a bounded `Backlog`;
        beyond it, datagrams are dropped and counted (``tcp_backlog``), those of video first."""
        connection = self._connections.get(address)
        if connection is None:
            self._counters.dropped["unreachable"] += 1
        else:
            connection.send(datagram)

    def adopt(self, address: Address, peer: Peer) -> None:
        """A check for this session was authenticated over this connection."""
        connection = self._connections.get(address)
        if connection is not None:
            connection.peer = peer
            self._is_known(address)

    def holder(self, address: Address) -> Peer | None:
        """Whose connection it is."""
        connection = self._connections.get(address)
        return None if connection is None else connection.peer

    def forget(self, address: Address, peer: Peer) -> None:
        """The session gives the path up: the connection ends, unless it is another's by now."""
        connection = self._connections.get(address)
        if connection is not None and connection.peer is peer:
            connection.peer = None
            self.drop(connection)

    def close(self) -> None:
        """End all connections and free the address."""
        if self._pause is not None:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._listener)
        if self._deadline is not None:
            self._deadline.cancel()
        self._listener.close()
        for connection in list(self._connections.values()):
            connection.peer = None
            self.drop(connection)

    # --- connections --------------------------------------------------------------------------

    def _acceptable(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            except OSError:
                # no file handle is left: the next try shall not be the next turn of the loop
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(_PAUSE_S, self._go_on)
                return
            self._accept(sock, address)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._acceptable)

    def _accept(self, sock: socket.socket, address: Address) -> None:
        network = _network(address)
        known = len(self._connections) - len(self._strangers)
        if (
            known >= self._max_connections
            or self._strangers_of[network] >= MAX_STRANGERS_OF_ADDRESS
        ):
            self._counters.dropped["tcp_refused"] += 1
            sock.close()
            return
        if len(self._strangers) >= MAX_STRANGERS:
            self._counters.dropped["tcp_refused"] += 1
            self.drop(self._connections[next(iter(self._strangers))])
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # it may be closed already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._stalled_ms)
        self._connections[address] = _Connection(sock, address, self, self._counters, self._host)
        self._strangers[address] = self._loop.time() + self._silent_s
        self._strangers_of[network] += 1
        self._arm()

    def drop(self, connection: _Connection) -> None:
        """End a connection, and tell its session if it has one."""
        if self._connections.pop(connection.address, None) is None:
            return
        self._is_known(connection.address)
        connection.shut()
        if connection.peer is not None:
            # later: it may be just sending
            path = Path(self.index, connection.address)
            self._loop.call_soon(connection.peer.path_closed, path)

    def _is_known(self, address: Address) -> None:
        """It is no stranger any more."""
        if self._strangers.pop(address, None) is not None:
            network = _network(address)
            self._strangers_of[network] -= 1
            if not self._strangers_of[network]:
                del self._strangers_of[network]

    def _arm(self) -> None:
        if self._deadline is None and self._strangers:
            due = next(iter(self._strangers.values()))
            self._deadline = self._loop.call_at(due, self._drop_silent)

    def _drop_silent(self) -> None:
        self._deadline = None
        now = self._loop.time()
        for address in [one for one, due in self._strangers.items() if due <= now]:
            self._counters.dropped["tcp_silent"] += 1
            self.drop(self._connections[address])
        self._arm()


class _Connection:
    """One connection: frames in, frames out, and what waits in between."""

    __slots__ = (
        "_backlog",
        "_counters",
        "_deframer",
        "_host",
        "_loop",
        "_owner",
        "_socket",
        "_strange",
        "address",
        "open",
        "peer",
    )

    def __init__(
        self,
        sock: socket.socket,
        address: Address,
        owner: TcpSocket,
        counters: Counters,
        host: Host,
    ) -> None:
        self.address = address
        self.peer: Peer | None = None
        self.open = True
        self._socket = sock
        self._owner = owner
        self._counters = counters
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._deframer = Deframer()
        self._backlog = Backlog()
        self._strange = 0
        self._loop.add_reader(sock, self._readable)

    def shut(self) -> None:
        """Free the socket."""
        self.open = False
        self._loop.remove_reader(self._socket)
        if self._backlog:
            self._loop.remove_writer(self._socket)
        self._socket.close()

    # --- in -----------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            datagrams = self._deframer.feed(data)
        except FramingError:
            self._counters.dropped["malformed"] += 1
            data, datagrams = b"", []
        now, arrival = self._loop.time(), time.monotonic()
        self._counters.packets_in += len(datagrams)
        self._counters.bytes_in += len(data)
        for datagram in datagrams:
            if not self.open:
                return
            self._hand_out(now, arrival, datagram)
        if not data:
            self._owner.drop(self)

    def _hand_out(self, now: float, arrival: float, datagram: bytes) -> None:
        """By first byte (RFC 7983), as `udp.UdpSocket` does."""
        first, peer = datagram[0], self.peer
        if peer is None:
            self._strange += 1
            if first > 3 or self._strange > MAX_STRANGE_FRAMES:
                self._counters.dropped["unknown_peer"] += 1
                self._owner.drop(self)
                return
        if first < 4:
            self._host.receive_stun(now, datagram, Path(self._owner.index, self.address))
        elif peer is None:
            return
        elif 127 < first < 192:
            peer.receive_media(now, arrival, datagram)
        elif 19 < first < 64:
            peer.receive_dtls(datagram)
        else:
            self._counters.dropped["malformed"] += 1

    # --- out ----------------------------------------------------------------------------------

    def send(self, datagram: bytes) -> None:
        """See `TcpSocket.send`."""
        if self._backlog:
            if not self._backlog.put(datagram):
                self._counters.dropped["tcp_backlog"] += 1
                return
        elif not self._send_now(datagram):
            return
        self._counters.packets_out += 1
        self._counters.bytes_out += len(datagram)

    def _send_now(self, datagram: bytes) -> bool:
        """Nothing waits yet; False if the connection is gone."""
        frame = framed(datagram)
        try:
            sent = self._socket.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._counters.dropped["unreachable"] += 1
            self._owner.drop(self)
            return False
        self._backlog.sent(datagram)
        if sent < len(frame):
            self._loop.add_writer(self._socket, self._writable)
            self._backlog.begin(frame[sent:])
        return True

    def _writable(self) -> None:
        try:
            while self._backlog:
                self._backlog.wrote(self._socket.send(self._backlog.take()))
        except BlockingIOError:
            return
        except OSError:
            self._owner.drop(self)
            return
        self._loop.remove_writer(self._socket)


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket, bound to one address. Port 0 takes a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def _network(address: Address) -> str:
    """Whose connections are counted together."""
    host = str(address[0]).partition("%")[0]
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False))
