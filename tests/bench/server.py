"""What S1 asks of a server under measurement: to be started, and to open sessions."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.line import Line
from tests.bench.packets import AudioTrack, VideoTrack

CONNECT_S = 20.0
_STOP_S = 5.0
_PR_SET_PDEATHSIG = 1


def cores() -> tuple[int, int]:
    """One for the generator and one for the server; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class BenchError(Exception):
    """A measurement that could not be made; the text says why."""


class Server(Protocol):
    """A running server.

    A session carries one Opus and one VP8 stream. Receivers could ask for lost packets (NACK), so
    each server keeps what it sends for a while; nobody does ask. There are no header extensions.
    """

    pid: int

    async def publish(self, line: Line, audio: AudioTrack, video: VideoTrack) -> None:
        """Open the publishing session over this line. Raises as `Line.connect`, or BenchError."""

    async def receive(self, line: Line, index: int) -> None:
        """Open a receiving session. Raises as `publish`."""

    def dropped(self) -> dict[str, int]:
        """What the server itself says that it has dropped, by reason; empty if it says nothing."""


@contextlib.asynccontextmanager
async def process(
    command: Sequence[str], log: Path, environment: dict[str, str], core: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server process that is held to this core, and ends with this process."""
    with log.open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            preexec_fn=_in_child(core),
        )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await started.wait()
        except TimeoutError:
            started.kill()
            await started.wait()


async def until(true: Callable[[], bool], limit_s: float) -> None:
    """Look again and again until it holds. Raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.05)


def _in_child(core: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})

    return prepare
