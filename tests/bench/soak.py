"""S2 for long: a conference that people enter, leave and vanish from, while takes go on.

``python -m tests.bench.soak --minutes N`` starts a service of its own, and reads its processes once
a minute, when everybody is in. It ends by itself; what it found is a section of
docs/measurements.md, which `make bench` keeps.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
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
from signaling.wire.commands import Mute, Scene, Take, Unmute
from signaling.wire.errors import WireError
from tests.bench import proc
from tests.bench.conference import all_leave, assembled, come_in, go_live, run_of
from tests.bench.server import until
from tests.bench.soakpage import MINUTE_S, Reading, Soak, section, with_section

PAGE = Path(__file__).parents[2] / "docs" / "measurements.md"
_PAUSE_S = 0.2
_BACK_S = 30.0
_SETTLE_S = 20.0
"""After the last has left: the seats' sessions time out, and connections that were kept close."""

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


async def soak(sites: int, minutes: float, folder: Path, cache: Path) -> Soak:
    """Run it; the first reading is taken when everybody is in."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(own_service(folder))
        wheel = await stack.enter_async_context(Wheel())
        certificate = Certificate()
        operator = Operator(service.url, sites + 1, wheel, certificate)
        empty = await _read(service, 0.0)
        crew = await assembled(operator, service, sites, cache, wheel, certificate)
        await come_in(operator, crew)
        await go_live(operator, crew)
        conference = _Conference(operator, crew, seed=1)
        readings = await _hold(service, conference, minutes)
        received = sum(
            inlet.reception.packets for one in crew for inlet in one.watcher.inlets.values()
        )
        await all_leave(crew)
        await operator.leave()
        await asyncio.sleep(_SETTLE_S)
        after = await _read(service, readings[-1].minute)
        return Soak(
            at=datetime.now(UTC),
            machine=proc.machine(),
            load=os.getloadavg()[2],
            sites=sites,
            joins=conference.joins,
            takes=conference.takes,
            mutes=conference.mutes,
            failures=conference.failures,
            received=received,
            empty=empty,
            readings=readings,
            after=after,
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
                conference.failures += 1
                print(f"failed: {error!r}", file=sys.stderr)
            await asyncio.sleep(_PAUSE_S)
        await until(lambda: all(one.sending for one in conference.crew[:2]), _BACK_S)
        readings.append(await _read(service, (time.monotonic() - begin) / MINUTE_S))
        print(readings[-1], file=sys.stderr)
    return readings


async def _read(service: Service, minute: float) -> Reading:
    pids = run_of(service).pids
    bridge, signaling = pids["bridge"], pids["signaling"]
    lags = await _lags(service)
    return Reading(
        minute=minute,
        bridge_kib=proc.memory(bridge).now_kib,
        signaling_kib=proc.memory(signaling).now_kib,
        bridge_files=proc.files(bridge),
        signaling_files=proc.files(signaling),
        bridge_threads=proc.threads(bridge),
        signaling_threads=proc.threads(signaling),
        bridge_lag_ms=max((lag for who, lag in lags.items() if who != "signaling"), default=0.0),
        signaling_lag_ms=lags.get("signaling", 0.0),
    )


async def _lags(service: Service) -> dict[str, float]:
    """How late each event loop ran of late, in milliseconds."""
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as response:
        text = await response.text()
    return {
        sample.labels["process"]: 1000 * float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "diemcau_event_loop_lag_seconds"
    }


async def main() -> int:
    """Measure, and write; 1 if it was not flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--sites", type=int, default=63)
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diemcau-soak-") as name:
        folder = Path(name)
        cache = folder / "loops"
        # everything may take twice as long as it should, and no longer
        async with asyncio.timeout(2 * MINUTE_S * options.minutes + 180):
            found = await soak(options.sites, options.minutes, folder, cache)
    options.output.write_text(with_section(options.output.read_text(), section(found)))
    print(section(found))
    return 0 if not found.faults else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
