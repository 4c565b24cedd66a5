"""A media worker by hand: speaks the worker link, keeps its orders, receives nothing."""

from __future__ import annotations

from typing import Self

from signaling.wire.codec import decode_order_message
from signaling.wire.ids import BootId, WorkerId
from signaling.wire.worker import (
    Fact,
    Facts,
    Mix,
    Orders,
    Record,
    Stills,
    WorkerHello,
    WorkerSessionClosed,
)
from tests.fakes.dialler import Dialler


class FakeWorker(Dialler):
    """One worker. Of the latest orders `orders` are those to record, None before any came, `stills`
    those to look at cameras, `mixes` those to mix."""

    def __init__(self, name: str = "worker-1") -> None:
        super().__init__("/worker")
        self.name = WorkerId(name)
        self.orders: list[Record] | None = None
        self.stills: list[Stills] = []
        self.mixes: list[Mix] = []
        self.closed_sessions: list[WorkerSessionClosed] = []
        self.received = 0

    async def connect(self, url: str, token: str, *, hello: bool = True) -> Self:
        """Dial and say hello."""
        said = WorkerHello(self.name, BootId("boot"), "0") if hello else None
        await self.dial(url, token, said)
        return self

    async def tell(self, *facts: Fact) -> None:
        """Say how it goes."""
        await self.send(Facts(0.0, 10**12, list(facts)))

    async def receive(self, frame: str) -> None:
        """See `Dialler`."""
        match decode_order_message(frame):
            case Orders(orders):
                self.orders = [one for one in orders if isinstance(one, Record)]
                self.stills = [one for one in orders if isinstance(one, Stills)]
                self.mixes = [one for one in orders if isinstance(one, Mix)]
                self.received += 1
            case WorkerSessionClosed() as closed:
                self.closed_sessions.append(closed)
