"""Who listens to changes of conferences."""

from __future__ import annotations

from signaling.conference.state import Conference


class Heard:
    """Who listens to changes; at each, what the journal has on disk."""

    def __init__(self) -> None:
        self.changes: list[tuple[Conference | None, Conference]] = []

    def __call__(self, before: Conference | None, after: Conference) -> None:
        self.changes.append((before, after))
