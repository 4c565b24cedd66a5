"""One timer and one poll for all synthetic sites of a process: 128 sessions, few wake-ups.

Sockets are read when the wheel turns, every 10 ms, not when a datagram comes; when it came is the
kernel's word, so that a slow turn of ours is not taken for a slow network. Work that can wait
(decoding) is deferred and done in small portions between turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

TURN_S = 0.01
_DEFERRED_S = 0.004
"""CPU time for deferred work after a turn, or as much as the turn took if that is more: a process
that gets little of its machine makes few turns, and would be left far behind. At least one piece
is done in each."""
_MAX_DEFERRED_S = 0.25
"""Of time, then the next turn is due, whatever the process got of the processor meanwhile."""
_MAX_READS = 200
"""Datagrams of one socket in one turn, so that none starves the others."""
RECEIVE_BUFFER = 512 * 1024
_SO_TIMESTAMPNS = 35
"""Linux: the kernel notes when a datagram came, as a `struct timespec` of Unix time."""
_TIMESPEC = struct.Struct("@ll")
_MAX_WAIT_S = 5.0
"""A datagram that seems to have waited longer came while the wall clock was set."""


class Wheel:
    """Turns from ``async with`` to its end.

    A datagram goes to the reader of its socket as ``reader(arrived, datagram)``; every turn calls
    each part as ``part(now)``, both being the event loop's time in seconds. What they raise ends
    the wheel, and comes out of ``async with``.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._parts: dict[Callable[[float], None], None] = {}
        self._deferred: deque[Callable[[], None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._needed = asyncio.Event()
        self.slowest_turn_s = 0.0

    async def __aenter__(self) -> Wheel:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._selector.close()

    async def ended(self) -> None:
        """Returns when the wheel turns no more, raising what has ended it."""
        assert self._task is not None
        await asyncio.shield(self._task)

    def add_socket(self, sock: socket.socket, reader: Callable[[float, bytes], None]) -> None:
        """Read this non-blocking socket from now on."""
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._selector.register(sock, selectors.EVENT_READ, reader)
        self._needed.set()

    def remove_socket(self, sock: socket.socket) -> None:
        """Read it no longer; call before closing it."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def add(self, part: Callable[[float], None]) -> None:
        """Call `part` in every turn."""
        self._parts[part] = None
        self._needed.set()

    def remove(self, part: Callable[[float], None]) -> None:
        """Call it no longer; unknown parts are ignored."""
        self._parts.pop(part, None)

    def defer(self, work: Callable[[], None]) -> None:
        """Do this when there is time, in order."""
        self._deferred.append(work)
        self._needed.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if not (self._parts or self._deferred or self._selector.get_map()):
                self._needed.clear()
                await self._needed.wait()
                due = loop.time()
            begin, used_s = loop.time(), time.thread_time()
            self._turn(begin)
            turned_s = time.thread_time()
            share_s = max(_DEFERRED_S, turned_s - used_s)
            self._work(turned_s + share_s, loop.time() + _MAX_DEFERRED_S, loop.time)
            end = loop.time()
            self.slowest_turn_s = max(self.slowest_turn_s, end - begin)
            due = max(due + TURN_S, end)
            await asyncio.sleep(max(0.001, due - end))

    def _turn(self, now: float) -> None:
        wall = time.time()
        for key, _ in self._selector.select(0):
            self._drain(now, wall, key)
        for part in list(self._parts):
            part(now)

    def _drain(self, now: float, wall: float, key: selectors.SelectorKey) -> None:
        sock, reader = key.fileobj, key.data
        assert isinstance(sock, socket.socket)
        for _ in range(_MAX_READS):
            try:
                datagram, notes, _, _ = sock.recvmsg(2048, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                return  # ICMP port unreachable: the peer is away; consent will tell
            reader(now - _waited_s(notes, wall), datagram)
            if sock.fileno() < 0:
                return

    def _work(self, used_s: float, until: float, clock: Callable[[], float]) -> None:
        while self._deferred:
            self._deferred.popleft()()
            if time.thread_time() >= used_s or clock() >= until:
                return


def _waited_s(notes: list[tuple[int, int, bytes]], wall: float) -> float:
    """Seconds between a datagram's arrival and `wall` (Unix time), 0 where nothing is known."""
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited_s = wall - seconds - nanoseconds * 1e-9
            # what comes during the turn waits less than nothing
            return waited_s if 0.0 < waited_s < _MAX_WAIT_S else 0.0
    return 0.0
