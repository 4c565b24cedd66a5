"""Who watches the program beside the recorder, and what the files show afterwards."""

from __future__ import annotations

import asyncio
import bisect
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import msgspec
import numpy as np

from bridge.endpoint import cellcode
from bridge.endpoint.senses import Eye, sound
from bridge.endpoint.watcher import Watcher
from bridge.endpoint.wheel import Wheel
from signaling.wire.ids import SlotName
from signaling.wire.recordings import Sidecar


class Witness:
    """Notes when each picture of a slot came: (label, frame counter) → Unix times."""

    def __init__(self, watcher: Watcher, slot: SlotName, wheel: Wheel) -> None:
        self.seen: dict[tuple[str, int], list[float]] = {}
        self._eye = Eye()
        self._wheel = wheel
        watcher.inlets[slot].listeners.append(self._listen)

    def _listen(self, now: float, packet: bytes) -> None:
        arrived = time.time() - (asyncio.get_running_loop().time() - now)
        self._wheel.defer(lambda: self._look(arrived, packet))

    def _look(self, arrived: float, packet: bytes) -> None:
        sighting = self._eye.look(packet)
        if sighting is not None and sighting.label is not None and sighting.counter is not None:
            self.seen.setdefault((sighting.label, sighting.counter), []).append(arrived)

    def nearest(self, label: str, counter: int, at: float) -> float | None:
        """When it saw this picture, next to `at`; None if it never did."""
        times = self.seen.get((label, counter), [])
        place = bisect.bisect(times, at)
        near = times[max(0, place - 1) : place + 1]
        return min(near, key=lambda one: abs(one - at), default=None)


@dataclass(frozen=True)
class Shown:
    """One decoded picture of a file: when it was (Unix seconds), what it shows, how wide it is."""

    at: float
    label: str | None
    counter: int | None
    width: int


@dataclass
class File:
    """One segment with its sidecar, decoded on demand."""

    path: Path
    sidecar: Sidecar = field(init=False)

    def __post_init__(self) -> None:
        self.sidecar = msgspec.json.decode(
            self.path.with_suffix(".json").read_bytes(), type=Sidecar
        )

    @property
    def ends_at(self) -> float:
        """When its last frame was."""
        return self.sidecar.started_at + self.sidecar.seconds

    def pictures(self) -> list[Shown]:
        """Every picture in it; raises if one cannot be decoded."""
        shown = []
        with av.open(self.path) as container:
            for frame in container.decode(video=0):
                grey = np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
                label, counter = cellcode.read(grey) or (None, None)
                assert frame.time is not None
                at = self.sidecar.started_at + frame.time
                shown.append(Shown(at, label, counter, frame.width))
        return shown

    def packets(self) -> dict[str, list[float]]:
        """Times of all packets by track, seconds since its begin."""
        names = self.sidecar.tracks
        found: dict[str, list[float]] = {name: [] for name in names}
        with av.open(self.path) as container:
            for packet in container.demux():
                if packet.size and packet.pts is not None:
                    at = float(packet.pts * packet.time_base)
                    found[names[packet.stream.index]].append(at)
        return found

    def tones(self, track: str, span_s: float = 0.4) -> list[tuple[float, float]]:
        """(Unix time, Hz) of each span of a track of sound in which one tone sounds."""
        parts: dict[int, list[np.ndarray]] = {}
        index = [name for name in self.sidecar.tracks if name.startswith("sound")].index(track)
        with av.open(self.path) as container:
            for frame in container.decode(audio=index):
                samples = frame.to_ndarray().astype(np.float32)
                assert frame.time is not None
                parts.setdefault(int(frame.time / span_s), []).append(samples.mean(axis=0))
        found = []
        for number, samples in sorted(parts.items()):
            heard = sound(np.concatenate(samples))
            if heard.tone_hz is not None:
                found.append((self.sidecar.started_at + number * span_s, heard.tone_hz))
        return found

    def decodes_elsewhere(self) -> str:
        """What FFmpeg has to complain about when it decodes everything; nothing, if all is well."""
        shown = subprocess.run(
            [
                *("ffmpeg", "-v", "warning", "-xerror", "-i", self.path, "-map", "0"),
                # times as they are in the file, not on the raster of a guessed frame rate
                *("-fps_mode", "passthrough", "-enc_time_base:v", "1/1000", "-f", "null", "-"),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return shown.stderr if shown.returncode == 0 else f"{shown.returncode}: {shown.stderr}"


def files(folder: Path) -> list[File]:
    """A recording's segments, in order."""
    return [File(path) for path in sorted(folder.glob("*.mkv"))]
