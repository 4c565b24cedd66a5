"""S2 for long: a conference that people enter, leave and vanish from, while takes go on.

``python -m tests.bench.soak [--minutes N] [--bridges 2]`` starts a service of its own, reads its
processes once a minute, when everybody is in, and ends by itself, some five minutes later. Its last
line is ``SOAK: FLAT``, or says what is not; the exit status is 0 or 1. What it found is a section
of docs/measurements.md, which `make bench` keeps, and with ``--json`` a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import aiohttp
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from bridge.endpoint.doors import LinkError, RefusedError
from bridge.endpoint.page import PageClosedError
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Operator, SyntheticSite
from cli.drilling.service import Service, own_service
from cli.memory import PERIOD_S
from signaling.wire.commands import Mute, Scene, StartRecording, StopRecording, Take, Unmute
from signaling.wire.errors import WireError
from signaling.wire.recordings import RecordingRow
from tests.bench import proc
from tests.bench.conference import all_leave, assembled, come_in, go_live, run_of
from tests.bench.sections import put
from tests.bench.server import until
from tests.bench.soakpage import Process, Reading, Soak, as_data, section, verdict

PAGE = Path(__file__).parents[2] / "docs" / "measurements.md"
MINUTE_S = 60.0
_PAUSE_S = 0.2
_BACK_S = 30.0
_AT_ONCE = 16
_SETTLE_S = PERIOD_S + 15.0
"""After all have left: seats and sessions time out, kept connections close, memory goes back."""
_EBB_S = 1.0
_IDLE_S = 10.0
_PARTS = ("signaling", "bridge", "bridge-2", "worker")

_FAILURES = (
    *(WireError, LinkError, RefusedError, PageClosedError),
    *(aiohttp.ClientError, OSError, TimeoutError),
)


class _Conference:
    """Everybody in it, and what is done with them."""

    def __init__(self, operator: Operator, crew: Sequence[SyntheticSite], seed: int) -> None:
        self.operator, self.crew = operator, crew
        self.joins = self.takes = self.mutes = self.failures = 0
        self._random = Random(seed)
        # the centre and the first speaker stay, so that something always flows
        self._others = list(crew[2:])

    @property
    def recording(self) -> str:
        """How the recording is going."""
        row = self.operator.page.rows.get("recording")
        return row.state if isinstance(row, RecordingRow) else "not there"

    def failed(self, error: Exception) -> None:
        """Something that was done did not work."""
        self.failures += 1
        print(f"failed: {error!r}", file=sys.stderr)

    async def act(self) -> None:
        """One thing that happens in a conference."""
        one = self._random.choice(self._others)
        match self._random.randint(0, 5):
            case 0:
                await self.operator.command(Take(Scene("single", (one.code,))))
                self.takes += 1
            case 1:
                await one.command(Unmute(one.code))
                await self.operator.command(Unmute(one.code))
                await asyncio.sleep(_PAUSE_S)
                await self.operator.command(Mute(one.code))
                self.mutes += 1
            case _:
                await (one.vanish if self._random.random() < 0.5 else one.leave)()
                async with asyncio.timeout(_BACK_S):
                    await one.revive()
                self.joins += 1

    async def all_come(self) -> None:
        """Those who have all left return, a few at a time."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def come(one: SyntheticSite) -> None:
            try:
                async with gate, asyncio.timeout(_BACK_S):
                    await one.revive()
            except _FAILURES as error:
                self.failed(error)

        await asyncio.gather(*(come(one) for one in self.crew))


async def soak(
    sites: int, minutes: float, tides: int, bridges: int, folder: Path, cache: Path
) -> Soak:
    """Run it."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(own_service(folder, bridges))
        wheel = await stack.enter_async_context(Wheel())
        certificate = Certificate()
        operator = Operator(service.url, sites + 1, wheel, certificate)
        fresh = await _read(service, 0.0)
        crew = await assembled(operator, service, sites, cache, wheel, certificate)
        await come_in(operator, crew)
        await go_live(operator, crew)
        conference = _Conference(operator, crew, seed=1)
        await all_leave(crew)
        await asyncio.sleep(_SETTLE_S)
        empty, idle = await _read(service, 0.0), await _wakes(service)
        _say("came and left", empty)
        await conference.all_come()
        await operator.command(StartRecording())
        readings = await _hold(service, conference, minutes)
        recording = conference.recording
        received = sum(
            inlet.reception.packets for one in crew for inlet in one.watcher.inlets.values()
        )
        await operator.command(StopRecording())
        ebbs = await _tides(service, conference, tides)
        await all_leave(crew)
        await asyncio.sleep(_SETTLE_S)
        after, idle_after = await _read(service, readings[-1].minute), await _wakes(service)
        _say("all left", after)
        await operator.leave()
        return Soak(
            at=datetime.now(UTC),
            machine=proc.machine(),
            load=os.getloadavg()[2],
            command=f"python -m tests.bench.soak --minutes {minutes:.0f} --bridges {bridges}",
            sites=sites,
            joins=conference.joins,
            takes=conference.takes,
            mutes=conference.mutes,
            failures=conference.failures,
            received=received,
            recording=recording,
            fresh=fresh,
            empty=empty,
            readings=readings,
            tides=ebbs,
            after=after,
            wakes={who: (idle[who], idle_after[who]) for who in idle},
        )


async def _hold(service: Service, conference: _Conference, minutes: float) -> list[Reading]:
    begin = time.monotonic()
    readings = [await _read(service, 0.0)]
    while len(readings) <= minutes:
        due = begin + MINUTE_S * len(readings)
        while time.monotonic() < due:
            try:
                await conference.act()
            except _FAILURES as error:
                conference.failed(error)
            await asyncio.sleep(_PAUSE_S)
        await until(lambda: all(one.sending for one in conference.crew[:2]), _BACK_S)
        readings.append(await _read(service, (time.monotonic() - begin) / MINUTE_S))
        _say(f"minute {readings[-1].minute:.0f}", readings[-1])
    return readings


async def _tides(service: Service, conference: _Conference, tides: int) -> list[Reading]:
    """All leave and come back, again and again; a reading each time that nobody is in."""
    readings = []
    for number in range(max(1, tides)):
        await all_leave(conference.crew)
        await asyncio.sleep(_EBB_S)
        readings.append(await _read(service, 0.0))
        _say(f"left, {number + 1}", readings[-1])
        await conference.all_come()
    return readings


async def _read(service: Service, minute: float) -> Reading:
    pids = run_of(service).pids
    told = await _told(service)
    return Reading(minute, {who: _process(pids[who], told[who]) for who in _PARTS if who in pids})


def _process(pid: int, told: dict[str, float]) -> Process:
    return Process(
        kib=proc.memory(pid).now_kib,
        files=proc.files(pid),
        threads=proc.threads(pid),
        tasks=round(told["tasks"]),
        busy=round(told["busy"]),
        starved=round(told["waited"]),
        waited_s=proc.waited_s(pid),
    )


async def _told(service: Service) -> dict[str, dict[str, float]]:
    """What each process tells of itself."""
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as response:
        text = await response.text()
    told: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in ("diemcau_tasks", "diemcau_event_loop_stalls_total"):
                who = told[_part(sample.labels["process"])]
                who[sample.labels.get("cause", "tasks")] = float(sample.value)
    return told


def _part(process: str) -> str:
    """What `diemcau up` calls it: ``bridge/node-1-2`` is its second bridge."""
    kind, _, name = process.partition("/")
    return "bridge-2" if kind == "bridge" and name.endswith("-2") else kind


async def _wakes(service: Service) -> dict[str, float]:
    """How often each process is woken in a second, now that nothing happens."""
    pids = {who: pid for who, pid in run_of(service).pids.items() if who in _PARTS}
    before = {who: proc.wakes(pid) for who, pid in pids.items()}
    await asyncio.sleep(_IDLE_S)
    return {who: (proc.wakes(pid) - before[who]) / _IDLE_S for who, pid in pids.items()}


def _say(when: str, reading: Reading) -> None:
    told = (
        f"{who} {one.kib / 1024:.0f} MiB {one.files} files {one.tasks} tasks "
        f"{one.busy}+{one.starved} stalls"
        for who, one in reading.of.items()
    )
    print(f"{when}: " + ", ".join(told), file=sys.stderr, flush=True)


async def main() -> int:
    """Measure, and write; 1 if it was not flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--sites", type=int, default=63)
    parser.add_argument("--bridges", type=int, choices=(1, 2), default=1, help="bridge processes")
    parser.add_argument("--tides", type=int, default=16, help="how often all leave at the end")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diemcau-soak-") as name:
        folder = Path(name)
        cache = folder / "loops"
        # everything may take twice as long as it should, and no longer
        async with asyncio.timeout(2 * MINUTE_S * (options.minutes + options.tides / 4 + 6)):
            found = await soak(
                *(options.sites, options.minutes, options.tides, options.bridges),
                *(folder, cache),
            )
    options.output.write_text(put(options.output.read_text(), section(found)))
    if options.json is not None:
        options.json.write_text(json.dumps(as_data(found), indent=1))
    print(section(found))
    print(verdict(found))
    return 0 if not found.faults else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
