"""A real conference is recorded by the whole service, and the files are looked at by others."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import pytest

from bridge.endpoint import loops
from bridge.endpoint.loops import Loop
from bridge.endpoint.wheel import Wheel
from cli.drilling.crew import STAGE, Operator, SyntheticSite
from signaling.wire.commands import (
    Mute,
    Scene,
    StartRecording,
    StopRecording,
    Take,
    Unmute,
)
from signaling.wire.ids import SiteCode
from signaling.wire.recordings import RecordingRow
from tests.recording.crew import crew
from tests.recording.witness import File, Witness, files
from tests.service import Service, running_service

SITES = 3


def larger(loop: Loop) -> Loop:
    """The same loop at 640×360."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = 640, 360, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 10), Fraction(10, 1)
    codec.bit_rate, codec.gop_size = 300_000, 10_000
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    frames = []
    for number, picture in enumerate(loops.pictures(loop.key)):
        scaled = picture.reformat(width=640, height=360)
        scaled.pts = number
        frames += [bytes(packet) for packet in codec.encode(scaled)]
    return Loop(loop.key, tuple(frames), loop.tones)


@dataclass
class Conference:
    """The centre and two sites, all sending; the second one sends larger pictures."""

    service: Service
    operator: Operator
    sites: list[SyntheticSite]
    wheel: Wheel
    folder: Path
    marks: dict[str, float] = field(default_factory=dict)
    states: list[tuple[str, str | None]] = field(default_factory=list)

    def mark(self, name: str) -> None:
        """Note when this happened."""
        self.marks[name] = time.time()

    @property
    def row(self) -> RecordingRow | None:
        found = self.operator.page.rows.get("recording")
        assert found is None or isinstance(found, RecordingRow)
        return found

    async def until(self, condition: Callable[[], bool], limit_s: float = 30.0) -> None:
        """Wait for what the operator's page is told."""

        def looked() -> bool:
            row = self.row
            if row is not None and (row.state, row.problem) not in self.states[-1:]:
                self.states.append((row.state, row.problem))
            return condition()

        await self.operator.page.until(looked, limit_s)

    async def recording(self) -> None:
        """Wait until media is being stored."""
        await self.until(lambda: self.row is not None and self.row.state == "recording")

    async def for_(self, seconds: float) -> None:
        """Let it go on for so long, and note what the operator is told."""
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: False, seconds)

    async def stopped(self, *recordings: str) -> None:
        """End it, and wait until every file is closed."""
        await self.operator.command(StopRecording())
        assert self.row is None
        url = f"{self.service.url}/api/conferences/{self.folder.name}/recordings"
        async with asyncio.timeout(20):
            while True:
                async with self.operator.http.get(url) as response:
                    told = await response.json()
                ended = {one["recording"] for one in told if one["ended_at"] is not None}
                if set(recordings) <= ended:
                    return
                await asyncio.sleep(0.05)

    async def take(self, site: SiteCode) -> None:
        await self.operator.command(Take(Scene("single", (site,))))


@pytest.fixture
async def conference(tmp_path: Path) -> AsyncIterator[Conference]:
    async with (
        running_service(tmp_path / "data") as service,
        crew(
            *(service.url, service.operator_sign_in, SITES, 5),
            lambda index, loop: larger(loop) if index == 1 else loop,
        ) as one,
    ):
        folder = service.data_dir / "recordings" / one.conference
        yield Conference(service, one.operator, one.sites, one.wheel, folder)


def labels(recorded: list[File]) -> list[str | None]:
    """Who is seen, in order."""
    shown = [picture.label for file in recorded for picture in file.pictures()]
    return [label for label, _ in itertools.groupby(shown)]


def heard(recorded: list[File], tone_hz: float) -> list[float]:
    """When this tone sounds in any track."""
    return [
        at
        for file in recorded
        for track in file.sidecar.tracks
        if track.startswith("sound")
        for at, found in file.tones(track)
        if abs(found - tone_hz) < 8
    ]


def assert_sound(recorded: list[File]) -> None:
    """Whole, decodable, in order."""
    for file in recorded:
        assert file.decodes_elsewhere() == ""
        for track, times in file.packets().items():
            assert all(after > before for before, after in itertools.pairwise(times)), track
        assert max(max(times, default=0) for times in file.packets().values()) == pytest.approx(
            file.sidecar.seconds, abs=0.01
        )


async def test_takes_a_mute_a_gap_and_a_killed_recorder_are_in_the_files_as_they_were(
    conference: Conference,
) -> None:
    operator, (centre, larger_site, third) = conference.operator, conference.sites
    witness = Witness(operator.watcher, STAGE, conference.wheel)
    await operator.command(Unmute(centre.code))
    await centre.command(Unmute(centre.code))
    await operator.command(StartRecording([larger_site.code]))
    await conference.recording()
    conference.mark("begun")
    told = centre.page.rows["recording"]
    assert isinstance(told, RecordingRow)
    await conference.for_(2)
    await conference.take(larger_site.code)
    await conference.for_(2)
    conference.mark("opened")
    await larger_site.command(Unmute(larger_site.code))
    await operator.command(Unmute(larger_site.code))
    await conference.for_(3)
    await operator.command(Mute(larger_site.code))
    conference.mark("shut")
    await conference.for_(2)
    await conference.take(third.code)
    await conference.for_(1.5)
    third.player.silent = True
    conference.mark("gap")
    await conference.for_(3)
    third.player.silent = False
    conference.mark("mended")
    await conference.for_(3)
    conference.mark("killed")
    os.kill(conference.service.pid("worker"), signal.SIGKILL)
    await conference.until(
        lambda: conference.row is not None and conference.row.problem is not None
    )
    assert time.time() - conference.marks["killed"] < 5
    await conference.recording()
    conference.mark("back")
    await conference.for_(2)
    conference.mark("stopped")
    await conference.stopped("1-program", "1-01")
    marks = conference.marks
    assert ("interrupted", "no_worker") in conference.states

    program, alone = files(conference.folder / "1-program"), files(conference.folder / "1-01")
    assert_sound([*program, *alone])
    first, second = program
    assert (first.sidecar.cut, second.sidecar.cut) == (True, False)
    assert 0 <= marks["killed"] - first.ends_at < 2.0
    assert second.sidecar.started_at < marks["back"]
    assert second.ends_at == pytest.approx(marks["stopped"], abs=0.7)

    # who was on air, in order, whatever the size of their pictures
    assert labels(program) == [centre.label, larger_site.label, third.label]
    shown = [picture for file in program for picture in file.pictures()]
    assert {(one.label, one.width) for one in shown} == {
        (centre.label, 320), (larger_site.label, 640), (third.label, 320)
    }  # fmt: skip
    off = []
    for one in shown:
        assert one.label is not None
        assert one.counter is not None
        seen_at = witness.nearest(one.label, one.counter, one.at)
        assert seen_at is not None
        off.append(abs(one.at - seen_at))
    # a busy machine sends or sees a picture late now and then; the file has the time it was made at
    off.sort()
    assert off[len(off) * 8 // 10] < 0.1
    assert off[-1] < 0.5

    # the gap is as long as it was, in picture and sound
    holes = [
        (before.at, after.at - before.at)
        for before, after in itertools.pairwise(first.pictures())
        if after.at - before.at > 1
    ]
    assert holes == [(pytest.approx(marks["gap"], abs=0.3), pytest.approx(3.0, abs=0.4))]

    # a muted room is in no file, though its picture was on air and its client never stopped sending
    voice = heard(program, larger_site.tone_hz)
    assert voice[0] == pytest.approx(marks["opened"], abs=0.8)
    assert voice[-1] == pytest.approx(marks["shut"], abs=0.8)
    assert heard(program, third.tone_hz) == []
    assert len(heard(program, centre.tone_hz)) > 30
    [own] = alone
    assert labels([own]) == [larger_site.label]
    assert own.sidecar.started_at == pytest.approx(marks["opened"], abs=0.6)
    assert own.ends_at == pytest.approx(marks["shut"], abs=0.6)
    assert heard([own], larger_site.tone_hz)
    assert heard([own], centre.tone_hz) == []


async def test_a_killed_signaling_costs_the_recording_nothing(conference: Conference) -> None:
    centre = conference.sites[0]
    await conference.operator.command(StartRecording())
    await conference.recording()
    await conference.for_(1)
    os.kill(conference.service.pid("signaling"), signal.SIGKILL)
    connections = conference.operator.page.connections
    await conference.until(lambda: conference.operator.page.connections > connections)
    await conference.recording()
    await conference.for_(2)
    await conference.stopped("1-program")

    [file] = files(conference.folder / "1-program")
    assert_sound([file])
    assert labels([file]) == [centre.label]
    times = [one.at for one in file.pictures()]
    assert max(after - before for before, after in itertools.pairwise(times)) < 0.5


async def test_after_a_killed_bridge_it_goes_on_by_itself(conference: Conference) -> None:
    centre = conference.sites[0]
    await conference.operator.command(StartRecording())
    await conference.recording()
    await conference.for_(1)
    killed_at = time.time()
    bridge = conference.service.pid("bridge")
    os.kill(bridge, signal.SIGKILL)
    async with asyncio.timeout(20):
        while conference.service.pid("bridge") == bridge:  # noqa: ASYNC110 - a file tells no one
            await asyncio.sleep(0.05)
    await conference.service.ready()
    await centre.vanish()
    await centre.revive()
    back_at = time.time()
    await conference.for_(4)
    await conference.stopped("1-program")

    recorded = files(conference.folder / "1-program")
    assert_sound(recorded)
    times = [one.at for file in recorded for one in file.pictures()]
    assert min(times) < killed_at
    assert max(times) > back_at
    assert labels(recorded) == [centre.label]
