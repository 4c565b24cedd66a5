"""What mixes cost and how far behind they are, as a whole service makes them.

``python -m tests.bench.mixes`` starts a service of its own, reads the media worker's CPU while four
sites speak, and prints tables for docs/measurements.md; it takes about a minute.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvloop

from bridge import rtp
from bridge.endpoint import doors
from bridge.endpoint.watcher import Watcher
from bridge.endpoint.wheel import Wheel
from bridge.media_worker.opus import Decoder
from bridge.transport import Certificate
from cli.drilling.crew import Operator, SyntheticSite
from cli.drilling.service import own_service
from signaling.wire.commands import Mute, Unmute
from signaling.wire.ids import SiteCode, slot_name
from signaling.wire.rest import SiteDevices
from tests.bench import proc
from tests.bench.conference import run_of
from tests.bench.document import table
from tests.recording.crew import crew

LIMIT_S = 150.0
SECONDS = 10.0
SPEAKERS, PLAYERS, MUTES = 4, 10, 20
_SETTLE_S = 2.0
_AUDIBLE = 0.02
_MIX, _FLOOR = slot_name("mix", 1), slot_name("floor", 1)


@dataclass
class _Moments:
    """When sound was first and last heard since `clear`, event loop seconds."""

    first: float | None = None
    last: float = 0.0
    decoder: Decoder = field(default_factory=Decoder)

    def packet(self, now: float, packet: bytes) -> None:
        header = rtp.parse(packet)
        samples = self.decoder.decode(packet[header.start : header.end]) if header else None
        if samples is not None and float(np.abs(samples).max()) > _AUDIBLE:
            self.first = now if self.first is None else self.first
            self.last = now

    def clear(self) -> None:
        self.first = None


@dataclass
class _Hall:
    """A live conference with everybody in it."""

    pid: int
    operator: Operator
    links: str
    sites: list[SyntheticSite]
    wheel: Wheel
    certificate: Certificate

    async def open(self, site: SyntheticSite) -> None:
        await site.command(Unmute(site.code))
        await self.operator.command(Unmute(site.code))

    async def player(self, code: SiteCode) -> Watcher:
        """A plain player of this site, receiving."""
        url = f"{self.links}/{code}/devices"
        told = await doors.call(self.operator.http, "GET", url, SiteDevices)
        watcher = Watcher([_MIX], self.wheel, self.certificate)
        await watcher.open(doors.Resource(self.operator.http, told.whep, told.play_token))
        return watcher

    async def load(self) -> float:
        """Share of a core that the worker takes."""
        await asyncio.sleep(_SETTLE_S)
        loop = asyncio.get_running_loop()
        at, before = loop.time(), proc.cpu_s(self.pid)
        await asyncio.sleep(SECONDS)
        return (proc.cpu_s(self.pid) - before) / (loop.time() - at)

    async def delays(self) -> tuple[list[float], list[float]]:
        """For a voice alone: from its first packet in the floor's slot to its first sound in the
        mix, and from its last to its last."""
        site, mixed, plain = self.sites[0], _Moments(), _Moments()
        player = await self.player(self.sites[1].code)
        player.inlets[_MIX].listeners.append(mixed.packet)
        self.operator.watcher.inlets[_FLOOR].listeners.append(plain.packet)
        begins, ends = [], []
        await asyncio.sleep(_SETTLE_S)
        for _ in range(MUTES):
            mixed.clear()
            plain.clear()
            await self.open(site)
            await asyncio.sleep(0.7)
            await self.operator.command(Mute(site.code))
            await asyncio.sleep(0.7)
            if mixed.first is not None and plain.first is not None:
                begins.append(mixed.first - plain.first)
                ends.append(mixed.last - plain.last)
        player.close()
        return begins, ends


async def measure(folder: Path) -> str:
    """The tables, in Markdown."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(own_service(folder))
        one = await stack.enter_async_context(crew(service.url, service.sign_in, PLAYERS, 7))
        operator, sites = one.operator, one.sites
        pid = run_of(service).pids["worker"]
        path = f"{service.url}/api/conferences/{one.conference}/links"
        hall = _Hall(pid, operator, path, sites, one.wheel, one.certificate)
        for site in sites:
            await operator.command(Mute(site.code))
        begins, ends = await hall.delays()
        for site in sites[:SPEAKERS]:
            await hall.open(site)
        await asyncio.sleep(_SETTLE_S)
        loads = {"none": await hall.load()}
        # a site without a device takes the program's
        *_, last = await operator.links(one.conference)
        players = [await hall.player(last.site)]
        loads["1"] = await hall.load()
        players += [await hall.player(site.code) for site in sites]
        loads[f"{1 + PLAYERS}"] = await hall.load()
        for player in players:
            player.close()
    rows = [[mixes, f"{100 * load:.1f} %"] for mixes, load in loads.items()]
    delays = [
        [name, f"{1000 * statistics.median(held):.0f}", f"{1000 * max(held):.0f}"]
        for name, held in (("microphone opened: first sound", begins), ("mute: last sound", ends))
    ]
    cost = table(["mixes", "CPU of the media worker, of one core"], rows)
    behind = table(["of a voice alone", "median, ms", "at most, ms"], delays)
    return f"{cost}\n\n{behind}\n"


def main() -> int:
    """Measure and print; 1 if it failed."""

    async def limited() -> str:
        async with asyncio.timeout(LIMIT_S):
            return await measure(Path(folder))

    with (
        tempfile.TemporaryDirectory(prefix="diemcau-mixes-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            print(runner.run(limited()))
        except TimeoutError:
            print("it took too long", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
