"""``run.json`` in the data directory: what runs there, for tools that want to find it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "run.json"


@dataclass(frozen=True, slots=True)
class Run:
    """A running service: process ids of ``up`` and its parts; `url` is the address
    in its links, `local_url` the one from this machine."""

    url: str
    local_url: str
    pids: Mapping[str, int]


def write_run(data_dir: Path, run: Run) -> None:
    """Replace the file at once, readable by its owner only."""
    path = data_dir / NAME
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": run.url, "local_url": run.local_url, "pids": dict(run.pids)}, file)
    draft.replace(path)


def read_run(data_dir: Path) -> Run | None:
    """What runs there; None when nothing does (a file that a dead process left counts as none)."""
    try:
        told = json.loads((data_dir / NAME).read_text(encoding="utf-8"))
        pids = {str(name): int(pid) for name, pid in told["pids"].items()}
        run = Run(str(told["url"]), str(told["local_url"]), pids)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return run if "up" in run.pids and is_alive(run.pids["up"]) else None


def remove_run(data_dir: Path) -> None:
    """Nothing runs there any more."""
    with contextlib.suppress(OSError):
        (data_dir / NAME).unlink()


def is_alive(pid: int) -> bool:
    """Whether there is a process with this id, ours or not, that has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and only waits for its parent to notice (proc(5), field 3 of stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]
