"""Real Chromium behind bad lines: what it decodes, what it hears, and how soon all is well again.

``python -m tests.bench.badlines`` makes namespaces of its own (root), prints a `BadLines` as JSON,
and gives up by itself after `LIMIT_S`. Where the browser receives, the publisher is at packet level
with pre-encoded pictures, so the browser under test is the only one on the machine; where it sends,
it receives its own picture over the good way back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from tests.network.cable import FREE, LOSSY, SLOW_DOWN, Cable, Profile
from tests.network.camera import FRAMES_PER_S, HIGH, LOW, MIDDLE, Layer
from tests.network.meeting import Meeting, meeting
from tests.network.spectator import Seen, Spectator, spectator
from tests.network.studio import Studio, house_at

LIMIT_S = 480.0
_LOOK_S = 0.25
_SETTLE_S = 4.0
_PAIR_S = 10.0
_PAIRS = 2
_BEGIN_S = 6.0
_SLOW_S = 30.0
_AFTER_S = 30.0
_ALONE_S = 15.0
_GIVE_UP_S = 60.0


LAYERS = (LOW, MIDDLE, HIGH)
FAR = Profile("RTT 100 ms", delay_s=0.05, jitter_s=0.03, overtaken=0.02)
FARTHER = Profile("RTT 200 ms", delay_s=0.1, jitter_s=0.03)
DISTANCES = (
    FARTHER,
    replace(FAR, name="RTT 100 ms, 2 %", down_loss=0.02, up_loss=0.02),
    replace(FARTHER, name="RTT 200 ms, 5 %", down_loss=0.05, up_loss=0.05),
)
"""What is tried both ways: far away, jitter 30 ms, without and with losses in both directions."""


@dataclass(frozen=True)
class Distance:
    """One run of `DISTANCES`: pictures a second that were decoded, share of the sound made up, and
    share of the time in which the picture stood, as the browser judges it."""

    way: str
    line: str
    fps: float
    concealed: float
    frozen: float


@dataclass(frozen=True)
class BadLines:
    """One run. `free_fps` and `lossy_fps` alternate: three layers without and with 5 % random loss.

    On 400 kbit/s, of three layers: `low_s` until the low layer was there, in the `begin_s` from the
    first picture on pictures a second and sound made up (share), then over `slow_s` the same and
    changes of the layer; `back_s` from the line being free again to the best layer, and changes of
    the layer in the `after_s` after that. Of a single layer of 1.2 Mbit/s: `alone_s` until the
    sound was alone, sound made up then, `returned_s` from the line being free again to the first
    new picture. `distances` has what came of `DISTANCES` towards the browser and from it.
    """

    free_fps: list[float]
    lossy_fps: list[float]
    source_fps: float
    low_s: float
    begin_s: float
    begin_fps: float
    begin_concealed: float
    slow_s: float
    slow_fps: float
    slow_concealed: float
    slow_switches: int
    back_s: float
    after_s: float
    after_switches: int
    alone_s: float
    alone_concealed: float
    returned_s: float
    distances: list[Distance]


def read_bad_lines(text: str) -> BadLines:
    """What this module has printed.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = json.loads(text)
        found["distances"] = [Distance(**one) for one in found.get("distances", ())]
        return BadLines(**found)
    except TypeError as error:
        raise ValueError(str(error)) from None


@dataclass
class _Call:
    """A page that is seated behind a cable, and what is known of it."""

    cable: Cable
    page: Spectator
    held: Meeting
    began: float
    widths: list[tuple[float, int]]

    async def look(self) -> Seen:
        """Its statistics now; a new size of the picture is noted."""
        seen = await self.page.seen()
        for width in seen.widths:
            if width and (not self.widths or self.widths[-1][1] != width):
                self.widths.append((time.monotonic(), width))
        return seen

    async def watch(self, seconds: float) -> Seen:
        """What came in so many seconds."""
        before, until = await self.look(), time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
            seen = await self.look()
        return seen.since(before)

    async def until(self, true: Callable[[Seen], bool]) -> float:
        """Wait for this; how long it took."""
        began = time.monotonic()
        async with asyncio.timeout(_GIVE_UP_S):
            while not true(await self.look()):  # noqa: ASYNC110 - pages do not call back
                await asyncio.sleep(_LOOK_S / 2)
        return time.monotonic() - began

    def switches(self, since: float) -> int:
        """How often the picture changed its size since then."""
        return sum(at > since for at, _ in self.widths)


@asynccontextmanager
async def _call(profile: Profile, layers: Sequence[Layer]) -> AsyncIterator[_Call]:
    with Cable() as cable, tempfile.TemporaryDirectory() as folder:
        cable.be(profile)
        async with spectator(cable, Path(folder)) as page, meeting(cable, layers) as held:
            await asyncio.sleep(2)
            await held.seat(page)
            yield _Call(cable, page, held, time.monotonic(), [])


async def _frames_per_s(profile: Profile) -> float:
    async with _call(profile, LAYERS) as call:
        await call.until(lambda seen: seen.widths == (HIGH.width,))
        await call.watch(_SETTLE_S)
        began = time.monotonic()
        seen = await call.watch(_PAIR_S)
        return seen.frames / (time.monotonic() - began)


async def _towards(profile: Profile) -> Distance:
    async with _call(profile, LAYERS) as call:
        await call.until(lambda seen: seen.widths == (HIGH.width,))
        await call.watch(_SETTLE_S)
        began = time.monotonic()
        seen = await call.watch(_PAIR_S)
        return _distance("down", profile, seen, time.monotonic() - began)


async def _from(profile: Profile) -> Distance:
    with Cable() as cable, tempfile.TemporaryDirectory() as folder:
        cable.be(replace(profile, down_loss=0.0))
        with house_at(cable, tcp=False) as house:
            async with spectator(cable, Path(folder)) as page:
                studio = Studio(page, house)
                await studio.open()
                await studio.more()
                await asyncio.sleep(_SETTLE_S)
                before, began = await page.seen(), time.monotonic()
                await asyncio.sleep(_PAIR_S)
                seen = (await page.seen()).since(before)
                return _distance("up", profile, seen, time.monotonic() - began)


def _distance(way: str, profile: Profile, seen: Seen, seconds: float) -> Distance:
    frozen = seen.frozen_s / seconds
    return Distance(way, profile.name, seen.frames / seconds, seen.concealed_ratio, frozen)


async def _measure() -> BadLines:
    free, lossy = [], []
    for turn in range(_PAIRS):
        for profile in (FREE, LOSSY) if turn % 2 == 0 else (LOSSY, FREE):
            (free if profile is FREE else lossy).append(await _frames_per_s(profile))
    distances = [await ask(one) for ask in (_towards, _from) for one in DISTANCES]
    async with _call(SLOW_DOWN, LAYERS) as call:
        low_s = await call.until(lambda seen: seen.widths == (LOW.width,))
        begin_at = time.monotonic()
        begin = await call.watch(_BEGIN_S)
        begin_s = time.monotonic() - begin_at
        slow_at = time.monotonic()
        slow = await call.watch(_SLOW_S)
        slow_s = time.monotonic() - slow_at
        slow_switches = call.switches(slow_at)
        call.cable.be(FREE)
        back_s = await call.until(lambda seen: seen.widths == (HIGH.width,))
        back_at = time.monotonic()
        await call.watch(_AFTER_S)
        after_switches = call.switches(back_at)
    async with _call(SLOW_DOWN, [HIGH]) as call:
        alone_s = await call.until(lambda _: bool(call.held.stats().paused))
        await call.watch(_SETTLE_S)
        alone = await call.watch(_ALONE_S)
        call.cable.be(FREE)
        frames = (await call.look()).frames
        returned_s = await call.until(lambda seen: seen.frames > frames)
    return BadLines(
        free_fps=free,
        lossy_fps=lossy,
        source_fps=FRAMES_PER_S,
        low_s=low_s,
        begin_s=begin_s,
        begin_fps=begin.frames / begin_s,
        begin_concealed=begin.concealed_ratio,
        slow_s=slow_s,
        slow_fps=slow.frames / slow_s,
        slow_concealed=slow.concealed_ratio,
        slow_switches=slow_switches,
        back_s=back_s,
        after_s=_AFTER_S,
        after_switches=after_switches,
        alone_s=alone_s,
        alone_concealed=alone.concealed_ratio,
        returned_s=returned_s,
        distances=distances,
    )


async def _main() -> None:
    async with asyncio.timeout(LIMIT_S):
        found = await _measure()
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.exit(asyncio.run(_main()))
