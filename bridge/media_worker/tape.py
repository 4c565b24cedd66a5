"""Frames in, pieces of Matroska files out: what a recording is made of. Pure.

Frames of all tracks are held for a moment, so that they lie in the file in the order of their
times; a cluster is written every half second. A file ends after a while, at a keyframe.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.media_worker import matroska
from bridge.media_worker.intake import Received
from bridge.media_worker.matroska import Block, Cue, Head, TrackInfo
from signaling.wire.ids import SlotName, slot_kind

HOLD_S = 0.8
"""Longer than a missing packet is waited for (`reorder.HOLD_S`), so that its picture is in time."""
CLUSTER_S = 0.5
MAX_CLUSTER = 2 * 1024 * 1024
MAX_HELD = 32 * 1024 * 1024
"""Bytes that wait to be written; beyond, frames are dropped to the next keyframe."""
PATIENCE_S = 5.0
"""A file that is long enough waits so long for a keyframe to end at."""
MAX_AHEAD_S = 10.0
"""A frame whose time is so much earlier than what is in the file begins a new one: the clock was
set."""
CUE_EVERY_MS = 1000
PROGRAM = "DiemCau"


@dataclass(frozen=True)
class Begin:
    """A new file, and its first bytes. `started_at` (Unix seconds) is the zero of its times."""

    started_at: float
    tracks: tuple[TrackInfo, ...]
    head: Head


@dataclass(frozen=True)
class Append:
    """Clusters for its end; it lasts `duration_ms` with them."""

    data: bytes
    duration_ms: int


@dataclass(frozen=True)
class End:
    """The file is complete: its index follows the last cluster."""

    cues: tuple[Cue, ...]
    duration_ms: int


Output = Begin | Append | End


@dataclass(order=True)
class _Held:
    at: float
    order: int
    arrived: float = field(compare=False)
    received: Received = field(compare=False)


class Tape:
    """Feed it `put`, carry out what `due` and `close` answer.

    `names` are the tracks by slot, in the file's order; `title` is the file's.
    `wants_keyframe`: a whole picture would do good now, because a file is about to begin.
    `dropped` counts frames that found no room.
    """

    def __init__(self, names: Mapping[SlotName, str], title: str, segment_s: float) -> None:
        self._names = dict(names)
        self._segment_s = segment_s
        self._title = title
        self._order = itertools.count()
        self._held: list[_Held] = []
        self._octets = 0
        self._open: _File | None = None
        self._known: dict[SlotName, TrackInfo] = {}
        self._full = False
        self.wants_keyframe = False
        self.dropped = 0

    def put(self, now: float, received: Received) -> None:
        """A frame has come; `now` is monotonic seconds."""
        if received.slot not in self._names:
            return
        picture = received.codec != "opus"
        if self._octets > MAX_HELD or (self._full and picture and not received.frame.keyframe):
            self._full = True
            self.dropped += 1
            return
        if picture:
            self._full = False
        self._learn(received)
        self._octets += len(received.frame.data)
        heapq.heappush(self._held, _Held(received.at, next(self._order), now, received))

    def due(self, now: float) -> list[Output]:
        """What is to be written now."""
        return self._write(self._ripe(now - HOLD_S))

    def close(self) -> list[Output]:
        """Everything that is left, and the end of the file."""
        outputs = self._write(self._ripe(float("inf")))
        return [*outputs, *self._end()]

    def abandon(self) -> None:
        """What was to be written could not be: the next frame begins a new file."""
        self._open = None
        self._held.clear()
        self._octets = 0
        self.wants_keyframe = True

    def _ripe(self, until: float) -> Iterable[Received]:
        while self._held and self._held[0].arrived <= until:
            held = heapq.heappop(self._held)
            self._octets -= len(held.received.frame.data)
            yield held.received

    def _write(self, ripe: Iterable[Received]) -> list[Output]:
        outputs: list[Output] = []
        for received in ripe:
            if self._open is None or self._is_over(self._open, received):
                outputs += self._end()
                self._open = self._begin(received)
                outputs.append(Begin(self._open.started_at, self._open.tracks, self._open.head))
            outputs += self._open.put(received)
        if self._open is not None:
            outputs += self._open.flush()
        return _joined(outputs)

    def _learn(self, received: Received) -> None:
        """What a track looks like, as of its latest keyframe."""
        frame = received.frame
        if frame.keyframe:
            name = self._names[received.slot]
            self._known[received.slot] = TrackInfo(name, received.codec, frame.size, frame.config)

    def _begin(self, first: Received) -> _File:
        """A file with the tracks that there may be: every position of the floor, and what else
        has been seen. The first keyframe of another track begins a new file."""
        tracks = {
            slot: self._known.get(slot) or TrackInfo(name, "opus")
            for slot, name in self._names.items()
            if slot in self._known or slot_kind(slot) == "floor"
        }
        self.wants_keyframe = first.codec == "opus" or not first.frame.keyframe
        return _File(first.at, tracks, self._title)

    def _is_over(self, file: _File, received: Received) -> bool:
        declared = file.by_slot.get(received.slot)
        key = received.frame.keyframe
        if key and (declared is None or declared[1].codec != received.codec):
            return True
        at_s = received.at - file.started_at
        if at_s < file.duration_ms / 1000 - MAX_AHEAD_S:
            return True
        if at_s < self._segment_s:
            return False
        if received.codec != "opus":
            self.wants_keyframe = self.wants_keyframe or not key
            return key or at_s > self._segment_s + PATIENCE_S
        # without pictures nothing has to be waited for
        return not file.pictures_lately(at_s) or at_s > self._segment_s + PATIENCE_S

    def _end(self) -> list[Output]:
        if self._open is None:
            return []
        file, self._open = self._open, None
        return [*file.flush(), End(tuple(file.cues), file.duration_ms)]


class _File:
    """One file as far as it is decided."""

    def __init__(self, started_at: float, tracks: Mapping[SlotName, TrackInfo], title: str) -> None:
        self.started_at = started_at
        self.tracks = tuple(tracks.values())
        self.by_slot = {
            slot: (number, track) for number, (slot, track) in enumerate(tracks.items(), start=1)
        }
        self.duration_ms = 0
        self.cues: list[Cue] = []
        self._last_ms: dict[int, int] = {}
        self._begun: set[int] = set()
        self._picture_ms = 0
        self._blocks: list[Block] = []
        self._octets = 0
        self.head = matroska.head(self.tracks, started_at, title, PROGRAM)
        self._end_at = len(self.head.data)

    def pictures_lately(self, at_s: float) -> bool:
        """Whether a picture came within the last second."""
        return bool(self._begun) and at_s * 1000 - self._picture_ms < 1000

    def put(self, received: Received) -> list[Output]:
        """Take a frame; a picture's track begins with a keyframe."""
        number, track = self.by_slot.get(received.slot, (0, None))
        picture = received.codec != "opus"
        if track is None or track.codec != received.codec:
            return []
        if picture and number not in self._begun:
            if not received.frame.keyframe:
                return []
            self._begun.add(number)
        at_ms = round((received.at - self.started_at) * 1000)
        at_ms = max(at_ms, self._last_ms.get(number, -1) + 1)
        self._last_ms[number] = at_ms
        if picture:
            self._picture_ms = at_ms
        outputs: list[Output] = []
        if self._blocks and (
            abs(at_ms - self._blocks[0].at_ms) >= CLUSTER_S * 1000 or self._octets > MAX_CLUSTER
        ):
            outputs = self.flush()
        self._blocks.append(Block(at_ms, number, received.frame.keyframe, received.frame.data))
        self._octets += len(received.frame.data)
        self.duration_ms = max(self.duration_ms, at_ms)
        return outputs

    def flush(self) -> list[Output]:
        """The cluster so far."""
        if not self._blocks:
            return []
        blocks, self._blocks, self._octets = self._blocks, [], 0
        self._index(blocks)
        data = matroska.cluster(min(block.at_ms for block in blocks), blocks)
        self._end_at += len(data)
        return [Append(data, self.duration_ms)]

    def _index(self, blocks: Sequence[Block]) -> None:
        pictures = {number for number, track in self.by_slot.values() if track.codec != "opus"}
        wanted = self._begun & pictures or {track.track for track in blocks}
        cue = next((one for one in blocks if one.keyframe and one.track in wanted), None)
        if cue is not None and (not self.cues or cue.at_ms - self.cues[-1].at_ms >= CUE_EVERY_MS):
            self.cues.append(Cue(cue.at_ms, cue.track, self._end_at))


def _joined(outputs: Sequence[Output]) -> list[Output]:
    """Clusters in a row are written at once."""
    joined: list[Output] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if isinstance(output, Append) and isinstance(last, Append):
            joined[-1] = Append(last.data + output.data, output.duration_ms)
        else:
            joined.append(output)
    return joined
