"""The recordings of a conference as they lie on disk: listed, found, deleted.

The media worker writes them; here nothing is trusted but names of the agreed form. Everything
blocks; call it from a thread.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TypeVar

import msgspec

from signaling.conference.state import Conference
from signaling.wire.errors import WireError
from signaling.wire.recordings import (
    MANIFEST,
    Manifest,
    RecordingId,
    Sidecar,
    folder_of,
    is_segment,
    parse_recording,
)
from signaling.wire.rest import RecordingInfo, SegmentInfo

T = TypeVar("T")


def recordings(root: Path, state: Conference) -> list[RecordingInfo]:
    """Every recording of the conference, newest first, the program before its sites."""
    folder = root / state.conference
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = (recording(root, state, name) for name in names)
    return sorted(
        (one for one in found if one is not None),
        key=lambda one: (-one.number, one.site is not None, one.site or ""),
    )


def recording(root: Path, state: Conference, name: str) -> RecordingInfo | None:
    """One of them; None if it is none, was never begun, or is over and holds nothing."""
    parsed = parse_recording(name)
    if parsed is None:
        return None
    number, site = parsed
    folder = folder_of(root, state.conference, RecordingId(name))
    manifest = _read(folder / MANIFEST, Manifest)
    if manifest is None:
        return None
    segments = [one for path in _segments(folder) if (one := _segment(path)) is not None]
    held = state.recording
    runs = held is not None and held.number == number and (site is None or site in held.sites)
    if not runs and not segments:
        return None
    return RecordingInfo(
        recording=name,
        number=number,
        site=site,
        name=manifest.name,
        started_at=manifest.started_at,
        ended_at=None if runs else manifest.ended_at,
        running=runs,
        seconds=sum(one.seconds for one in segments),
        octets=sum(one.octets for one in segments),
        segments=segments,
    )


def segment_path(root: Path, state: Conference, name: str, file: str) -> Path:
    """Where a segment lies. Raises WireError ``not_found``."""
    if parse_recording(name) is not None and is_segment(file):
        path = folder_of(root, state.conference, RecordingId(name)) / file
        if path.is_file() and not path.is_symlink():
            return path
    raise WireError("not_found", f"no file {file[:40]!r} of recording {name[:40]!r}")


def delete(root: Path, state: Conference, name: str) -> None:
    """Remove its files, and its folder if nothing else is in it. Raises OSError."""
    folder = folder_of(root, state.conference, RecordingId(name))
    # the manifest last: while it is there, what is left can be listed and deleted again
    for path in [*_segments(folder), *folder.glob("*.json"), *folder.glob("*.draft")]:
        if path.name != MANIFEST:
            path.unlink(missing_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.mkv") if is_segment(path.name))


def _segment(path: Path) -> SegmentInfo | None:
    sidecar = _read(path.with_suffix(".json"), Sidecar)
    try:
        octets = path.stat().st_size
    except OSError:
        return None
    if sidecar is None:
        return SegmentInfo(path.name, 0.0, 0.0, octets)
    return SegmentInfo(
        path.name,
        sidecar.started_at,
        sidecar.seconds,
        octets,
        sidecar.ended_at,
        sidecar.sha256,
        sidecar.cut,
    )


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None
