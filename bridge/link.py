"""The control link's states: when to dial signaling, and when a failure is worth a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LinkState = Literal["down", "dialling", "up"]

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 1.0
"""A restart of signaling takes seconds; the node must be back at once."""
REFUSED_DELAY_S = 5.0
"""After a refused token: someone has to repair it, and nothing is gained by haste."""
STEADY_AFTER_S = 5.0
"""A link that stood so long was a good one: the next failure starts with short delays again."""


@dataclass(frozen=True)
class Opened:
    """The WebSocket stands."""


@dataclass(frozen=True)
class Ended:
    """It could not be opened, or it closed. `refused`: signaling does not take our token."""

    reason: str
    refused: bool = False


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


LinkEvent = Opened | Ended | Tick


@dataclass(frozen=True)
class Dial:
    """Try to open the WebSocket; report `Opened` or `Ended`."""


@dataclass(frozen=True)
class WentUp:
    """An edge: the link stands, after so many seconds without one."""

    down_s: float


@dataclass(frozen=True)
class WentDown:
    """An edge: there is no link, and why; comes once, however often dialling fails after it."""

    reason: str
    refused: bool


LinkOutput = Dial | WentUp | WentDown


class ControlLink:
    """Dials for ever, with delays that double from `FIRST_DELAY_S` to `MAX_DELAY_S`.

    It begins by dialling: call `handle` with `Tick` once, then whenever `next_deadline` says.
    """

    def __init__(self, now: float) -> None:
        self.state: LinkState = "down"
        self._dial_at = now
        self._delay_s = FIRST_DELAY_S
        self._since = now
        self._told_down = False
        self._told_refused = False

    def handle(self, now: float, event: LinkEvent) -> list[LinkOutput]:
        """Feed an event; carry out the outputs in order."""
        match event:
            case Opened():
                return self._opened(now)
            case Ended(reason, refused):
                return self._ended(now, reason, refused)
            case Tick():
                if self.state == "down" and now >= self._dial_at:
                    self.state = "dialling"
                    return [Dial()]
                return []

    def next_deadline(self) -> float | None:
        """When to dial; None while dialling or up."""
        return self._dial_at if self.state == "down" else None

    def _opened(self, now: float) -> list[LinkOutput]:
        down_s, self.state, self._since = now - self._since, "up", now
        self._told_down = self._told_refused = False
        return [WentUp(down_s)]

    def _ended(self, now: float, reason: str, refused: bool) -> list[LinkOutput]:
        if self.state == "up":
            if now >= self._since + STEADY_AFTER_S:
                self._delay_s = FIRST_DELAY_S
            self._since = now
        self.state = "down"
        self._dial_at = now + (REFUSED_DELAY_S if refused else self._delay_s)
        self._delay_s = min(self._delay_s * 2, MAX_DELAY_S)
        if self._told_down and (self._told_refused or not refused):
            return []
        self._told_down, self._told_refused = True, refused
        return [WentDown(reason, refused)]
