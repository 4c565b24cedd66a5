"""The wheel reads sockets, calls its parts, does deferred work in order, and fails aloud."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from bridge.endpoint.wheel import Wheel


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    return ours, theirs


async def test_reader_gets_every_datagram_in_order() -> None:
    ours, theirs = pair()
    got: list[bytes] = []
    done = asyncio.Event()

    def read(now: float, datagram: bytes) -> None:
        got.append(datagram)
        if len(got) == 500:
            done.set()

    async with Wheel() as wheel, asyncio.timeout(10):
        wheel.add_socket(ours, read)
        theirs.setblocking(False)
        for number in range(500):
            await asyncio.get_running_loop().sock_sendall(theirs, b"%d" % number)
        await done.wait()
        wheel.remove_socket(ours)
    assert got == [b"%d" % number for number in range(500)]
    ours.close()
    theirs.close()


async def test_reader_is_told_when_a_datagram_came_not_when_the_slow_wheel_read_it() -> None:
    loop = asyncio.get_running_loop()
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.bind(("127.0.0.1", 0))
    ours.setblocking(False)
    theirs = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    arrivals: asyncio.Queue[float] = asyncio.Queue()
    async with Wheel() as wheel, asyncio.timeout(10):
        wheel.add_socket(ours, lambda arrived, datagram: arrivals.put_nowait(arrived))
        arrived = end = 0.0
        # the kernel takes a moment to begin noting times when nobody has asked for it before
        while arrived >= end - 0.05:
            begin = loop.time()
            theirs.sendto(b"now", ours.getsockname())
            time.sleep(0.1)  # noqa: ASYNC251  # the process is busy with something else
            end = loop.time()
            arrived = await arrivals.get()
        wheel.remove_socket(ours)
    assert begin - 0.01 < arrived
    ours.close()
    theirs.close()


async def test_removed_parts_and_sockets_are_left_alone() -> None:
    ours, theirs = pair()
    got: list[bytes] = []
    turns: list[float] = []
    async with Wheel() as wheel, asyncio.timeout(10):
        wheel.add_socket(ours, lambda now, datagram: got.append(datagram))
        turned = asyncio.Event()

        def turn(now: float) -> None:
            turns.append(now)
            turned.set()

        wheel.add(turn)
        await turned.wait()
        wheel.remove(turn)
        wheel.remove(turn)
        wheel.remove_socket(ours)
        wheel.remove_socket(ours)
        theirs.send(b"late")
        again = asyncio.Event()
        wheel.add(lambda now: again.set())
        seen = len(turns)
        await again.wait()
    assert got == []
    assert len(turns) == seen
    ours.close()
    theirs.close()


async def test_deferred_work_is_done_in_order() -> None:
    done: list[int] = []
    finished = asyncio.Event()
    async with Wheel() as wheel, asyncio.timeout(10):
        for number in range(50):
            wheel.defer(lambda number=number: done.append(number))  # type: ignore[misc]
        wheel.defer(finished.set)
        await finished.wait()
    assert done == list(range(50))


def burn(seconds: float) -> float:
    """Use that much CPU time; returns how much it was."""
    begin = time.thread_time()
    while time.thread_time() < begin + seconds:
        pass
    return time.thread_time() - begin


async def test_deferred_work_gets_as_much_of_the_processor_as_turns_do() -> None:
    finished = asyncio.Event()
    turned: list[float] = []
    worked: list[float] = []

    def turn(now: float) -> None:
        turned.append(burn(0.015))
        worked.append(0.0)

    def work() -> None:
        worked[-1] += burn(0.001)

    async with Wheel() as wheel, asyncio.timeout(30):
        wheel.add(turn)
        for _ in range(100):
            wheel.defer(work)
        wheel.defer(finished.set)
        await finished.wait()
        wheel.remove(turn)
    # the last turns found little left to do
    full = sum(1 for seconds in worked if seconds > 0) - 1
    assert full > 1
    # the limit of time may cut some short on a busy machine, the least of 4 ms does not suffice
    assert sum(worked[:full]) > 0.5 * sum(turned[:full])


async def test_what_a_part_raises_comes_out_of_the_wheel() -> None:
    failed = asyncio.Event()

    def fail(now: float) -> None:
        failed.set()
        raise ArithmeticError("a fault of the part")

    async def run() -> None:
        async with Wheel() as wheel:
            wheel.add(fail)
            await failed.wait()

    with pytest.raises(ArithmeticError, match="a fault of the part"):
        await run()
