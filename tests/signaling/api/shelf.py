"""Recordings as a media worker leaves them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from signaling.wire.ids import ConferenceId
from signaling.wire.recordings import Manifest, RecordingId, Sidecar
from tests.signaling.stage import Stage

DATA = bytes(range(256)) * 40


def stored(
    stage: Stage, conference: ConferenceId, name: str, site: str = "", *, open_end: bool = False
) -> Path:
    """One with a segment that was closed and one that was not."""
    folder = stage.options.data_dir / "recordings" / conference / name
    folder.mkdir(parents=True)
    ended_at = None if open_end else 900.0
    manifest = Manifest(conference, RecordingId(name), "T", site, 100.0, ended_at)
    (folder / "recording.json").write_bytes(msgspec.json.encode(manifest))
    for index, sidecar in (
        ("0001", Sidecar(100.0, ["picture"], 600.0, len(DATA), 700.0, "ab" * 32)),
        ("0002", Sidecar(700.0, ["picture"], 12.5, 100)),
    ):
        (folder / f"{index}.mkv").write_bytes(DATA)
        (folder / f"{index}.json").write_bytes(msgspec.json.encode(sidecar))
    return folder
