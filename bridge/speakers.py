"""Who of a scope's open microphones is carried: four positions, and the loudest in them. Pure.

While there are as many positions as open microphones, nobody moves: a position is kept as long as
the microphone is open. With more, those who speak displace those who are silent, and the louder
the softer, with hysteresis, so that a voice is never cut for a cough or by its own pauses.

Levels are what the clients state (RFC 6464). One that lies gains at most one position, among
microphones that the operator has opened; whose they are and who hears them is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bridge.loudness import QUIET_DBOV, VOICE_DBOV, Loudness
from signaling.wire.ids import Port
from signaling.wire.ports import FLOOR_POSITIONS

JUDGE_S = 0.1
"""How often levels are compared while more microphones are open than there are positions."""
HOLD_S = 1.0
"""A holder that has not been heard for so long gives way to anybody who speaks."""
MARGIN_DB = 6.0
"""By how much a newcomer must be louder than a holder that speaks …"""
SUSTAIN_S = 0.4
"""… and for how long."""
CEILING_DBOV = -20.0
"""Nobody counts as louder: shouting, or stating 0 dBov, wins over no clear voice."""
UNKNOWN_DBOV = -45.0
"""What a microphone counts as whose packets do not say: a soft voice that never pauses."""

_FALL_DB_PER_S = 10.0
"""Pauses between words do not make a voice soft."""


def loudness_of(now: float, loudness: Loudness | None) -> float:
    """What a microphone counts as, dBov; None is one of which nothing has come."""
    if loudness is None or not loudness.comes(now) or loudness.may_yet_state(now):
        return QUIET_DBOV
    return min(loudness.smoothed, CEILING_DBOV) if loudness.stated(now) else UNKNOWN_DBOV


class Speakers:
    """The positions of one scope. All methods that may change them return the positions (from 1)
    that have changed hands."""

    def __init__(self) -> None:
        self._open: tuple[Port, ...] = ()
        self._holders: list[Port | None] = [None] * FLOOR_POSITIONS
        self._judged_at = 0.0
        self._judge_at: float | None = None
        # of open microphones: when it was last heard, how loud of late, since when louder than the
        # softest holder
        self._heard_at: dict[Port, float] = {}
        self._loud: dict[Port, float] = {}
        self._louder_since: dict[Port, float] = {}

    def holder(self, position: int) -> Port | None:
        """Whose microphone the position carries; nobody's outside 1–4."""
        return self._holders[position - 1] if 1 <= position <= FLOOR_POSITIONS else None

    def position(self, port: Port) -> int | None:
        """Where the port's microphone is carried."""
        return self._holders.index(port) + 1 if port in self._holders else None

    def open(self, now: float, ports: Sequence[Port]) -> list[int]:
        """From now on these microphones are open, all of them, by time of opening.

        Shut ones lose their position at once; free ones go to who was heard last, else to who was
        opened first.
        """
        ports = tuple(dict.fromkeys(ports))
        if ports == self._open:
            return []
        before = list(self._holders)
        self._open = ports
        still = frozenset(ports)
        self._holders = [one if one in still else None for one in before]
        for noted in (self._heard_at, self._loud, self._louder_since):
            for gone in noted.keys() - still:
                del noted[gone]
        held = frozenset(self._holders)
        waiting = [one for one in ports if one not in held]
        waiting.sort(key=self._heard, reverse=True)
        for index, holder in enumerate(self._holders):
            if holder is None and waiting:
                self._holders[index] = waiting.pop(0)
        if not waiting:
            self._judge_at = None
        elif self._judge_at is None:
            self._judged_at, self._judge_at = now, now + JUDGE_S
        return self._changed(before)

    def next_deadline(self) -> float | None:
        """When `judge` must be called next; None while there is a position for everybody."""
        return self._judge_at

    def judge(self, now: float, level: Callable[[Port], float]) -> list[int]:
        """Compare how loud they are (`level` of a port, dBov); nothing while nobody waits."""
        if self._judge_at is None:
            return []
        self._judge_at = now + JUDGE_S
        before = list(self._holders)
        self._listen(now, level)
        speaking = [
            port
            for port in self._open
            if port not in self._holders and self._heard_at.get(port) == now
        ]
        for port in self._louder_since.keys() - frozenset(speaking):
            del self._louder_since[port]
        for port in sorted(speaking, key=lambda port: -self._loud[port]):
            index = self._gives_way(now, port)
            if index is not None:
                self._holders[index] = port
                self._louder_since.pop(port, None)
        return self._changed(before)

    def _listen(self, now: float, level: Callable[[Port], float]) -> None:
        fall = _FALL_DB_PER_S * (now - self._judged_at)
        self._judged_at = now
        for port in self._open:
            loud = level(port)
            if loud >= VOICE_DBOV:
                self._heard_at[port] = now
            self._loud[port] = max(loud, self._loud.get(port, QUIET_DBOV) - fall)

    def _gives_way(self, now: float, newcomer: Port) -> int | None:
        """The position that the newcomer takes now, if any does."""
        holders = [port for port in self._holders if port is not None]
        last = min(holders, key=self._heard)
        if now - self._heard(last) > HOLD_S:
            return self._holders.index(last)
        softest = min(holders, key=lambda port: self._loud[port])
        if self._loud[newcomer] < self._loud[softest] + MARGIN_DB:
            self._louder_since.pop(newcomer, None)
            return None
        since = self._louder_since.setdefault(newcomer, now)
        return self._holders.index(softest) if now - since >= SUSTAIN_S else None

    def _heard(self, port: Port) -> float:
        return self._heard_at.get(port, -math.inf)

    def _changed(self, before: Sequence[Port | None]) -> list[int]:
        pairs = zip(before, self._holders, strict=True)
        return [position for position, (old, new) in enumerate(pairs, start=1) if old != new]
