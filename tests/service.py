"""The whole service as its users start it: `diemcau up`, in a directory and on ports of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from cli.drilling import service as drill_service
from cli.drilling.service import free_media_port


@dataclass(frozen=True)
class Service:
    """A running service. `run_file` names the processes as they are now."""

    url: str
    operator_sign_in: str
    technician_sign_in: str
    data_dir: Path

    def pid(self, part: str) -> int:
        """The process that runs `part` (``signaling`` or ``bridge``) at this moment."""
        return int(json.loads((self.data_dir / "run.json").read_text())["pids"][part])

    async def ready(self, limit_s: float = 30.0) -> None:
        """Wait until /readyz answers 200."""
        async with asyncio.timeout(limit_s), aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.05)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody listens on now."""
    return drill_service.free_port(kind)


def _moved_clock(later: str) -> dict[str, str]:
    """What makes a process live at another wall-clock time; monotonic clocks are left alone."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": later, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextlib.asynccontextmanager
async def running_service(
    data_dir: Path,
    later: str | None = None,
    like: Service | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Service]:
    """Start `diemcau up`, wait until it is ready, stop it at the end.

    `later` moves the clock of its processes (``+16h``, as libfaketime reads it); `like` takes the
    HTTP port of a service that has stopped, so that links given out by that one lead here;
    `environ` has settings that differ.
    """
    port = free_port() if like is None else urlsplit(like.url).port
    log = (data_dir.parent / f"{data_dir.name}.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "up", "--data-dir", str(data_dir), "--json"),
        *("--port", str(port), "--media-port", str(free_media_port())),
        env={**os.environ, **(_moved_clock(later) if later else {}), **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        assert line, f"`diemcau up` ended at its start:\n{Path(log.name).read_text()}"
        told = json.loads(line)
        yield Service(
            url=told["url"],
            operator_sign_in=told["operator_sign_in"],
            technician_sign_in=told["technician_sign_in"],
            data_dir=data_dir,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()
        log.close()
