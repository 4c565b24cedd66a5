"""The media worker: is told what is wanted, and does exactly that.

Orders are wanted state: work that is not ordered any more ends, work that is ordered and does not
run is started, again and again if it fails. Without a link the worker goes on with what it has.
A further kind of work is a class with the methods of `Work`, and a line in what `Worker` is made
with; it receives by `subscription.Subscription`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import secrets
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import structlog
from websockets.asyncio.client import ClientConnection

from bridge.dialling import Dialling, socket_uri
from bridge.endpoint.wheel import Wheel
from bridge.media_worker.publication import Publication
from bridge.media_worker.standing import Way
from bridge.media_worker.subscription import OnFrames, Subscription
from bridge.transport import Certificate
from signaling.wire.codec import decode_order_message, encode
from signaling.wire.errors import WireError
from signaling.wire.ids import BootId, Scope, SessionId, SiteCode, SlotName, WorkerId
from signaling.wire.worker import (
    Fact,
    Facts,
    Mix,
    Order,
    Orders,
    Record,
    Still,
    Stills,
    WorkerHello,
    WorkerSessionClosed,
)

FACTS_S = 1.0
AGAIN_S = 1.0
"""Before work that has failed is started anew."""
LIVE_HOLD_S = 0.01
"""How long a missing packet of a live voice is waited for: the next one tells something of it, and
has to be decoded before its turn (`playout.LEAD`)."""

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Tools:
    """What all work shares: the way to the service, and how to have a still sent."""

    way: Way
    tell: Callable[[Still], None]

    def subscribe(
        self, token: Callable[[], str], slots: Sequence[SlotName], on_frames: OnFrames, name: str
    ) -> Subscription:
        """A `Subscription` to slots of the port that the token names."""
        return Subscription(self.way, token, slots, on_frames, name)

    def watch(
        self, token: Callable[[], str], slots: Sequence[SlotName], on_frames: OnFrames, name: str
    ) -> Subscription:
        """As `subscribe`, but it asks for a keyframe only when it is told to."""
        return Subscription(self.way, token, slots, on_frames, name, patient=True)

    def listen(
        self, token: Callable[[], str], slots: Sequence[SlotName], on_frames: OnFrames, name: str
    ) -> Subscription:
        """As `subscribe`, for who passes it on at once: nothing is waited for long."""
        return Subscription(self.way, token, slots, on_frames, name, hold_s=LIVE_HOLD_S)

    def publish(self, token: Callable[[], str], name: str) -> Publication:
        """A `Publication` as the port that the token names."""
        return Publication(self.way, token, name)


class Work(Protocol):
    """One order being carried out."""

    async def run(self) -> None:
        """Do it until cancelled. What it raises is logged, and it is started anew."""

    def update(self, order: Any) -> None:
        """The same order has come again, with a fresh token, or changed in what may change."""

    def session_closed(self, session: SessionId) -> None:
        """The bridge has ended a session, perhaps one of this work's."""

    def fact(self) -> Fact | None:
        """How it is going, if there is anything to tell."""

    async def end(self, *, wanted: bool) -> None:
        """After `run`: finish what it leaves behind; `wanted`: only this process stops."""


MakeWork = Callable[[Any, Tools], Work]


def key_of(order: Order) -> Hashable:
    """What makes two orders the same one."""
    match order:
        case Record():
            return type(order), order.scope, order.recording
        case Stills():
            return type(order), order.scope, order.port, tuple(order.sites)
        case Mix():
            return type(order), order.scope, order.port


class Worker:
    """Carries out orders. `kinds` makes the work of each kind of order; `free_bytes` tells what is
    left where recordings lie."""

    def __init__(
        self,
        worker: str,
        signaling_url: str,
        token: str,
        kinds: Mapping[type[Order], MakeWork],
        free_bytes: Callable[[], int],
    ) -> None:
        self._worker = WorkerId(worker)
        self._base_url = signaling_url.rstrip("/")
        self._boot_id = BootId(secrets.token_hex(8))
        self._kinds = kinds
        self._free_bytes = free_bytes
        self._running: dict[Hashable, _Running] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._tools: Tools | None = None
        self._stills: dict[tuple[Scope, SiteCode], Still] = {}
        self._made = asyncio.Event()
        self._dialling = Dialling(
            *(socket_uri(signaling_url, "/worker"), token, self._talk),
            *(log.bind(worker=worker), "worker link"),
            if_refused="correct the worker token",
            meanwhile="dialling again, work goes on",
        )

    async def run(self) -> None:
        """Serve until cancelled; then every work is ended in order."""
        async with aiohttp.ClientSession() as http, Wheel() as wheel:
            self._tools = Tools(Way(http, self._base_url, wheel, Certificate()), self._keep)
            serving = asyncio.create_task(self._dialling.run())
            try:
                # without its wheel nothing is received: better a new process
                await asyncio.wait(
                    {serving, asyncio.create_task(wheel.ended())},
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await wheel.ended()
            finally:
                serving.cancel()
                running, self._running = self._running, {}
                ends = [one.stop(wanted=True) for one in running.values()]
                await asyncio.gather(*ends, *self._ending, return_exceptions=True)

    async def _talk(self, socket: ClientConnection) -> None:
        version = importlib.metadata.version("diemcau")
        await socket.send(encode(WorkerHello(self._worker, self._boot_id, version)))
        self._stills.clear()
        telling = [asyncio.create_task(tell(socket)) for tell in (self._tell, self._tell_stills)]
        try:
            async for frame in socket:
                self._obey(frame)
        finally:
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)

    def _obey(self, frame: str | bytes) -> None:
        try:
            message = decode_order_message(frame)
        except WireError as error:
            log.warning(
                "unreadable order", code=error.code, detail=error.problem.detail,
                next_step="dropped; are both sides of the same version?",
            )  # fmt: skip
            return
        match message:
            case Orders(orders):
                self._want(orders)
            case WorkerSessionClosed(session):
                for one in self._running.values():
                    one.work.session_closed(session)

    def _want(self, orders: list[Order]) -> None:
        assert self._tools is not None
        wanted = {key_of(order): order for order in orders if type(order) in self._kinds}
        for key in [key for key in self._running if key not in wanted]:
            self._end_later(self._running.pop(key))
        for key, order in wanted.items():
            held = self._running.get(key)
            if held is not None:
                held.work.update(order)
            else:
                self._running[key] = _Running(self._kinds[type(order)](order, self._tools), order)

    def _end_later(self, running: _Running) -> None:
        task = asyncio.create_task(running.stop(wanted=False))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _tell(self, socket: ClientConnection) -> None:
        while True:
            told = (one.work.fact() for one in self._running.values())
            facts = [fact for fact in told if fact is not None]
            tasks = len(asyncio.all_tasks())
            await socket.send(encode(Facts(time.time(), self._free_bytes(), facts, tasks)))
            await asyncio.sleep(FACTS_S)

    async def _tell_stills(self, socket: ClientConnection) -> None:
        while True:
            await self._made.wait()
            self._made.clear()
            while self._stills:
                await socket.send(encode(self._stills.pop(next(iter(self._stills)))))

    def _keep(self, still: Still) -> None:
        """To be sent: a newer one of the same site takes its place."""
        self._stills[still.scope, still.site] = still
        self._made.set()


class _Running:
    """Work, and the task that keeps it going."""

    def __init__(self, work: Work, order: Order) -> None:
        self.work = work
        self._order = order
        self._task = asyncio.create_task(self._keep_going())

    async def stop(self, *, wanted: bool) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.work.end(wanted=wanted)

    async def _keep_going(self) -> None:
        while True:
            try:
                await self.work.run()
            except Exception:
                log.exception(
                    "work failed",
                    order=key_of(self._order),
                    next_step=f"starting it in {AGAIN_S:g} s",
                )
            await asyncio.sleep(AGAIN_S)
