"""S1 for one server, in one process beside it: one publisher, 62 receivers, several rates.

``python -m tests.bench.fanout JOB`` with a job as JSON; prints a run as JSON. It starts the server,
ends it, and gives up by itself after `LIMIT_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import rtcp
from bridge.offers import OPUS, VP8
from tests.bench import proc
from tests.bench.bridgeserver import bridge_server
from tests.bench.floor import floor_server
from tests.bench.janusserver import janus_server
from tests.bench.line import Certificates, Line, Switchboard
from tests.bench.packets import AUDIO_PER_S, AudioTrack, Count, VideoTrack
from tests.bench.server import BenchError, Server, cores, until

LIMIT_S = 60.0
_DRAIN_S = 0.3
_DRAINS = 10
_AT_ONCE = 8


SERVERS = ("bridge", "bridge-python", "janus", "janus-one-loop", "floor")


@dataclass(frozen=True)
class Job:
    """What to measure. `server` is one of `SERVERS`."""

    server: str
    address: str
    receivers: int
    rates: list[int]
    seconds: float
    settle_s: float = 0.7


@dataclass(frozen=True)
class Phase:
    """One rate's figures, over the steady interval if not said otherwise.

    `lost` is what was sent × receivers minus what came, over the whole phase; `holes` is what the
    sequence numbers at the receivers say of the same; `overrun` is the part of it that the
    generator's own sockets had no room for. `others_cpu_s` is what all else on the machine took.
    """

    rate: int
    seconds: float
    sent: int
    received: int
    server_cpu_s: float
    generator_cpu_s: float
    others_cpu_s: float
    expected: int
    lost: int
    holes: int
    overrun: int
    delay_p50_ms: float
    delay_p99_ms: float

    @property
    def cpu_us(self) -> float:
        """The server's time for each packet that reached a receiver."""
        return 1e6 * self.server_cpu_s / self.received if self.received else float("nan")


@dataclass(frozen=True)
class Run:
    """All phases of one server process. Memory in KiB: without sessions, at the end, at most."""

    server: str
    profiles: list[str]
    connected_s: float
    memory_idle: int
    memory_end: int
    memory_peak: int
    threads: int
    slowest_turn_ms: float
    unreadable: int
    dropped: dict[str, int]
    phases: list[Phase]


def read_run(text: str) -> Run:
    """What `main` printed."""
    data = json.loads(text)
    data["phases"] = [Phase(**one) for one in data["phases"]]
    return Run(**data)


class Publisher:
    """Sends both tracks at an even pace, in steps of the switchboard's turn, as pacers do."""

    def __init__(self, line: Line) -> None:
        self.audio, self.video = AudioTrack(OPUS), VideoTrack(VP8)
        self.line = line
        self._rate = 0
        self._begin = 0.0
        self._video_sent = self._audio_sent = 0

    @property
    def packets(self) -> int:
        """Sent in all."""
        return self.audio.packets + self.video.packets

    def pace(self, rate: int) -> None:
        """So many video packets a second from now on; 0 stops the sound too."""
        self._rate, self._begin = rate, time.monotonic()
        self._video_sent = self._audio_sent = 0

    def turn(self, now: float) -> None:
        """Send what is due."""
        if not self._rate:
            return
        elapsed = now - self._begin
        while self._audio_sent < elapsed * AUDIO_PER_S:
            self._audio_sent += 1
            self.line.send_rtp(self.audio.packet(now))
        while self._video_sent < elapsed * self._rate:
            self._video_sent += 1
            self.line.send_rtp(self.video.packet(now))

    def feedback(self, compound: bytes) -> None:
        """Begin a keyframe when asked for one."""
        for packet in rtcp.parse(compound):
            if isinstance(packet, rtcp.PictureLoss | rtcp.FullIntra):
                self.video.wants_keyframe = True


class Load:
    """The publisher and the receivers on one server."""

    def __init__(self, job: Job, server: Server, board: Switchboard) -> None:
        self.certificates = Certificates()
        self._job, self._server, self._board = job, server, board
        line = Line(job.address, self.certificates, on_rtcp=self._feedback)
        self.publisher = Publisher(line)
        witnesses = {0, job.receivers // 2, job.receivers - 1}
        self.receivers = [
            Line(job.address, self.certificates, witness=index in witnesses)
            for index in range(job.receivers)
        ]
        for one in (line, *self.receivers):
            board.add(one)
        board.each_turn = self.publisher.turn

    async def connect(self) -> None:
        """Open all sessions, and wait until everyone receives both streams."""
        await self._server.publish(self.publisher.line, self.publisher.audio, self.publisher.video)
        self.publisher.pace(AUDIO_PER_S)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def come(index: int, line: Line) -> None:
            line.counts = {OPUS: Count(), VP8: Count()}
            async with gate:
                await self._server.receive(line, index)

        async with asyncio.TaskGroup() as group:
            for index, line in enumerate(self.receivers):
                group.create_task(come(index, line))
        await until(lambda: all(count.packets for count in self._counts()), 10)
        await self._rest()

    async def measure(self, rate: int) -> Phase:
        """One phase."""
        ports = {line.address[1] for line in self.receivers}
        overrun = proc.udp_drops(ports)
        expected, received, holes = self._totals()
        self.publisher.pace(rate)
        await asyncio.sleep(self._job.settle_s)
        for line in self.receivers:
            line.delays_ns.clear()
        before = self._reading()
        await asyncio.sleep(self._job.seconds)
        after = self._reading()
        delays = sorted(one for line in self.receivers for one in line.delays_ns)
        await self._rest()
        whole_expected, whole_received, whole_holes = self._totals()
        sent, came, server, own, busy, at = (
            late - early for late, early in zip(after, before, strict=True)
        )
        return Phase(
            rate=rate,
            seconds=at,
            sent=int(sent),
            received=int(came),
            server_cpu_s=server,
            generator_cpu_s=own,
            others_cpu_s=max(0.0, busy - server - own),
            expected=whole_expected - expected,
            lost=whole_expected - expected - (whole_received - received),
            holes=whole_holes - holes,
            overrun=proc.udp_drops(ports) - overrun,
            delay_p50_ms=_percentile_ms(delays, 0.5),
            delay_p99_ms=_percentile_ms(delays, 0.99),
        )

    async def _rest(self) -> None:
        """Stop sending, and wait until nothing comes any more."""
        self.publisher.pace(0)
        for _ in range(_DRAINS):
            _, before, _ = self._totals()
            await asyncio.sleep(_DRAIN_S)
            if self._totals()[1] == before:
                return

    def _feedback(self, compound: bytes) -> None:
        self.publisher.feedback(compound)

    def _counts(self) -> list[Count]:
        return [count for line in self.receivers for count in line.counts.values()]

    def _totals(self) -> tuple[int, int, int]:
        counts = self._counts()
        return (
            self.publisher.packets * len(self.receivers),
            sum(count.packets for count in counts),
            sum(count.holes for count in counts),
        )

    def _reading(self) -> tuple[float, ...]:
        _, received, _ = self._totals()
        return (
            self.publisher.packets,
            received,
            proc.cpu_s(self._server.pid),
            time.process_time(),
            proc.busy_s(),
            time.monotonic(),
        )


async def run(job: Job, core: int) -> Run:
    """Measure one server, held to this core, at all rates.

    Raises:
        BenchError, TimeoutError, HandshakeError: it could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="diemcau-bench-") as folder:
        async with asyncio.timeout(LIMIT_S), _server(job, Path(folder), core) as server:
            board = Switchboard()
            turning = asyncio.create_task(board.run())
            try:
                return await _measure(job, server, board)
            finally:
                turning.cancel()
                board.close()


async def _measure(job: Job, server: Server, board: Switchboard) -> Run:
    load = Load(job, server, board)
    memory_idle = proc.memory(server.pid).now_kib
    begin = time.monotonic()
    await load.connect()
    connected_s = time.monotonic() - begin
    phases = [await load.measure(rate) for rate in job.rates]
    memory = proc.memory(server.pid)
    await asyncio.sleep(1.0)  # the bridge's next report
    return Run(
        server=job.server,
        profiles=sorted(load.certificates.profiles()),
        connected_s=connected_s,
        memory_idle=memory_idle,
        memory_end=memory.now_kib,
        memory_peak=memory.peak_kib,
        threads=proc.threads(server.pid),
        slowest_turn_ms=1000 * board.slowest_turn_s,
        unreadable=sum(line.unreadable for line in load.receivers),
        dropped=server.dropped(),
        phases=phases,
    )


@contextlib.asynccontextmanager
async def _server(job: Job, folder: Path, core: int) -> AsyncIterator[Server]:
    if job.server.startswith("bridge"):
        path = "python" if job.server == "bridge-python" else "compiled"
        async with bridge_server(job.address, job.receivers, folder, core, path) as server:
            yield server
    elif job.server == "floor":
        async with floor_server(job.address, job.receivers, folder, core) as server:
            yield server
    else:
        async with janus_server(job.server == "janus-one-loop", folder, core) as server:
            yield server


def _percentile_ms(ordered: list[int], share: float) -> float:
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6


def main() -> None:
    """Run the job that the command line holds."""
    job = Job(**json.loads(sys.argv[1]))
    own, server = cores()
    os.sched_setaffinity(0, {own})
    try:
        result = asyncio.run(run(job, server))
    except BenchError as error:
        sys.exit(str(error))
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
