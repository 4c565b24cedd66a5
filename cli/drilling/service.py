"""The service under drill: one of its own in a temporary directory, or a running one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import variable
from config.sources import PREFIX

START_S = 60.0
STOP_S = 15.0
LOG = "service.log"


class ServiceError(Exception):
    """The drill's own service did not start; the text holds the end of its log."""


@dataclass(frozen=True)
class Service:
    """Where the service is, and how an operator signs in. The rest is set for an own one only:
    how a technician does, and where its data are."""

    url: str
    sign_in: str
    data_dir: Path | None = None
    technician_sign_in: str | None = None

    @property
    def own(self) -> bool:
        """Whether the drill has started it, and so may kill a part of it."""
        return self.data_dir is not None

    def signaling_pid(self) -> int:
        """The process id of the signaling process as it is now. Raises ServiceError."""
        assert self.data_dir is not None, "not our service"
        try:
            return int(_read_run(self.data_dir)["pids"]["signaling"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"run.json names no signaling process: {error!r}") from None

    def kill_signaling(self) -> int:
        """Kill it, as a crash would; returns its process id. `up` starts another."""
        pid = self.signaling_pid()
        os.kill(pid, signal.SIGKILL)
        return pid


@contextlib.asynccontextmanager
async def own_service(directory: Path, bridges: int = 1) -> AsyncIterator[Service]:
    """Start ``diemcau up`` in this directory on free ports of the loopback, with so many bridge
    processes; stop it at the end.

    Raises:
        ServiceError: it did not start.
    """
    data_dir, log = directory / "data", directory / LOG
    # settings of this machine's own service are none of the drill's
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment[variable("bridge.processes")] = str(bridges)
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "up", "--data-dir", str(data_dir), "--json"),
            *("--port", str(free_port(socket.SOCK_STREAM))),
            *("--media-port", str(free_media_port(bridges + 1))),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment,
        )
    try:
        told = await _first_line(process, log)
        yield Service(told["url"], told["operator_sign_in"], data_dir, told["technician_sign_in"])
    finally:
        await _stop(process)


def free_media_port(processes: int = 2) -> int:
    """A port that is free for UDP and TCP, as are the next ones for further bridge processes."""
    while True:
        port = free_port(socket.SOCK_DGRAM)
        if all(_is_free(port + index) for index in range(processes)):
            return port


def _is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        return False
    return True


def free_port(kind: socket.SocketKind) -> int:
    """A port of the loopback on which nobody listens now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _first_line(process: asyncio.subprocess.Process, log: Path) -> dict[str, str]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        told: dict[str, str] = json.loads(line)
    except (TimeoutError, ValueError):
        raise ServiceError(f"`diemcau up` said nothing usable\n{_end_of(log)}") from None
    return told


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _read_run(data_dir: Path) -> Any:
    return json.loads((data_dir / "run.json").read_text())
