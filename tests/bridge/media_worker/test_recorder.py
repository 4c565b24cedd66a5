"""One recording from its order to its end, with frames by hand: room, failures, what it says."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import pytest
from structlog.testing import capture_logs

from bridge.media_worker import store
from bridge.media_worker.recorder import Recorder, Space
from bridge.media_worker.subscription import OnFrames
from signaling.wire.ids import Port, Scope, parse_slots
from signaling.wire.recordings import RecordingId
from signaling.wire.worker import Record, RecordFact
from tests.bridge.media_worker.reel import START, loop, pictures, sounds

LOOP = loop()
MIB = 1024 * 1024


class Reel:
    """A subscription by hand."""

    def __init__(self) -> None:
        self.connected = True
        self.lost = self.skipped = 0
        self.asked = 0
        self.closed: list[str] = []
        self.at = START
        self._on_frames: OnFrames = lambda frames: None

    def subscribe(self, token, slots, on_frames: OnFrames, name: str) -> Reel:
        self._on_frames = on_frames
        return self

    async def run(self) -> None:
        await asyncio.Event().wait()

    def session_closed(self, session) -> None:
        self.closed.append(session)

    def ask_keyframe(self) -> None:
        self.asked += 1

    def hear(self, packets: int) -> None:
        """So many packets of sound come, 20 ms each, and no picture."""
        self._on_frames(list(sounds(LOOP, self.at, packets)))

    def roll(self, seconds: int = 1) -> None:
        """So much of picture and sound comes, from a keyframe on."""
        frames = [*pictures(LOOP, self.at, 10 * seconds), *sounds(LOOP, self.at, 50 * seconds)]
        self._on_frames(sorted(frames, key=lambda one: one.at))
        self.at += seconds


class Studio:
    """A recorder at work."""

    def __init__(self, root: Path) -> None:
        self.free = 100 * MIB
        self.root = root
        self.reel = Reel()
        order = Record(
            *(Scope("c"), RecordingId("1-program"), Port("rec/program")),
            *(parse_slots("stage:1,floor:1"), "token", "Hội nghị", ""),
        )
        space = Space(root, 600.0, 1.0, 10 * MIB, lambda: self.free)
        self.recorder = Recorder(order, self.reel.subscribe, space)
        self.order = order

    @property
    def folder(self) -> Path:
        return self.root / "c" / "1-program"

    def segments(self) -> list[Path]:
        return list(store.segments_of(self.folder))

    async def until(self, condition: Callable[[RecordFact], bool]) -> RecordFact:
        """Wait until its fact is so."""
        async with asyncio.timeout(15):
            while not condition(fact := self.recorder.fact()):  # noqa: ASYNC110 - it tells no one
                await asyncio.sleep(0.02)
        return fact


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    studio = Studio(tmp_path)
    running = asyncio.create_task(studio.recorder.run())
    yield studio
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await studio.recorder.end(wanted=True)


async def ended(studio: Studio, *, wanted: bool = False) -> None:
    await studio.recorder.end(wanted=wanted)


def pictures_in(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


async def test_it_says_what_it_has_and_closes_it(studio: Studio) -> None:
    assert not studio.recorder.fact().flowing
    studio.reel.roll(3)
    fact = await studio.until(lambda fact: fact.octets > 0)
    assert (fact.flowing, fact.problem, fact.segments) == (True, None, 1)
    await ended(studio)
    assert pictures_in(studio.segments()[0]) == 30
    manifest = store.read_manifest(studio.folder)
    assert manifest is not None
    assert manifest.ended_at is not None
    assert (manifest.title, manifest.recording) == ("Hội nghị", "1-program")


async def test_stopped_with_its_process_it_goes_on_in_the_next(studio: Studio) -> None:
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.octets > 0)
    await ended(studio, wanted=True)
    manifest = store.read_manifest(studio.folder)
    assert manifest is not None
    assert manifest.ended_at is None
    following = Studio(studio.root)
    running = asyncio.create_task(following.recorder.run())
    following.reel.roll(2)
    fact = await following.until(lambda fact: fact.segments == 2)
    assert fact.seconds >= 1.9
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ended(following)
    assert [pictures_in(path) for path in following.segments()] == [20, 20]


async def test_nothing_that_came_leaves_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    running = asyncio.create_task(studio.recorder.run())
    await studio.until(lambda _: studio.folder.is_dir())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ended(studio)
    assert not studio.folder.exists()


@pytest.mark.parametrize(("packets", "kept"), [(1, 0), (5, 0), (6, 1)])
async def test_what_was_stopped_as_it_began_leaves_nothing_and_is_told(
    tmp_path: Path, packets: int, kept: int
) -> None:
    studio = Studio(tmp_path)
    running = asyncio.create_task(studio.recorder.run())
    studio.reel.hear(packets)
    await studio.until(lambda fact: fact.segments == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with capture_logs() as lines:
        await ended(studio)
    assert len(studio.segments()) == kept
    assert studio.folder.exists() == bool(kept)
    assert len(lines) == 1 - kept


async def test_it_warns_and_stops_before_the_disk_is_full_and_goes_on_after(studio: Studio) -> None:
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.octets > 0)
    studio.free = 15 * MIB
    await studio.until(lambda fact: fact.problem == "disk_low")
    studio.reel.roll(1)
    studio.free = 9 * MIB
    await studio.until(lambda fact: fact.problem == "disk_full")
    first = store.read_sidecar(studio.segments()[0])
    assert first is not None
    assert first.ended_at is not None
    studio.reel.roll(1)
    # hysteresis: just above the line is not enough
    studio.free = 10 * MIB + MIB // 2
    await studio.until(lambda fact: not fact.flowing)
    assert len(studio.segments()) == 1
    studio.free = 100 * MIB
    await studio.until(lambda fact: fact.problem is None)
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.segments == 2)
    await ended(studio)
    assert [pictures_in(path) for path in studio.segments()] == [30, 20]


async def test_what_cannot_be_written_is_said_and_tried_again(studio: Studio) -> None:
    await studio.until(lambda _: store.read_manifest(studio.folder) is not None)
    away = studio.root / "away"
    shutil.move(studio.folder, away)
    studio.folder.write_text("in the way")
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.problem == "write_failed")
    assert not studio.recorder.fact().flowing
    studio.folder.unlink()
    shutil.move(away, studio.folder)
    await studio.until(lambda fact: fact.problem is None)
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.flowing)
    await ended(studio)
    assert [pictures_in(path) for path in studio.segments()] == [20]


async def test_a_folder_that_was_cleared_away_is_made_anew(studio: Studio) -> None:
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.octets > 0)
    shutil.rmtree(studio.root / "c")
    await studio.until(lambda fact: fact.problem == "write_failed")
    await studio.until(lambda _: store.read_manifest(studio.folder) is not None)
    studio.reel.roll(2)
    fact = await studio.until(lambda fact: fact.problem is None and fact.flowing)
    assert fact.segments == 1
    await ended(studio)
    assert [pictures_in(path) for path in studio.segments()] == [20]


async def test_without_a_folder_it_says_so_and_begins_when_there_is_one(tmp_path: Path) -> None:
    root = tmp_path / "recordings"
    root.write_text("in the way")
    studio = Studio(root)
    running = asyncio.create_task(studio.recorder.run())
    await studio.until(lambda fact: fact.problem == "write_failed")
    root.unlink()
    await studio.until(lambda fact: fact.problem is None)
    studio.reel.roll(2)
    await studio.until(lambda fact: fact.octets > 0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ended(studio)
    assert len(studio.segments()) == 1


async def test_a_picture_is_asked_for_where_a_file_begins_without(studio: Studio) -> None:
    studio.reel.hear(100)
    await studio.until(lambda _: studio.reel.asked > 0)


async def test_what_changes_of_an_order_is_its_token(studio: Studio) -> None:
    tokens = []
    reel = Reel()
    reel.subscribe = lambda token, *rest: tokens.append(token) or reel  # type: ignore[method-assign]
    recorder = Recorder(studio.order, reel.subscribe, Space(studio.root, 1, 1, 1, lambda: 9))
    recorder.update(replace_token(studio.order, "fresh"))
    assert tokens[0]() == "fresh"


def replace_token(order: Record, token: str) -> Record:
    """The order as it comes again."""
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    return Record(**{**fields, "token": token})


def test_a_recording_of_a_strange_name_has_no_folder(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    for scope, recording in (("..", "1-program"), ("c", "../1"), ("c/d", "1-program"), ("c", "x")):
        fields = {name: getattr(studio.order, name) for name in studio.order.__struct_fields__}
        order = Record(**{**fields, "scope": scope, "recording": recording})
        with pytest.raises(ValueError, match="no folder"):
            Recorder(order, studio.reel.subscribe, Space(tmp_path, 1, 1, 1, lambda: 9))
