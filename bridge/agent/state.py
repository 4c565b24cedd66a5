"""Who an agent is: its device cookie, kept over restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path


class StateFile:
    """The device cookies of links, by page address, as JSON readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, page: str) -> str | None:
        """The cookie kept for this page; None if there is none or the file cannot be read."""
        cookie = self._read().get(page)
        return cookie if isinstance(cookie, str) else None

    def store(self, page: str, cookie: str) -> None:
        """Keep it. Raises OSError."""
        known = self._read() | {page: cookie}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(known, file)
        fresh.replace(self._path)

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
