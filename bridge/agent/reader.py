"""Reads one source, each attempt in a thread of its own that may hang without stalling anything."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable

import structlog

from bridge.agent.film import Frame
from bridge.agent.source import FrameSource
from bridge.agent.supply import Begin, Came, Changed, Ended, Event, Stop, Supply, Tick

log = structlog.get_logger("agent")


class Reader:
    """Keeps a source open while it runs, and opens it again whenever it fails.

    Args:
        name: for logs, such as ``v4l2:/dev/video0``.
        frames: how to read it.
        on_frame: given each frame, in the event loop.
        on_edge: told when frames begin to flow (True) and when they cease, and why.
    """

    def __init__(
        self,
        name: str,
        frames: FrameSource,
        on_frame: Callable[[Frame], None],
        on_edge: Callable[[bool, str], None],
    ) -> None:
        self.name = name
        self._frames, self._on_frame, self._on_edge = frames, on_frame, on_edge
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # what stands in our caller's log lines
        self._supply = Supply(self._loop.time())
        self._stops: dict[int, threading.Event] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Open it; returns at once."""
        self._feed(Tick())

    def close(self) -> None:
        """Tell the thread to end and listen to it no more. A hanging one ends with the process."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for stop in self._stops.values():
            stop.set()

    # --- in the event loop ------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        if self._closed:
            return
        for output in self._supply.handle(self._loop.time(), event):
            match output:
                case Begin(attempt):
                    self._begin(attempt)
                case Stop(attempt):
                    self._stops[attempt].set()
                case Changed(flowing, why):
                    self._tell(flowing, why)
        if self._timer is not None:
            self._timer.cancel()
        due = self._supply.next_deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._feed, Tick())

    def _tell(self, flowing: bool, why: str) -> None:
        if flowing:
            log.info("source flows", source=self.name)
        else:
            log.warning("source lost", source=self.name, why=why, next_step="trying it again")
        self._on_edge(flowing, why)

    def _take(self, attempt: int, frame: Frame) -> None:
        if self._stops[attempt].is_set() or self._closed:
            return
        self._on_frame(frame)
        self._feed(Came(attempt))

    def _end(self, attempt: int, why: str) -> None:
        del self._stops[attempt]
        self._feed(Ended(attempt, why))

    # --- the thread -------------------------------------------------------------------------

    def _begin(self, attempt: int) -> None:
        stop = self._stops[attempt] = threading.Event()
        threading.Thread(
            target=self._work, args=(attempt, stop), name=f"{self.name} {attempt}", daemon=True
        ).start()

    def _work(self, attempt: int, stop: threading.Event) -> None:
        """Read to the end or failure of the source; what a library throws is a failure too."""
        why = "it ended"
        try:
            with contextlib.closing(self._frames(stop)) as frames:
                for frame in frames:
                    if stop.is_set():
                        break
                    self._call(self._take, attempt, frame)
        except Exception as error:
            why = str(error) or type(error).__name__
        self._call(self._end, attempt, why)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        # the event loop may have ended before a thread that hung
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments, context=self._context)
