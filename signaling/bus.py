"""The in-process bus: samples in one direction, health reports in the other.

Publishing never waits: a subscriber that does not keep up loses its oldest messages, and the loss
is counted. What must not be lost belongs in the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

import msgspec

CAPACITY = 4096
"""Messages that wait for one subscriber."""


class Subscription:
    """What one subscriber has not read yet; an async iterator that ends when the bus closes.

    Use it as a context manager, so that it is given back.
    """

    def __init__(self, bus: Bus, kinds: tuple[type[msgspec.Struct], ...], capacity: int) -> None:
        self.lost = 0
        self._bus = bus
        self._kinds = kinds
        self._waiting: deque[msgspec.Struct] = deque()
        self._capacity = capacity
        self._arrived = asyncio.Event()
        self._closed = False

    async def get(self) -> msgspec.Struct:
        """The oldest message that is left; waits for one. Raises EOFError after the end."""
        while not self._waiting:
            if self._closed:
                raise EOFError("the bus is closed")
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> msgspec.Struct:
        try:
            return await self.get()
        except EOFError:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """Receive nothing more; a waiting reader ends once it has read what is left."""
        self._closed = True
        self._arrived.set()
        self._bus.forget(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def offer(self, message: msgspec.Struct) -> None:
        """Called by the bus alone."""
        if not isinstance(message, self._kinds):
            return
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(message)
        self._arrived.set()


class Bus:
    """Hands every published message to each subscription to its kind."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    @property
    def lost(self) -> int:
        """Messages that subscribers who listen now did not keep up with."""
        return sum(subscription.lost for subscription in self._subscriptions)

    def publish(self, message: msgspec.Struct) -> None:
        """Give `message` to whoever subscribed to its type. Never waits, never raises."""
        for subscription in self._subscriptions:
            subscription.offer(message)

    def subscribe(self, *kinds: type[msgspec.Struct], capacity: int = CAPACITY) -> Subscription:
        """From now on receive every message of these types."""
        subscription = Subscription(self, kinds, capacity)
        self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Called by a subscription that closes."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def close(self) -> None:
        """End every subscription."""
        for subscription in list(self._subscriptions):
            subscription.close()
