"""Recordings as they lie on disk: one folder each, a manifest, and segments with a sidecar each.

``{folder}/{conference}/{recording}/recording.json``, ``0001.mkv``, ``0001.json``, ``0002.mkv`` …
The media worker writes them, signaling lists them. A sidecar without `ended_at` belongs to a
segment that is being written, or was cut off when its process died.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NewType

import msgspec

from signaling.wire.ids import ConferenceId, SiteCode

RecordingId = NewType("RecordingId", str)
"""``{number}-{target}``: the number of a start within its conference, and what is recorded."""

RecordingState = Literal["starting", "waiting", "recording", "interrupted"]
"""Not heard of yet; nothing is on air; media is being stored; it should be, and is not."""
RecordingProblem = Literal["no_worker", "disk_low", "disk_full", "write_failed", "not_received"]
"""Why, or what threatens it: no media worker is connected; room gets scarce, or is used up; a file
cannot be written; the bridge cannot be reached."""

PROGRAM = "program"
MANIFEST = "recording.json"
_RECORDING = re.compile(r"([1-9][0-9]{0,5})-(program|[0-9]{2,8})")
_SEGMENT = re.compile(r"[0-9]{4,6}\.mkv")


def recording_id(number: int, target: SiteCode | None) -> RecordingId:
    """Of the start `number` (from 1) of a conference: its program, or one site as routed."""
    return RecordingId(f"{number}-{target or PROGRAM}")


def parse_recording(text: str) -> tuple[int, SiteCode | None] | None:
    """Number and site (None: the program) of a recording's id; None if it is none."""
    found = _RECORDING.fullmatch(text)
    if found is None:
        return None
    number, target = found.groups()
    return int(number), None if target == PROGRAM else SiteCode(target)


def is_segment(name: str) -> bool:
    """Whether a file name is that of a segment; anything else is never opened."""
    return _SEGMENT.fullmatch(name) is not None


def segment_name(index: int) -> str:
    """``0001.mkv`` for the first; `index` counts from 1."""
    return f"{index:04d}.mkv"


def folder_of(root: Path, conference: str, recording: RecordingId) -> Path:
    """Where a recording lies.

    Raises:
        ValueError: an id that could lead elsewhere.
    """
    safe = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", conference)
    if safe is None or parse_recording(recording) is None:
        raise ValueError(f"{conference[:80]!r}, {recording[:80]!r}: no folder has such a name")
    return root / conference / recording


class RecordingRow(msgspec.Struct, frozen=True, tag="recording", tag_field="row"):
    """Key ``recording``; there is none while nothing is recorded. Everybody in it must know.

    `sites` are recorded each by itself beside the program; a site's page is told of its own only.
    `problem` is for those who see all sites.
    """

    since: float
    state: RecordingState
    sites: tuple[SiteCode, ...] = ()
    problem: RecordingProblem | None = None


class Manifest(msgspec.Struct, frozen=True):
    """``recording.json``. Times are Unix seconds; `ended_at` None: not stopped yet."""

    conference: ConferenceId
    recording: RecordingId
    title: str
    name: str
    started_at: float
    ended_at: float | None = None


class Sidecar(msgspec.Struct, frozen=True):
    """Beside each segment. `seconds` and `octets` are of the file as it was when this was written.

    `ended_at`, `sha256`: None until the segment is closed. `cut`: its process died while it was
    written; it was closed afterwards, and all of it can be played. `tracks` name what is in it,
    in the file's order.
    """

    started_at: float
    tracks: list[str]
    seconds: float = 0.0
    octets: int = 0
    ended_at: float | None = None
    sha256: str | None = None
    cut: bool = False
    lost: int = 0
    skipped: int = 0
