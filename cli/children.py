"""Keeps child processes running: starts them, restarts what dies, stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

log = structlog.get_logger("up")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `name` is what log lines call it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


class GaveUpError(Exception):
    """A program cannot be started; the message says which and why, and what to do. `status` is
    the exit status that tells the same to whoever started us."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class Backoff:
    """How long to wait before the next start: hardly at all after a long life, else ever longer."""

    STEPS_S = (0.05, 0.5, 1.0, 2.0, 5.0)
    LONG_LIFE_S = 10.0

    def __init__(self) -> None:
        self.deaths = 0

    def delay_s(self, lived_s: float) -> float:
        """The program has died after `lived_s`; wait this long."""
        self.deaths = 1 if lived_s >= self.LONG_LIFE_S else self.deaths + 1
        return self.STEPS_S[min(self.deaths, len(self.STEPS_S)) - 1]


class Child:
    """One program that is kept running until `stop`.

    `spawned` is told each new process id. A status in `hopeless` (its settings are wrong) is not
    worth a repeat; nor is a third death before `proven` was set, because then it never worked.
    The child runs in a session of its own, so that Ctrl-C reaches only us, and its standard input
    is a pipe that ends with us, so that it never outlives us, whatever kills us.
    """

    HOPELESS_DEATHS = 3

    def __init__(
        self,
        program: Program,
        spawned: Callable[[str, int], None],
        hopeless: frozenset[int] = frozenset(),
    ) -> None:
        self.program = program
        self.proven = False
        self._spawned = spawned
        self._hopeless = hopeless
        self._backoff = Backoff()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop`. Raises GaveUpError, OSError if the program cannot be executed."""
        restarted = False
        while not self._stopping.is_set():
            started_at = time.monotonic()
            process = await self._spawn()
            if restarted:
                log.info("process restarted", name=self.program.name, pid=process.pid)
            status = await process.wait()
            if self._stopping.is_set():
                return
            lived_s = time.monotonic() - started_at
            delay_s = self._backoff.delay_s(lived_s)
            log.error(
                "process ended",
                name=self.program.name,
                pid=process.pid,
                status=describe(status),
                lived_s=round(lived_s, 1),
                next_step=f"starting it again in {delay_s:g} s",
            )
            self._check_hope(status)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)
            restarted = True

    async def stop(self, limit_s: float = 10.0) -> None:
        """Ask it to end, and make it end after `limit_s`."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), limit_s)
        except TimeoutError:
            log.error("process killed", name=self.program.name, since_s=limit_s)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *self.program.argv,
            env=dict(self.program.env),
            stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
        )
        self._spawned(self.program.name, self._process.pid)
        return self._process

    def _check_hope(self, status: int) -> None:
        name = self.program.name
        if status in self._hopeless:
            reason = f"{name} ended with {describe(status)}; its lines above say why"
            raise GaveUpError(reason, status)
        if not self.proven and self._backoff.deaths >= self.HOPELESS_DEATHS:
            raise GaveUpError(
                f"{name} ended {self._backoff.deaths} times before it was ready, last with "
                f"{describe(status)}; its lines above say why, and `diemcau doctor` looks closer"
            )


def describe(status: int) -> str:
    """An exit status in words: ``exit status 1``, ``signal SIGKILL``."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def stdin_ended() -> asyncio.Future[None]:
    """Done when standard input ends: the parent is gone, however it went."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            if not ended.done():
                ended.set_result(None)

    loop.add_reader(sys.stdin.fileno(), read)
    return ended


def stop_signal() -> asyncio.Event:
    """Set when this process is asked to end (SIGTERM, SIGINT, SIGHUP)."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    return asked


async def asked_to_stop(with_stdin: bool) -> None:
    """Returns when a signal asks this process to end or, if `with_stdin`, its parent is gone."""
    waits: set[asyncio.Future[object]] = {asyncio.ensure_future(stop_signal().wait())}
    if with_stdin:
        waits.add(asyncio.ensure_future(stdin_ended()))
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
