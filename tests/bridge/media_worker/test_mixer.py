"""One mix from its order to its end, with sessions by hand: it publishes while it receives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from bridge.endpoint.wheel import Wheel
from bridge.media_worker.mixer import Mixer
from signaling.wire.ids import Port, Scope, parse_slots
from signaling.wire.worker import Mix


class Session:
    """Either session of a mixer: `run` stands until it is cancelled."""

    def __init__(self) -> None:
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.down.set()
        self.connected = self.running = False
        self.runs = 0
        self.lost = self.skipped = 0
        self.closed: list[str] = []
        self.sent: list[tuple[int, bytes]] = []

    def connect(self, connected: bool) -> None:
        self.connected = connected
        now, before = (self.up, self.down) if connected else (self.down, self.up)
        before.clear()
        now.set()

    def run(self) -> Coroutine[Any, Any, None]:
        self.runs += 1
        return self._run()

    async def _run(self) -> None:
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False

    def session_closed(self, session) -> None:
        self.closed.append(session)

    def ask_keyframe(self) -> None:
        raise AssertionError("there is no picture in a mix")

    def send(self, steps: int, payload: bytes) -> None:
        self.sent.append((steps, payload))


class Desk:
    """A mixer at work, and its two sessions."""

    def __init__(self, wheel: Wheel) -> None:
        self.receiving, self.publishing = Session(), Session()
        order = Mix(Scope("c"), Port("mix/48"), parse_slots("floor:4"), "token")
        self.mixer = Mixer(
            order, lambda *rest: self.receiving, lambda *rest: self.publishing, wheel
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - it tells no one
                await asyncio.sleep(0.005)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Wheel() as wheel:
        desk = Desk(wheel)
        running = asyncio.create_task(desk.mixer.run())
        yield desk
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert not desk.publishing.running
        await desk.mixer.end(wanted=True)


async def test_it_publishes_only_while_it_receives(desk: Desk) -> None:
    await desk.until(lambda: desk.receiving.running)
    assert desk.publishing.runs == 0
    for number in (1, 2):
        desk.receiving.connect(True)
        await desk.until(lambda: desk.publishing.running)
        desk.receiving.connect(False)
        await desk.until(lambda: not desk.publishing.running)
        assert desk.publishing.runs == number


async def test_it_flows_once_somebody_can_have_it(desk: Desk) -> None:
    await desk.until(lambda: len(desk.publishing.sent) > 2)
    assert not desk.mixer.fact().flowing
    desk.publishing.connect(True)
    await desk.until(lambda: desk.mixer.fact().flowing)
    assert desk.mixer.fact().port == "mix/48"


async def test_both_sessions_are_told_of_one_that_the_bridge_ended(desk: Desk) -> None:
    desk.mixer.session_closed("s1")
    assert desk.receiving.closed == desk.publishing.closed == ["s1"]
