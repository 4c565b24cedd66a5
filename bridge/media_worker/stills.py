"""Looks at every site's camera every few seconds: a JPEG, and a word on what it shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from bridge.media_worker.darkroom import Darkroom, Exposed
from bridge.media_worker.develop import Developed, develop
from bridge.media_worker.intake import Received
from bridge.media_worker.picture import Judge
from bridge.media_worker.subscription import OnFrames, Receiving
from signaling.wire.ids import SessionId, SiteCode, SlotName
from signaling.wire.worker import Still, Stills

STEP_S = 0.5

log = structlog.get_logger("worker.stills")


class Watching(Receiving, Protocol):
    """A subscription that waits for keyframes until it is told to ask for one."""

    def ask_slot(self, slot: SlotName) -> None:
        """Have one picture begin anew soon."""


Watch = Callable[[Callable[[], str], Sequence[SlotName], OnFrames, str], Watching]
Tell = Callable[[Still], None]
"""Has a still sent, unless a newer one of the site comes before it has left."""


class StillsWork:
    """One order for stills, as `worker.Work`."""

    def __init__(self, order: Stills, watch: Watch, tell: Tell) -> None:
        self._order = order
        self._tell = tell
        self._log = log.bind(of=f"{order.scope}/{order.port}")
        self._darkroom = Darkroom(order.slots, order.sites)
        self._judges = {site: Judge() for site in order.sites}
        self._waiting: dict[SiteCode, Exposed] = {}
        self._come = asyncio.Event()
        self._undecodable: set[SiteCode] = set()
        self._subscription = watch(
            *(lambda: self._order.token, order.slots, self._take),
            f"{order.scope}/{order.port}",
        )

    async def run(self) -> None:
        """See `Work`."""
        tasks = [
            asyncio.create_task(work)
            for work in (self._subscription.run(), self._ask(), self._develop())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)

    def update(self, order: Stills) -> None:
        """See `Work`."""
        self._order = order

    def session_closed(self, session: SessionId) -> None:
        """See `Work`."""
        self._subscription.session_closed(session)

    def fact(self) -> None:
        """See `Work`: the stills say it all."""

    async def end(self, *, wanted: bool) -> None:
        """See `Work`: nothing is left behind."""

    def _take(self, frames: Sequence[Received]) -> None:
        self._queue(self._darkroom.take(asyncio.get_running_loop().time(), frames))

    def _queue(self, exposed: Sequence[Exposed]) -> None:
        for one in exposed:
            self._waiting[one.site] = one
            self._come.set()

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            now = asyncio.get_running_loop().time()
            self._queue(self._darkroom.ripe(now))
            for slot in self._darkroom.wanted(now):
                self._subscription.ask_slot(slot)

    async def _develop(self) -> None:
        """One after the other, so that 63 keyframes at once are no burst of work."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                exposed = self._waiting.pop(next(iter(self._waiting)))
                developed = await asyncio.to_thread(develop, exposed.codec, exposed.frames)
                if developed is None:
                    self._say_undecodable(exposed)
                else:
                    self._judge(exposed, developed)

    def _judge(self, exposed: Exposed, developed: Developed) -> None:
        site, judge = exposed.site, self._judges[exposed.site]
        self._undecodable.discard(site)
        before = judge.picture
        picture = judge.look(developed.look)
        if picture != before:
            self._log.info("picture", site=site, before=before, now=picture)
        age_s = asyncio.get_running_loop().time() - exposed.at
        scope = self._order.scope
        self._tell(Still(scope, site, min(60.0, max(0.0, age_s)), picture, developed.jpeg))

    def _say_undecodable(self, exposed: Exposed) -> None:
        if exposed.site not in self._undecodable:
            self._undecodable.add(exposed.site)
            self._log.warning(
                "keyframe not decodable",
                site=exposed.site,
                codec=exposed.codec,
                size=exposed.frames[0].size,
                next_step="trying the next one",
            )
