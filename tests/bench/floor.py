"""The floor: the shortest forwarder that C can be, as another server under measurement.

``python -m tests.bench.floor ADDRESS PORT RECEIVERS`` compiles `floor.c`, reads the addresses of
receivers as JSON from its input, one a line, and runs the loop there: ``srtp_protect`` of the
libsrtp that the bridge uses, and ``sendto``, once for each packet and receiver.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pylibsrtp
from pylibsrtp._binding import ffi, lib

from bridge.udp import BUFFER_BYTES
from tests.bench.line import SO_RCVBUFFORCE, Line
from tests.bench.packets import AudioTrack, VideoTrack
from tests.bench.server import BenchError, Server, process, until

_START_S = 20.0
_SOURCE = Path(__file__).with_name("floor.c")


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
    run = _compiled()
    sessions, addresses = [], b""
    for _ in range(receivers):
        host, number = json.loads(sys.stdin.readline())
        sessions.append(_session())
        family = socket.AF_INET.to_bytes(2, sys.byteorder)
        addresses += family + number.to_bytes(2, "big") + socket.inet_aton(host) + bytes(8)
    contexts = (ctypes.c_void_p * receivers)(
        *(int(ffi.cast("uintptr_t", one._srtp[0])) for one in sessions)
    )
    protect = int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect")))
    run(sock.fileno(), ctypes.c_void_p(protect), contexts, addresses, receivers)


def _compiled() -> Callable[..., None]:
    with tempfile.TemporaryDirectory(prefix="diemcau-floor-") as folder:
        built = Path(folder) / "floor.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(built), str(_SOURCE)]
        subprocess.run(command, check=True)
        run: Callable[..., None] = ctypes.CDLL(str(built)).forward
        return run


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
