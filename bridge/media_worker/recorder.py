"""Stores what one port receives."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.media_worker.intake import Received
from bridge.media_worker.subscription import Subscription
from bridge.media_worker.worker import Tools
from signaling.wire.ids import SessionId
from signaling.wire.worker import Record, RecordFact


class Recorder:
    """One recording, as `worker.Work`."""

    def __init__(self, order: Record, tools: Tools) -> None:
        self._order = order
        self._subscription = Subscription(
            *(tools.http, tools.base_url, lambda: self._order.token, order.slots),
            *(tools.wheel, tools.certificate, self._take, f"{order.scope}/{order.recording}"),
        )
        self.frames = 0

    async def run(self) -> None:
        """See `Work`."""
        await self._subscription.run()

    def update(self, order: Record) -> None:
        """See `Work`."""
        self._order = order

    def session_closed(self, session: SessionId) -> None:
        """See `Work`."""
        self._subscription.session_closed(session)

    def fact(self) -> RecordFact:
        """See `Work`."""
        return RecordFact(self._order.scope, self._order.recording, flowing=self.frames > 0)

    async def end(self, *, wanted: bool) -> None:
        """See `Work`."""

    def _take(self, frames: Sequence[Received]) -> None:
        self.frames += len(frames)
