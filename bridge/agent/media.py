"""What an agent publishes: pictures of a source or a slate, and sound of a source or silence.

Tracks never end by themselves: a camera that is unplugged costs its picture, not the session.
"""

from __future__ import annotations

import asyncio
import fractions
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import av
import numpy as np
from aiortc import MediaStreamTrack

from bridge.agent.film import AUDIO_HZ, FRAME_SAMPLES, VIDEO_HZ, Frame, Kind
from bridge.agent.reader import Reader
from bridge.agent.source import Card, FrameSource, Size, Source, frames_of
from bridge.endpoint import cellcode

SLATE_S = 0.2
"""Between two slates: a keyframe that is asked for comes no later."""
FRAME_S = FRAME_SAMPLES / AUDIO_HZ
SMALL_WIDTH, SMALL_FRAMES_PER_S = 320, 10
"""The picture for thumbnails, beside one that is larger."""
LARGE = "main"
"""What the bridge calls the large one (RFC 4796)."""
_CUSHION, _MAX_QUEUED = 3, 15
"""Sound frames gathered before they are played, and how many may wait: 60 and 300 ms."""


class Pictures:
    """The newest picture of a source; a slate while there is none."""

    def __init__(self, slate: av.VideoFrame) -> None:
        self.live = False
        self.shown = 0
        self._slate = self._picture = slate
        self._number = 0
        self._changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, picture: av.VideoFrame) -> None:
        """Show this from now on; who was late sees only the newest."""
        self.live = True
        self._show(picture)

    def lose(self) -> None:
        """The source is lost: the slate goes out at once."""
        self.live = False
        self._show(self._slate)

    async def next(self, seen: int) -> tuple[int, av.VideoFrame]:
        """A picture newer than number `seen`; the slate again when nothing is."""
        while self._number <= seen:
            changed = asyncio.shield(self._changed)
            try:
                await asyncio.wait_for(changed, SLATE_S)
            except TimeoutError:
                if not self.live and self._number <= seen:
                    self._number += 1  # of several tracks that wait the first repeats it
        return self._number, self._picture

    def _show(self, picture: av.VideoFrame) -> None:
        self._picture = picture
        self._number += 1
        changed, self._changed = self._changed, asyncio.get_running_loop().create_future()
        changed.set_result(None)


class Sounds:
    """Sound of a source, evened out; silence while there is none.

    `level` is 0–1: the loudest 20 ms since it was last asked for, whether the microphone is open
    or not.
    """

    def __init__(self) -> None:
        self._queue: deque[av.AudioFrame] = deque()
        self._playing = False
        self._loudest = 0.0

    def put(self, frame: av.AudioFrame) -> None:
        """The next 20 ms."""
        samples = frame.to_ndarray().astype(np.float32) / 32768
        self._loudest = max(self._loudest, float(np.sqrt(np.mean(samples**2))))
        self._queue.append(frame)
        if len(self._queue) > _MAX_QUEUED:  # the source's clock is faster than ours
            while len(self._queue) > _CUSHION:
                self._queue.popleft()

    def lose(self) -> None:
        """The source is lost."""
        self._queue.clear()
        self._playing = False

    def next(self) -> av.AudioFrame:
        """The 20 ms that are due now."""
        if not self._playing:
            self._playing = len(self._queue) >= _CUSHION
        if self._playing and self._queue:
            return self._queue.popleft()
        self._playing = False
        return _silence()

    def level(self) -> float:
        """See the class."""
        loudest, self._loudest = self._loudest, 0.0
        return min(1.0, loudest)


class PictureTrack(MediaStreamTrack):
    """The pictures as one session's track, with times of our own clock.

    While `wanted` is not set there is none: the encoder rests.
    """

    kind = "video"

    def __init__(self, pictures: Pictures, wanted: asyncio.Event | None = None) -> None:
        super().__init__()
        self._pictures, self._wanted = pictures, wanted
        self._seen, self._pts = -1, -1
        self._begun: float | None = None

    async def recv(self) -> av.VideoFrame:
        """The next picture."""
        if self._wanted is not None:
            await self._wanted.wait()
        self._seen, picture = await self._pictures.next(self._seen)
        self._pictures.shown += 1
        return self._timed(picture)

    def _timed(self, picture: av.VideoFrame) -> av.VideoFrame:
        now = asyncio.get_running_loop().time()
        if self._begun is None:
            self._begun = now
        self._pts = max(self._pts + 1, round((now - self._begun) * VIDEO_HZ))
        picture.pts, picture.time_base = self._pts, fractions.Fraction(1, VIDEO_HZ)
        return picture


class SmallPictureTrack(PictureTrack):
    """The same pictures for thumbnails: small, and no more than `SMALL_FRAMES_PER_S`. These count
    as shown while the large ones rest (`large` is not set)."""

    def __init__(self, pictures: Pictures, large: asyncio.Event) -> None:
        super().__init__(pictures)
        self._large = large
        self._next_at = 0.0

    async def recv(self) -> av.VideoFrame:
        """The next picture."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_at - loop.time())
        self._next_at = max(loop.time(), self._next_at + 1 / SMALL_FRAMES_PER_S)
        self._seen, picture = await self._pictures.next(self._seen)
        if not self._large.is_set():
            self._pictures.shown += 1
        height = SMALL_WIDTH * picture.height // picture.width // 2 * 2
        return self._timed(picture.reformat(width=SMALL_WIDTH, height=height))


class SoundTrack(MediaStreamTrack):
    """The sound as one session's track; silence while `open_now()` says that it is shut."""

    kind = "audio"

    def __init__(self, sounds: Sounds, open_now: Callable[[], bool]) -> None:
        super().__init__()
        self._sounds, self._open_now = sounds, open_now
        self._begun: float | None = None
        self._count = 0

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, when they are due."""
        now = asyncio.get_running_loop().time()
        if self._begun is None or now - self._begun - self._count * FRAME_S > 1.0:
            self._begun = now - self._count * FRAME_S  # after a pause go on, do not catch up
        await asyncio.sleep(max(0.0, self._begun + self._count * FRAME_S - now))
        frame = self._sounds.next()
        if not self._open_now():
            frame = _silence()
        frame.pts, frame.time_base = self._count * FRAME_SAMPLES, fractions.Fraction(1, AUDIO_HZ)
        self._count += 1
        return frame


@dataclass
class Supplied:
    """What is known of one source, for the status page. `since` is Unix time."""

    name: str
    gives: tuple[Kind, ...]
    flowing: bool
    since: float
    why: str = ""


class AgentMedia:
    """The sources of an agent, read while it runs, and tracks of them for each session.

    Args:
        readers: what to read: a name, what it gives, and how. None of them may give nothing.
        slate: shown while there is no picture.
        wall: Unix time.

    `on_trouble` is told why a source was lost; set it before `start`.
    """

    def __init__(
        self,
        readers: Sequence[tuple[str, frozenset[Kind], FrameSource]],
        slate: av.VideoFrame,
        wall: Callable[[], float],
    ) -> None:
        given = frozenset[Kind]().union(*(gives for _, gives, _ in readers))
        self.pictures = Pictures(slate) if "video" in given else None
        self.sounds = Sounds() if "audio" in given else None
        self.supplied: list[Supplied] = []
        self.on_trouble: Callable[[str], None] = lambda why: None
        self._small = slate.width > SMALL_WIDTH
        self._large_wanted = asyncio.Event()
        self._large_wanted.set()
        self._wall = wall
        self._readers = [self._reader(*one) for one in readers]

    def start(self) -> None:
        """Open all sources; returns at once."""
        for reader in self._readers:
            reader.start()

    def close(self) -> None:
        """Read no more."""
        for reader in self._readers:
            reader.close()

    def flows(self, kind: Kind) -> bool | None:
        """Whether its source brings this; None if no source shall."""
        found = [one.flowing for one in self.supplied if kind in one.gives]
        return all(found) if found else None

    def tracks(self, open_now: Callable[[], bool]) -> list[MediaStreamTrack]:
        """New tracks, the sound first: silent while `open_now()` is False; then the picture, and
        the small one beside it if it is large."""
        found: list[MediaStreamTrack] = []
        if self.sounds is not None:
            found.append(SoundTrack(self.sounds, open_now))
        if self.pictures is not None:
            found.append(PictureTrack(self.pictures, self._large_wanted))
            if self._small:
                found.append(SmallPictureTrack(self.pictures, self._large_wanted))
        self.want([LARGE])
        return found

    def want(self, layers: Sequence[str]) -> None:
        """Somebody watches these layers of the picture: the large one rests while it is not among
        them. Each new set of tracks begins with both."""
        if LARGE in layers or not self._small:
            self._large_wanted.set()
        else:
            self._large_wanted.clear()

    def _reader(self, name: str, gives: frozenset[Kind], frames: FrameSource) -> Reader:
        supplied = Supplied(name, tuple(sorted(gives)), flowing=False, since=self._wall())
        self.supplied.append(supplied)

        def edge(flowing: bool, why: str) -> None:
            supplied.flowing, supplied.why, supplied.since = flowing, why, self._wall()
            if flowing:
                return
            self.on_trouble(f"{name}: {why}")
            if "video" in gives and self.pictures is not None:
                self.pictures.lose()
            if "audio" in gives and self.sounds is not None:
                self.sounds.lose()

        return Reader(name, frames, self._take, edge)

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, av.VideoFrame):
            if self.pictures is not None:
                self.pictures.put(frame)
        elif self.sounds is not None:
            self.sounds.put(frame)


def plan(
    video: Source, audio: Source, size: Size, frames_per_s: int, card: Card
) -> list[tuple[str, frozenset[Kind], FrameSource]]:
    """What to read for these two choices: one reader if they are the same source."""
    wanted: dict[Source, set[Kind]] = {}
    kinds: tuple[tuple[Source, Kind], ...] = ((video, "video"), (audio, "audio"))
    for source, kind in kinds:
        if kind in source.gives:
            wanted.setdefault(source, set()).add(kind)
    return [
        (str(source), frozenset(of), frames_of(source, frozenset(of), size, frames_per_s, card))
        for source, of in wanted.items()
    ]


def slate(label: str, name: str, size: Size) -> av.VideoFrame:
    """The site's name on its colour, without a code: nobody takes it for the room's picture."""
    picture = np.array(cellcode.background(label, name, *size))
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")


def _silence() -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate = AUDIO_HZ
    return frame
