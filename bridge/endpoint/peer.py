"""The client end of one WHIP or WHEP session at packet level: socket, ICE checks, DTLS-SRTP."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Literal

from bridge import stun
from bridge.endpoint.wheel import RECEIVE_BUFFER, Wheel
from bridge.ice import Credentials
from bridge.icecheck import Changed, IceChecker, Output, Received, Tick
from bridge.offers import Answer, AnswerError
from bridge.transport import Certificate, SecureChannel, SrtpError, is_dtls, is_rtcp

Door = Callable[[str], Awaitable[str]]
"""Takes an offer to WHIP or WHEP and brings the answer."""

CONNECT_S = 15.0
REPORT_S = 1.0
"""Between two sender or receiver reports."""

PeerState = Literal["new", "connecting", "connected", "lost", "closed"]


def phase() -> float:
    """0–1: sessions of one process shall not all send in the same turn of the wheel."""
    return secrets.randbelow(1000) / 1000


class Peer:
    """One session's transport. Put `credentials` and the certificate's fingerprint in an offer,
    then pass the answer to `connect`.

    Args:
        on_rtp: takes (now, plain RTP packet), from the wheel's turn.
        on_rtcp: takes (now, plain compound RTCP packet).
        on_state: told each edge.

    While `offline` nothing is sent and nothing that comes is read, as if its cable were out.
    """

    def __init__(
        self,
        wheel: Wheel,
        certificate: Certificate,
        on_rtp: Callable[[float, bytes], None],
        on_rtcp: Callable[[float, bytes], None],
        on_state: Callable[[PeerState], None] = lambda state: None,
    ) -> None:
        self.state: PeerState = "new"
        self.credentials = Credentials(secrets.token_hex(4), secrets.token_hex(16))
        self.certificate = certificate
        self.dropped = 0
        self.offline = False
        self._wheel = wheel
        self._on_rtp, self._on_rtcp, self._on_state = on_rtp, on_rtcp, on_state
        self._socket: socket.socket | None = None
        self._ice: IceChecker | None = None
        self._channel: SecureChannel | None = None
        self._checked = asyncio.Event()

    @property
    def rtt_s(self) -> float | None:
        """Of the latest ICE check; includes up to one turn of the wheel."""
        return self._ice.rtt_s if self._ice else None

    async def connect(self, answer: Answer, timeout_s: float) -> None:
        """Check the path, then shake hands.

        Raises:
            TimeoutError: no answer to our checks in time.
            HandshakeError: the DTLS handshake failed.
            AnswerError: the answer wants to be the DTLS client, which a synthetic site is itself.
        """
        if not answer.passive:
            raise AnswerError("the answer must say a=setup:passive")
        self._change("connecting")
        self._open(answer)
        assert self._channel is not None
        try:
            async with asyncio.timeout(timeout_s):
                await self._checked.wait()
                await self._channel.start(timeout_s)
        except BaseException:
            self.close()
            raise
        self._change("connected")

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; silently nothing while not connected, as a lost packet would be."""
        if self._channel is not None and self._channel.connected:
            self._send(self._channel.protect_rtp(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """As `send_rtp`, for a compound RTCP packet."""
        if self._channel is not None and self._channel.connected:
            self._send(self._channel.protect_rtcp(packet))

    def close(self) -> None:
        """Say ``close_notify`` and free the socket. Repeatable."""
        if self._channel is not None:
            self._channel.close()
        self.vanish()

    def vanish(self) -> None:
        """Free the socket without a word, as the end of a process does. Repeatable."""
        self._wheel.remove(self._turn)
        if self._socket is not None:
            self._wheel.remove_socket(self._socket)
            self._socket.close()
        self._change("closed")
        # they know whose peer it is; without this both would wait for the garbage collection
        self._channel = None
        self._on_rtp = self._on_rtcp = _unheard
        self._on_state = lambda state: None

    def _open(self, answer: Answer) -> None:
        host, port = answer.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.connect((host, port))
        now = asyncio.get_running_loop().time()
        self._ice = IceChecker(
            self.credentials,
            answer.credentials,
            secrets.randbits(64),
            lambda: secrets.token_bytes(12),
            now,
            answer.address,
        )
        self._channel = SecureChannel(
            self.certificate, "client", [answer.fingerprint], self._send, self._told_to_close
        )
        self._wheel.add_socket(self._socket, self._read)
        self._wheel.add(self._turn)

    def _read(self, now: float, datagram: bytes) -> None:
        assert self._channel is not None
        assert self._ice is not None
        if len(datagram) < 8 or self.offline:
            return
        if 127 < datagram[0] < 192:
            self._media(now, datagram)
        elif stun.is_stun(datagram):
            self._obey(self._ice.handle(now, Received(datagram)))
        elif is_dtls(datagram):
            self._channel.feed(datagram)

    def _media(self, now: float, datagram: bytes) -> None:
        assert self._channel is not None
        try:
            if is_rtcp(datagram):
                self._on_rtcp(now, self._channel.unprotect_rtcp(datagram))
            else:
                self._on_rtp(now, self._channel.unprotect_rtp(datagram))
        except SrtpError:
            self.dropped += 1

    def _turn(self, now: float) -> None:
        assert self._ice is not None
        if now >= self._ice.next_deadline():
            self._obey(self._ice.handle(now, Tick()))

    def _obey(self, outputs: list[Output]) -> None:
        for output in outputs:
            if not isinstance(output, Changed):
                self._send(output.datagram)
                continue
            if output.state == "connected":
                self._checked.set()
            if self.state in ("connected", "lost") and output.state != "checking":
                self._change(output.state)

    def _told_to_close(self) -> None:
        asyncio.get_running_loop().call_soon(self.close)

    def _send(self, datagram: bytes) -> None:
        if self._socket is not None and not self.offline:
            with contextlib.suppress(OSError):  # as if the network had lost it
                self._socket.send(datagram)

    def _change(self, state: PeerState) -> None:
        if state != self.state and self.state != "closed":
            self.state = state
            self._on_state(state)


def _unheard(now: float, packet: bytes) -> None:
    """What comes after the end."""
