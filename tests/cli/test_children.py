"""Child processes: real ones, which die in all the ways that children die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from cli.children import Backoff, Child, GaveUpError, Program, describe
from cli.runfile import is_alive

LONG = "import signal; signal.pause()"


def program(code: str) -> Program:
    return Program("test", (sys.executable, "-c", code), dict(os.environ))


class Births:
    """Process ids of a child, in order of birth."""

    def __init__(self) -> None:
        self._pids: asyncio.Queue[int] = asyncio.Queue()

    def __call__(self, name: str, pid: int) -> None:
        self._pids.put_nowait(pid)

    async def next(self) -> int:
        return await self._pids.get()


async def end(child: Child, running: asyncio.Task[None]) -> None:
    await child.stop()
    await running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_child_that_dies_is_started_again(number: int) -> None:
    births = Births()
    child = Child(program(LONG), births)
    running = asyncio.create_task(child.run())
    first = await births.next()
    os.kill(first, number)
    second = await births.next()
    assert second != first
    assert not is_alive(first)
    await end(child, running)
    assert not is_alive(second)


async def test_a_status_without_hope_is_not_repeated() -> None:
    births = Births()
    child = Child(program("raise SystemExit(78)"), births, frozenset({78}))
    with pytest.raises(GaveUpError, match="test ended with exit status 78; its lines above"):
        await child.run()


async def test_a_child_that_never_worked_is_given_up_after_three_deaths() -> None:
    births = Births()
    child = Child(program("raise SystemExit(3)"), births)
    with pytest.raises(GaveUpError, match="3 times before it was ready, last with exit status 3"):
        await child.run()
    assert len({await births.next() for _ in range(3)}) == 3


async def test_a_child_that_has_proven_itself_is_never_given_up() -> None:
    births = Births()
    child = Child(program("raise SystemExit(3)"), births)
    child.proven = True
    running = asyncio.create_task(child.run())
    for _ in range(4):
        await births.next()
    await end(child, running)


async def test_a_child_that_ignores_sigterm_is_killed() -> None:
    births = Births()
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
    )
    child = Child(program(deaf), births)
    running = asyncio.create_task(child.run())
    pid = await births.next()
    await ignoring_sigterm(pid)
    await child.stop(limit_s=0.05)
    await running
    assert not is_alive(pid)


async def ignoring_sigterm(pid: int) -> None:
    """Wait until the process has set its handler (proc(5), SigIgn)."""
    bit = 1 << (signal.SIGTERM - 1)
    while True:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
        if int(mask.split()[1], 16) & bit:
            return
        await asyncio.sleep(0.01)


async def test_stopping_a_child_that_was_never_started() -> None:
    child = Child(program(LONG), Births())
    await child.stop()
    await child.run()


async def test_a_program_that_does_not_exist() -> None:
    child = Child(Program("test", ("/nonexistent/program",), {}), Births())
    with pytest.raises(FileNotFoundError):
        await child.run()


def test_waits_grow_with_each_death_and_shrink_after_a_long_life() -> None:
    backoff = Backoff()
    assert [backoff.delay_s(0.1) for _ in range(7)] == [0.05, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0]
    assert backoff.delay_s(60.0) == 0.05
    assert backoff.delay_s(0.1) == 0.5


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (78, "exit status 78"), (-9, "signal SIGKILL"), (-99, "signal 99")],
)
def test_statuses_in_words(status: int, words: str) -> None:
    assert describe(status) == words
