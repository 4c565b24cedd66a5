"""A browser over TCP that reads nothing any more, beside a receiver that does.

``python -m tests.bench.stalled`` makes namespaces of its own (root), stops every process of a real
Chromium that receives over ICE-TCP, and prints a `Stalled` as JSON. The node and the other receiver
are in this process, whose memory it gives.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tests.network.cable import NO_UDP, Cable
from tests.network.camera import HIGH
from tests.network.meeting import PORT, SLOTS, VIEWER, NearClient, meeting
from tests.network.spectator import spectator

LIMIT_S = 120.0
_WATCH_S = 10.0
_LOOK_S = 0.05
_CHECK_S = 4.0
_OTHER = "op/2"


@dataclass(frozen=True)
class Stalled:
    """Of the other receiver: packets a second before and after the browser was stopped, and the
    holes in its streams. Of the browser: seconds from its stop until pictures were dropped for it,
    until its session was lost, and until it was closed; packets dropped, and by how much the
    process grew, KiB."""

    before_per_s: float
    after_per_s: float
    holes: int
    full_s: float
    lost_s: float
    closed_s: float
    dropped: int
    grown_kib: int


async def _measure() -> Stalled:
    with Cable() as cable, tempfile.TemporaryDirectory() as folder:
        cable.be(NO_UDP)
        async with (
            spectator(cable, Path(folder)) as page,
            meeting(cable, [HIGH], tcp=True) as held,
        ):
            house = held.house
            await held.seat(page)
            other = await house.receiver(_OTHER, ",".join(SLOTS), partial(NearClient, cable))
            tracks = ("camera", "mic")
            house.route(
                *(
                    (viewer, slot, PORT, track)
                    for viewer in (VIEWER, _OTHER)
                    for slot, track in zip(SLOTS, tracks, strict=True)
                )
            )
            keeper = asyncio.create_task(_keep(other))
            await _until(lambda: len(other.received) > 100)
            while (await page.seen()).frames < 40:  # noqa: ASYNC110 - pages do not call back
                await asyncio.sleep(_LOOK_S)
            before = await _rate(other)
            grown = -resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            stopped = _stop(cable.far, signal.SIGSTOP)
            try:
                full = await _until(lambda: house.dropped("tcp_backlog") > 0)
                after = await _rate(other)
                lost, closed = [
                    await _until(partial(_is, house, state)) for state in ("lost", "closed")
                ]
            finally:
                for number in stopped:
                    os.kill(number, signal.SIGCONT)
            grown += resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            keeper.cancel()
            return Stalled(
                before, after, _holes(other.received), full, full + _WATCH_S + lost,
                full + _WATCH_S + lost + closed, house.dropped("tcp_backlog"), grown,
            )  # fmt: skip


async def _keep(client: Any) -> None:
    """Consent, while it lasts."""
    while True:
        client.check()
        await asyncio.sleep(_CHECK_S)


async def _rate(client: Any) -> float:
    count, began = len(client.received), time.monotonic()
    await asyncio.sleep(_WATCH_S)
    return (len(client.received) - count) / (time.monotonic() - began)


async def _until(true: Callable[[], bool]) -> float:
    """Wait for this; how long it took."""
    began = time.monotonic()
    while not true():  # noqa: ASYNC110 - the node tells no one
        await asyncio.sleep(_LOOK_S)
    return time.monotonic() - began


def _is(house: Any, state: str) -> bool:
    return any(edge[:3] == (VIEWER, "receive", state) for edge in house.edges)


def _stop(namespace: str, number: signal.Signals) -> list[int]:
    """Send a signal to every process in this namespace of ours; which they were."""
    listed = subprocess.run(
        ["ip", "netns", "pids", namespace], check=True, capture_output=True, text=True
    )
    pids = [int(one) for one in listed.stdout.split()]
    for pid in pids:
        os.kill(pid, number)
    return pids


def _holes(packets: list[bytes]) -> int:
    """Sequence numbers that are missing, over all streams."""
    streams: dict[bytes, list[int]] = {}
    for packet in packets:
        streams.setdefault(packet[8:12], []).append(int.from_bytes(packet[2:4]))
    return sum(
        (later - earlier - 1) & 0xFFFF
        for numbers in streams.values()
        for earlier, later in itertools.pairwise(numbers)
    )


async def _main() -> None:
    async with asyncio.timeout(LIMIT_S):
        print(json.dumps(asdict(await _measure())))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.exit(asyncio.run(_main()))
