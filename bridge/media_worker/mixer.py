"""Receives a floor and publishes it as one stream, for players that take only one.

Whose voice is left out for whom is not known here: the node gives to each port what its listener
may hear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bridge.endpoint.wheel import Wheel
from bridge.media_worker.intake import Received
from bridge.media_worker.mixdown import Mixdown
from bridge.media_worker.publication import Publish
from bridge.media_worker.subscription import Listen
from signaling.wire.ids import SessionId
from signaling.wire.worker import Mix, MixFact

FLOWING_S = 1.0


class Mixer:
    """One mix, as `worker.Work`. It publishes only while it receives: no mix is better than a
    silent one, since players get the floor's first position without it."""

    def __init__(self, order: Mix, listen: Listen, publish: Publish, wheel: Wheel) -> None:
        self._order, self._wheel = order, wheel
        self._mixdown = Mixdown(order.slots)
        name = f"{order.scope}/{order.port}"
        self._subscription = listen(lambda: self._order.token, order.slots, self._take, name)
        self._publication = publish(lambda: self._order.token, name)
        self._sent_at = float("-inf")

    async def run(self) -> None:
        """See `Work`."""
        self._wheel.add(self._turn)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._subscription.run())
                group.create_task(self._publish())
        finally:
            self._wheel.remove(self._turn)

    def update(self, order: Mix) -> None:
        """See `Work`."""
        self._order = order

    def session_closed(self, session: SessionId) -> None:
        """See `Work`."""
        self._subscription.session_closed(session)
        self._publication.session_closed(session)

    def fact(self) -> MixFact:
        """See `Work`."""
        now = asyncio.get_running_loop().time()
        return MixFact(
            self._order.scope,
            self._order.port,
            flowing=now - self._sent_at < FLOWING_S,
            voices=self._mixdown.voices(now),
            lost=self._subscription.lost,
            late_s=self._mixdown.late_s,
        )

    async def end(self, *, wanted: bool) -> None:
        """See `Work`: nothing is left behind."""

    def _take(self, frames: Sequence[Received]) -> None:
        now = asyncio.get_running_loop().time()
        for frame in frames:
            self._mixdown.put(now, frame)

    def _turn(self, now: float) -> None:
        for steps, packet in self._mixdown.due(now):
            self._publication.send(steps, packet)
            if self._publication.connected:
                self._sent_at = now

    async def _publish(self) -> None:
        while True:
            await self._subscription.up.wait()
            async with asyncio.TaskGroup() as group:
                publishing = group.create_task(self._publication.run())
                await self._subscription.down.wait()
                publishing.cancel()
