"""A wheel that can be held back, as a process with no time to decode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from bridge.endpoint.wheel import Wheel


class HeldWheel(Wheel):
    """Reads and turns as ever; from `hold` to `release` no deferred work is begun."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Callable[[], None]] | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    def hold(self) -> None:
        """Keep what is deferred from now on."""
        self._held = []

    def release(self) -> None:
        """Do it, in order."""
        held, self._held = self._held or [], None
        for work in held:
            self.defer(work)

    def defer(self, work: Callable[[], None]) -> None:
        """See `Wheel.defer`."""
        if self._held is None:
            super().defer(work)
        else:
            self._held.append(work)
