"""Recordings on disk: segments with their sidecars, a manifest, and repair of what was cut off.

Everything here blocks; call it from a thread. A segment is locked while it is written, so that
nobody repairs it meanwhile, and unlocked by the system if its writer dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from bridge.media_worker import matroska
from bridge.media_worker.tape import Append, Begin, End
from signaling.wire.recordings import MANIFEST, Manifest, Sidecar, is_segment, segment_name

log = structlog.get_logger("worker.store")

EMPTY_S = 0.1
"""In what is shorter nobody could see or hear anything: it was stopped as it began."""

_CHUNK = 1024 * 1024


class Segment:
    """One file that is being written.

    Raises OSError from everything: no room, no right, a broken disk.
    """

    def __init__(self, folder: Path, begin: Begin) -> None:
        self.path = folder / segment_name(_next_index(folder))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._head = begin.head
        self.octets = 0
        self.sidecar = Sidecar(begin.started_at, [track.name for track in begin.tracks])
        try:
            self._append(begin.head.data)
            write_atomically(_sidecar_path(self.path), self.sidecar)
        except OSError:
            self.abandon()
            raise

    @property
    def seconds(self) -> float:
        """How long it lasts so far."""
        return self.sidecar.seconds

    def append(self, append: Append) -> None:
        """Clusters for its end. They are with the system at once, on the disk after `sync`."""
        self._append(append.data)
        self._patch(self._head.duration_at, matroska.duration_field(append.duration_ms))
        self.sidecar = msgspec.structs.replace(
            self.sidecar, seconds=append.duration_ms / 1000, octets=self.octets
        )

    def sync(self) -> None:
        """Have everything so far on the disk."""
        os.fdatasync(self._file.fileno())
        write_atomically(_sidecar_path(self.path), self.sidecar)

    def end(self, end: End, lost: int, skipped: int) -> Sidecar:
        """Write its index and close it; returns its last sidecar."""
        _finish(self._file.fileno(), self._head, list(end.cues), self.octets, end.duration_ms)
        self.sidecar = _closed(self._file.fileno(), self.sidecar, end.duration_ms, lost, skipped)
        write_atomically(_sidecar_path(self.path), self.sidecar)
        self.abandon()
        return self.sidecar

    def abandon(self) -> None:
        """Let go of it as it is; `repair` can close it later. Repeatable, never raises."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file.fileno(), view, self.octets)
            self.octets += written
            view = view[written:]

    def _patch(self, at: int, data: bytes) -> None:
        os.pwrite(self._file.fileno(), data, at)


class Totals(msgspec.Struct, frozen=True):
    """What lies in a recording's folder, closed segments only."""

    octets: int = 0
    seconds: float = 0.0
    segments: int = 0

    def plus(self, sidecar: Sidecar) -> Totals:
        """With one more."""
        return Totals(
            self.octets + sidecar.octets, self.seconds + sidecar.seconds, self.segments + 1
        )


def begin_recording(folder: Path, manifest: Manifest) -> Totals:
    """Make or find a recording's folder, repair what is in it, and say what it holds. One that was
    begun before goes on, with the time of its first begin. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = read_manifest(folder)
    if known is not None:
        manifest = msgspec.structs.replace(manifest, started_at=known.started_at)
    write_atomically(folder / MANIFEST, manifest)
    totals = Totals()
    for path in segments_of(folder):
        sidecar = repair(path)
        if sidecar is not None:
            totals = totals.plus(sidecar)
    return totals


def end_recording(folder: Path, ended_at: float) -> bool:
    """Note that it is over; returns whether it was empty, and is gone. Raises OSError."""
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    if not _is_empty(folder):
        write_atomically(folder / MANIFEST, msgspec.structs.replace(manifest, ended_at=ended_at))
        return False
    for path in segments_of(folder):
        path.unlink()
        _sidecar_path(path).unlink()
    (folder / MANIFEST).unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()
    return True


def _is_empty(folder: Path) -> bool:
    """Whether it holds less than `EMPTY_S`; one with a segment of unknown length does not."""
    sidecars = [read_sidecar(path) for path in segments_of(folder)]
    closed = [one for one in sidecars if one is not None and one.ended_at is not None]
    return len(closed) == len(sidecars) and sum(one.seconds for one in closed) < EMPTY_S


def repair_all(root: Path) -> int:
    """Close every segment whose writer has died; returns how many. Never raises."""
    count = 0
    for path in sorted(root.glob("*/*/*.mkv")):
        try:
            before = read_sidecar(path)
            if is_segment(path.name) and (before is None or before.ended_at is None):
                count += repair(path) is not None
        except OSError as error:
            log.error("segment not repaired", file=str(path), reason=str(error))
    return count


def repair(path: Path) -> Sidecar | None:
    """The sidecar of a segment, closed now if its writer died: cut to its last whole cluster, with
    an index. None if it is still being written, or nothing of it can be used. Raises OSError."""
    sidecar = read_sidecar(path)
    if sidecar is not None and sidecar.ended_at is not None:
        return sidecar
    with path.open("r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        found = matroska.scan(file, path.stat().st_size)
        if found is None:
            log.warning("segment is not one of ours", file=str(path), next_step="left as it is")
            return None
        if not found.closed and found.end == len(found.begin.data):
            # not one cluster was written: nothing can be lost
            path.unlink()
            _sidecar_path(path).unlink(missing_ok=True)
            return None
        if not found.closed:
            file.truncate(found.end)
            _finish(file.fileno(), found.begin, found.cues, found.end, found.duration_ms)
        sidecar = sidecar or Sidecar(path.stat().st_mtime - found.duration_ms / 1000, [])
        closed = _closed(file.fileno(), sidecar, found.duration_ms, sidecar.lost, sidecar.skipped)
        closed = msgspec.structs.replace(closed, cut=not found.closed)
        write_atomically(_sidecar_path(path), closed)
    log.info("segment repaired", file=str(path), seconds=closed.seconds, octets=closed.octets)
    return closed


def segments_of(folder: Path) -> Iterator[Path]:
    """A recording's segments, in order."""
    yield from sorted(path for path in folder.glob("*.mkv") if is_segment(path.name))


def read_manifest(folder: Path) -> Manifest | None:
    """None if there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def read_sidecar(path: Path) -> Sidecar | None:
    """Of the segment at `path`; None if there is none, or none that can be read."""
    try:
        return msgspec.json.decode(_sidecar_path(path).read_bytes(), type=Sidecar)
    except (OSError, msgspec.DecodeError):
        return None


def write_atomically(path: Path, content: msgspec.Struct) -> None:
    """Replace a small file: it is the old or the new one, whatever happens. Raises OSError."""
    draft = path.with_name(f"{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _finish(
    descriptor: int, begin: matroska.Head, cues: list[matroska.Cue], end: int, duration_ms: int
) -> None:
    index = matroska.cues(cues, begin.segment_data_at) if cues else b""
    if index:
        os.pwrite(descriptor, index, end)
    fields = (
        (begin.duration_at, matroska.duration_field(duration_ms)),
        (begin.seek_at, matroska.seek_field(begin, end if index else None)),
        # the last: it says that all the others are right
        (
            begin.segment_size_at,
            matroska.segment_size_field(end + len(index) - begin.segment_data_at),
        ),
    )
    for at, data in fields:
        os.pwrite(descriptor, data, at)
    os.fsync(descriptor)


def _closed(
    descriptor: int, sidecar: Sidecar, duration_ms: int, lost: int, skipped: int
) -> Sidecar:
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(descriptor, _CHUNK, at):
        digest.update(chunk)
        at += len(chunk)
    return msgspec.structs.replace(
        sidecar,
        seconds=duration_ms / 1000,
        octets=at,
        ended_at=sidecar.started_at + duration_ms / 1000,
        sha256=digest.hexdigest(),
        lost=lost,
        skipped=skipped,
    )


def _next_index(folder: Path) -> int:
    return max((int(path.stem) for path in segments_of(folder)), default=0) + 1


def _sidecar_path(path: Path) -> Path:
    return path.with_suffix(".json")
