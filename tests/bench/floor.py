"""The floor in this language: the shortest forwarder that plain Python can be, as a fourth server.

``python -m tests.bench.floor ADDRESS PORT RECEIVERS`` reads the addresses of receivers as JSON
from its input, one a line, and then, for each datagram that comes and for each receiver, calls
``protect`` and ``sendto``. No sessions, no checks, no rewriting: nothing that calls pylibsrtp and
``sendto`` once for each packet can cost less.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pylibsrtp

from bridge.udp import BUFFER_BYTES
from tests.bench.line import SO_RCVBUFFORCE, Line
from tests.bench.packets import AudioTrack, VideoTrack
from tests.bench.server import BenchError, Server, process, until

_START_S = 10.0


class FloorServer:
    """The process below. Its sessions are plain: no ICE, no DTLS, nobody decrypts."""

    def __init__(self, running: asyncio.subprocess.Process, address: tuple[str, int]) -> None:
        self.pid = running.pid
        self._address = address
        self._running = running
        self._receivers: list[tuple[str, int]] = []

    def dropped(self) -> dict[str, int]:
        """See `Server`."""
        return {}

    async def publish(self, line: Line, audio: AudioTrack, video: VideoTrack) -> None:
        """See `Server`."""
        line.connect_plain(self._address)

    async def receive(self, line: Line, index: int) -> None:
        """See `Server`."""
        line.connect_plain(self._address)
        self._receivers.append(line.address)
        assert self._running.stdin is not None
        self._running.stdin.write(json.dumps(line.address).encode() + b"\n")


@contextlib.asynccontextmanager
async def floor_server(
    address: str, receivers: int, folder: Path, core: int
) -> AsyncIterator[Server]:
    """The forwarder below, for so many receivers. Raises BenchError if it does not come up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        port = int(probe.getsockname()[1])
    log = folder / "floor.log"
    command = [sys.executable, "-m", "tests.bench.floor", address, str(port), str(receivers)]
    async with process(command, log, {}, core) as running:
        try:
            await until(lambda: b"ready" in log.read_bytes(), _START_S)
        except TimeoutError:
            raise BenchError(f"the floor did not come up:\n{log.read_text()}") from None
        yield FloorServer(running, (address, port))


def forward(address: str, port: int, receivers: int) -> None:
    """The loop, until killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    for kind in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, kind, BUFFER_BYTES)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    print("ready", flush=True)
    legs = []
    for _ in range(receivers):
        host, number = json.loads(sys.stdin.readline())
        legs.append((_session().protect, (host, number)))
    receive, send = sock.recvfrom, sock.sendto
    while True:
        packet, _ = receive(2048)
        for protect, to in legs:
            send(protect(packet), to)


def _session() -> pylibsrtp.Session:
    """AES-128-GCM, as DTLS-SRTP sets it up: 16 bytes of key, 12 of salt."""
    policy = pylibsrtp.Policy(
        key=secrets.token_bytes(28),
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    return pylibsrtp.Session(policy)


if __name__ == "__main__":
    forward(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
