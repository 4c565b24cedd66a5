"""S2: a whole conference of synthetic sites, held steady while the service's processes are read.

``python -m tests.bench.conference SITES SECONDS CACHE`` starts a service of its own, prints a
`Held` as JSON, and gives up by itself after `LIMIT_S`. CACHE is a folder for encoded pictures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import aiohttp
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from bridge.endpoint import loops
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Member, Operator, SyntheticSite
from cli.drilling.service import Service, own_service
from cli.runfile import Run, read_run
from signaling.wire.commands import Scene, Start, Take, Unmute
from tests.bench import proc
from tests.bench.quantiles import NOTHING, Buckets, Quantiles, quantiles
from tests.bench.quiet import bring_along
from tests.bench.server import until

LIMIT_S = 75.0
_SETTLE_S = 2.0
_AT_ONCE = 16
_SHOWN_S = 15.0
TAKES = 10
_TAKE_S = 0.4
_REPORTED_S = 1.5


@dataclass(frozen=True)
class Held:
    """What was seen in the steady interval, and, of latencies, also during `TAKES` takes after it.

    CPU in seconds, memory in KiB. Latencies are what the bridge itself counts, per packet and
    receiver: of keyframes and what they held up (`burst`), and of all else (`usual`).
    """

    sites: int
    seconds: float
    bridge_cpu_s: float
    signaling_cpu_s: float
    sites_cpu_s: float
    received: int
    lost: int
    bridge_memory_peak: int
    signaling_memory_peak: int
    usual: Quantiles
    burst: Quantiles


@dataclass(frozen=True)
class _Reading:
    at: float
    bridge: float
    signaling: float
    own: float
    received: int
    lost: int


async def hold(sites: int, seconds: float, cache: Path, folder: Path) -> Held:
    """Everyone in, program from a remote site, two microphones open; then only read."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(own_service(folder))
        bring_along(run_of(service).pids.values())
        wheel = await stack.enter_async_context(Wheel())
        certificate = Certificate()
        operator = Operator(service.url, sites + 1, wheel, certificate)
        stack.push_async_callback(operator.leave)
        crew = await assembled(operator, service, sites, cache, wheel, certificate)
        stack.push_async_callback(all_leave, crew)
        await come_in(operator, crew)
        await go_live(operator, crew)
        await asyncio.sleep(_SETTLE_S)
        before = await _latencies(service)
        steady = await _read(service, [operator, *crew], seconds)
        for turn in range(TAKES):
            await operator.command(Take(Scene("single", (crew[1 + turn % 2].code,))))
            await asyncio.sleep(_TAKE_S)
        await asyncio.sleep(_REPORTED_S)
        after = await _latencies(service)
        usual, burst = (quantiles(before[one], after[one]) for one in ("no", "yes"))
        return replace(steady, usual=usual, burst=burst)


async def assembled(
    operator: Operator,
    service: Service,
    sites: int,
    cache: Path,
    wheel: Wheel,
    certificate: Certificate,
) -> list[SyntheticSite]:
    await operator.sign_in(service.sign_in)
    made = await operator.create("conference-2020", "BENCH")
    await operator.enter(made.conference)
    links = await operator.links(made.conference)
    central = operator.conference.central
    links = sorted(links, key=lambda link: link.site != central)[: sites + 1]
    keys = [
        loops.LoopKey(link.site, link.name, loops.tone_hz(index))
        for index, link in enumerate(links)
    ]
    prepared = await asyncio.to_thread(loops.load, keys, cache)
    return [
        SyntheticSite(link, loop, wheel, certificate)
        for link, loop in zip(links, prepared, strict=True)
    ]


async def all_leave(crew: Sequence[SyntheticSite]) -> None:
    await asyncio.gather(*(one.leave() for one in crew))


async def come_in(operator: Operator, crew: Sequence[SyntheticSite]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def join(one: SyntheticSite) -> None:
        async with gate:
            await one.join()

    await asyncio.gather(*(join(one) for one in crew))
    operator.watch([one.code for one in crew])


async def go_live(operator: Operator, crew: Sequence[SyntheticSite]) -> None:
    centre, speaker = crew[0], crew[1]
    await operator.command(Start())
    await operator.command(Take(Scene("single", (speaker.code,))))
    await speaker.command(Unmute(speaker.code))
    await operator.command(Unmute(speaker.code))
    await centre.command(Unmute(centre.code))
    await until(lambda: all(one.watcher.packets() for one in (operator, *crew)), _SHOWN_S)


def run_of(service: Service) -> Run:
    assert service.data_dir is not None
    run = read_run(service.data_dir)
    assert run is not None
    return run


async def _latencies(service: Service) -> dict[str, Buckets]:
    """Of the bridge's latest report, by whether they were in a burst."""
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as response:
        text = await response.text()
    found: dict[str, Buckets] = {"no": {}, "yes": {}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "diemcau_forward_latency_seconds_bucket":
                labels = sample.labels
                found[labels["burst"]][float(labels["le"])] = int(sample.value)
    return found


async def _read(service: Service, members: Sequence[Member], seconds: float) -> Held:
    run = run_of(service)
    bridge, signaling = run.pids["bridge"], run.pids["signaling"]

    def reading() -> _Reading:
        receptions = [inlet.reception for one in members for inlet in one.watcher.inlets.values()]
        return _Reading(
            at=time.monotonic(),
            bridge=proc.cpu_s(bridge),
            signaling=proc.cpu_s(signaling),
            own=time.process_time(),
            received=sum(one.packets for one in receptions),
            lost=sum(one.lost for one in receptions if one.packets),
        )

    before = reading()
    await asyncio.sleep(seconds)
    after = reading()
    return Held(
        sites=len(members) - 1,
        seconds=after.at - before.at,
        bridge_cpu_s=after.bridge - before.bridge,
        signaling_cpu_s=after.signaling - before.signaling,
        sites_cpu_s=after.own - before.own,
        received=after.received - before.received,
        lost=after.lost - before.lost,
        bridge_memory_peak=proc.memory(bridge).peak_kib,
        signaling_memory_peak=proc.memory(signaling).peak_kib,
        usual=NOTHING,
        burst=NOTHING,
    )


def read_held(text: str) -> Held:
    """What `main` printed."""
    data = json.loads(text)
    for name in ("usual", "burst"):
        data[name] = Quantiles(**data[name])
    return Held(**data)


async def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="diemcau-bench-") as folder:
        async with asyncio.timeout(LIMIT_S):
            held = await hold(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), Path(folder))
    print(json.dumps(asdict(held)))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
