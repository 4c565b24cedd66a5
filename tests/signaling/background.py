"""A server in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from signaling.options import Options
from signaling.server import Server
from signaling.tokens import Door, issue
from signaling.wire.ids import ConferenceId, DeviceId, Port, Role, SiteCode
from tests.signaling.conftest import TEMPLATE
from tests.signaling.stage import NODE_TOKEN

T = TypeVar("T")


class Background:
    """Use it as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        options = Options(
            data_dir, (NODE_TOKEN,), {"small": TEMPLATE}, port=0, default_template="small"
        )
        self.server = Server(options)
        self._cookies: dict[Role, str] = {}

    def __enter__(self) -> Background:
        self._thread.start()
        self.run(self.server.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.local_url

    @property
    def conference(self) -> ConferenceId:
        """The first one."""
        return self.server.conferences()[0].conference

    def cookie(self, role: Role, *, fresh: bool = False) -> str:
        """The cookie of a sign-in of `role`: of one that may be ended, if it is `fresh`."""
        if fresh:
            return self.run(self._sign_in(role))
        if role not in self._cookies:
            self._cookies[role] = self.run(self._sign_in(role))
        return self._cookies[role]

    @property
    def door_token(self) -> str:
        """A token that is signed rightly, of a device that does not hold its seat."""
        services = self.server.services
        door = Door(self.conference, Port("48/main"), True, SiteCode("48"), DeviceId("stranger"))
        return issue(door, services.ring, services.clock.wall() + 3600)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _sign_in(self, role: Role) -> str:
        code = (await self.server.mint_sign_in(role)).partition("#code=")[2]
        services = self.server.services
        return await services.accounts.exchange(code, services.clock.wall())
