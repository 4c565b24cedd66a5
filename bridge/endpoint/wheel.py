"""One timer and one poll for all synthetic sites of a process: 128 sessions, few wake-ups.

Sockets are read when the wheel turns, every 10 ms, not when a datagram comes: an arrival time is
exact to that. Work that can wait (decoding) is deferred and done in small portions between turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
from collections import deque
from collections.abc import Callable
from types import TracebackType

TURN_S = 0.01
_DEFERRED_S = 0.004
"""Time of a turn for deferred work; at least one piece is done in each."""
_MAX_READS = 200
"""Datagrams of one socket in one turn, so that none starves the others."""
RECEIVE_BUFFER = 512 * 1024


class Wheel:
    """Turns from ``async with`` to its end.

    A datagram goes to the reader of its socket as ``reader(now, datagram)``; every turn calls
    each part as ``part(now)``, `now` being the event loop's time in seconds. What they raise ends
    the wheel, and comes out of ``async with``.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._parts: dict[Callable[[float], None], None] = {}
        self._deferred: deque[Callable[[], None]] = deque()
        self._task: asyncio.Task[None] | None = None
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

    def add_socket(self, sock: socket.socket, reader: Callable[[float, bytes], None]) -> None:
        """Read this non-blocking socket from now on."""
        self._selector.register(sock, selectors.EVENT_READ, reader)

    def remove_socket(self, sock: socket.socket) -> None:
        """Read it no longer; call before closing it."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def add(self, part: Callable[[float], None]) -> None:
        """Call `part` in every turn."""
        self._parts[part] = None

    def remove(self, part: Callable[[float], None]) -> None:
        """Call it no longer; unknown parts are ignored."""
        self._parts.pop(part, None)

    def defer(self, work: Callable[[], None]) -> None:
        """Do this when there is time, in order."""
        self._deferred.append(work)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            begin = loop.time()
            self._turn(begin)
            self._work(loop.time() + _DEFERRED_S, loop.time)
            end = loop.time()
            self.slowest_turn_s = max(self.slowest_turn_s, end - begin)
            due = max(due + TURN_S, end)
            await asyncio.sleep(max(0.001, due - end))

    def _turn(self, now: float) -> None:
        for key, _ in self._selector.select(0):
            self._drain(now, key)
        for part in list(self._parts):
            part(now)

    def _drain(self, now: float, key: selectors.SelectorKey) -> None:
        sock, reader = key.fileobj, key.data
        assert isinstance(sock, socket.socket)
        for _ in range(_MAX_READS):
            try:
                datagram = sock.recv(2048)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                return  # ICMP port unreachable: the peer is away; consent will tell
            reader(now, datagram)
            if sock.fileno() < 0:
                return

    def _work(self, until: float, clock: Callable[[], float]) -> None:
        while self._deferred:
            self._deferred.popleft()()
            if clock() >= until:
                return
