"""One client session of the load generator: a socket, ICE either way, DTLS-SRTP, and counting.

It reads sequence numbers from the headers, which SRTP leaves in clear, and decrypts only where it
is a *witness*: 65,000 packets a second must not cost the generator more than the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from OpenSSL import SSL

from bridge import stun
from bridge.fingerprint import Fingerprint
from bridge.ice import Credentials
from bridge.icecheck import Changed, Check, IceChecker, Received, Tick
from bridge.transport import Certificate, Role, SecureChannel, SrtpError
from tests.bench.packets import VIDEO_BYTES, Count, made_at_ns

_SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 * 1024 * 1024
_TIMESPEC = struct.Struct("@qq")


@dataclass(frozen=True)
class Remote:
    """The server's side of one session, as its SDP tells it."""

    credentials: Credentials
    fingerprint: Fingerprint
    address: tuple[str, int]


class Certificates(Certificate):
    """This process's certificate; it remembers which SRTP profiles were agreed on with it."""

    def __init__(self) -> None:
        super().__init__()
        self._connections: list[SSL.Connection] = []

    def connection(self, role: Role) -> SSL.Connection:
        """See `Certificate`."""
        made = super().connection(role)
        self._connections.append(made)
        return made

    def profiles(self) -> set[str]:
        """The names of the agreed profiles (RFC 5764, RFC 7714)."""
        return {one.get_selected_srtp_profile().decode() for one in self._connections}


class Line:
    """A session. `counts` is by payload type; `delays_ns` is what a witness saw.

    Args:
        on_rtcp: given each decrypted compound; without it RTCP is not even decrypted.
        witness: decrypt every packet, and note when the kernel had each.
    """

    def __init__(
        self,
        host: str,
        certificate: Certificate,
        on_rtcp: Callable[[bytes], None] | None = None,
        witness: bool = False,
    ) -> None:
        self.credentials = Credentials(secrets.token_hex(4), secrets.token_hex(16))
        self.certificate = certificate
        self.counts: dict[int, Count] = {}
        self.delays_ns: list[int] = []
        self.unreadable = 0
        self.witness = witness
        self._on_rtcp = on_rtcp
        self._buffer = bytearray(2048)
        self._checked = asyncio.Event()
        self._ice: IceChecker | None = None
        self._channel: SecureChannel | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        if witness:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((host, 0))
        self.address: tuple[str, int] = self._socket.getsockname()

    def fileno(self) -> int:
        """Of its socket."""
        return self._socket.fileno()

    async def connect(self, remote: Remote, role: Role, checks: bool, timeout_s: float) -> None:
        """Reach the server and shake hands.

        Args:
            checks: whether to send ICE checks; without, the server does, and they are answered.

        Raises:
            TimeoutError, HandshakeError: it did not work.
        """
        self._socket.connect(remote.address)
        self._channel = SecureChannel(self.certificate, role, [remote.fingerprint], self._send)
        if checks:
            self._ice = IceChecker(
                self.credentials,
                remote.credentials,
                secrets.randbits(64),
                lambda: secrets.token_bytes(12),
                time.monotonic(),
                remote.address,
            )
            async with asyncio.timeout(timeout_s):
                await self._checked.wait()
        await self._channel.start(timeout_s)

    def connect_plain(self, address: tuple[str, int]) -> None:
        """Exchange plain packets with this address; a witness sees nothing then."""
        self._socket.connect(address)
        self.witness = False

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send."""
        self._send(packet if self._channel is None else self._channel.protect_rtp(packet))

    def close(self) -> None:
        """Free it."""
        if self._channel is not None:
            self._channel.close()
        self._socket.close()

    def tick(self, now: float) -> None:
        """Send the ICE check that is due."""
        if self._ice is not None and now >= self._ice.next_deadline():
            self._obey(self._ice.handle(now, Tick()))

    def drain(self, now: float) -> None:
        """Read all there is."""
        if self.witness:
            self._drain_as_witness(now)
            return
        buffer, read, counts = self._buffer, self._socket.recv_into, self.counts
        try:
            while True:
                size = read(buffer)
                if 127 < buffer[0] < 192:
                    kind = buffer[1] & 127
                    if kind in counts:
                        counts[kind].take(buffer[2] << 8 | buffer[3])
                        continue
                self._other(now, bytes(buffer[:size]))
        except BlockingIOError:
            return
        except ConnectionError:
            return  # nobody listens there yet, or any more

    def _drain_as_witness(self, now: float) -> None:
        try:
            while True:
                datagram, notes, _, _ = self._socket.recvmsg(2048, 64)
                kind = datagram[1] & 127
                if 127 < datagram[0] < 192 and kind in self.counts:
                    self._see(datagram, kind, notes)
                else:
                    self._other(now, datagram)
        except BlockingIOError:
            return
        except ConnectionError:
            return

    def _see(self, datagram: bytes, kind: int, notes: list[tuple[int, int, bytes]]) -> None:
        assert self._channel is not None
        self.counts[kind].take(datagram[2] << 8 | datagram[3])
        try:
            packet = self._channel.unprotect_rtp(datagram)
        except SrtpError:
            self.unreadable += 1
            return
        if len(packet) == VIDEO_BYTES:
            seconds, nanoseconds = _TIMESPEC.unpack(notes[0][2])
            self.delays_ns.append(seconds * 1_000_000_000 + nanoseconds - made_at_ns(packet))

    def _other(self, now: float, datagram: bytes) -> None:
        """STUN, DTLS, RTCP; what is too early or unknown is dropped."""
        if self._channel is None or len(datagram) < 8:
            return
        if stun.is_stun(datagram):
            self._stun(now, datagram)
        elif 19 < datagram[0] < 64:
            self._channel.feed(datagram)
        elif 127 < datagram[0] < 192 and self._on_rtcp is not None and self._channel.connected:
            with contextlib.suppress(SrtpError):
                self._on_rtcp(self._channel.unprotect_rtcp(datagram))

    def _stun(self, now: float, datagram: bytes) -> None:
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            return
        password = self.credentials.password.encode()
        if message.kind == stun.BINDING_REQUEST and message.authentic(password):
            host, port = self._socket.getpeername()
            self._send(stun.success(message, host, port, password))
        elif self._ice is not None:
            self._obey(self._ice.handle(now, Received(datagram)))

    def _obey(self, outputs: list[Check | Changed]) -> None:
        for output in outputs:
            if isinstance(output, Check):
                self._send(output.datagram)
            elif output.state == "connected":
                self._checked.set()

    def _send(self, datagram: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(datagram)


class Switchboard:
    """Reads all lines and calls `each_turn` every `TURN_S`, until cancelled."""

    TURN_S = 0.005

    def __init__(self) -> None:
        self.each_turn: Callable[[float], None] = lambda now: None
        self.slowest_turn_s = 0.0
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}

    def add(self, line: Line) -> None:
        """Read this line from now on."""
        self._lines[line.fileno()] = line
        self._poll.register(line.fileno(), select.EPOLLIN)

    async def run(self) -> None:
        """Turn until cancelled."""
        due = time.monotonic()
        while True:
            begin = time.monotonic()
            self.each_turn(begin)
            for number, _ in self._poll.poll(0):
                self._lines[number].drain(begin)
            for line in self._lines.values():
                line.tick(begin)
            end = time.monotonic()
            self.slowest_turn_s = max(self.slowest_turn_s, end - begin)
            due = max(due + self.TURN_S, end)
            await asyncio.sleep(due - end)

    def close(self) -> None:
        """Close all lines."""
        for line in self._lines.values():
            line.close()
        self._poll.close()
