"""Each attempt has a thread of its own; one that hangs stalls nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator

from bridge.agent.film import Frame
from bridge.agent.reader import Reader
from tests.bridge.agent.test_media import picture


async def test_frames_come_into_the_event_loop_and_the_thread_ends_when_told() -> None:
    ended = threading.Event()
    came: asyncio.Queue[Frame] = asyncio.Queue()

    def frames(stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.wait(0.01):
                yield picture("one")
        finally:
            ended.set()

    reader = Reader("camera", frames, came.put_nowait, lambda flowing, why: None)
    reader.start()
    async with asyncio.timeout(10):
        await came.get()
        await came.get()
        reader.close()
        await asyncio.to_thread(ended.wait)


async def test_whatever_a_library_throws_is_a_lost_source_and_no_crash() -> None:
    edges: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()

    def frames(stop: threading.Event) -> Generator[Frame, None, None]:
        yield picture("one")
        raise ArithmeticError

    reader = Reader("camera", frames, lambda frame: None, lambda *edge: edges.put_nowait(edge))
    reader.start()
    async with asyncio.timeout(10):
        assert await edges.get() == (True, "")
        assert await edges.get() == (False, "ArithmeticError")
    reader.close()


async def test_source_that_hangs_does_not_stall_the_loop_nor_the_end() -> None:
    hanging, free = threading.Event(), threading.Event()

    def frames(stop: threading.Event) -> Generator[Frame, None, None]:
        hanging.set()
        free.wait()
        yield picture("late")

    taken: list[Frame] = []
    reader = Reader("camera", frames, taken.append, lambda flowing, why: None)
    reader.start()
    async with asyncio.timeout(10):
        await asyncio.to_thread(hanging.wait)
        reader.close()
    free.set()
    for thread in threading.enumerate():
        if thread.name.startswith("camera"):
            await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert taken == []
