"""The floors of all scopes of a node: routes from a position lead to whoever holds it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.routes import Origin
from bridge.speakers import Speakers
from signaling.wire.ids import Port, Scope
from signaling.wire.ports import floor_port, floor_position, heard_by

Level = Callable[[float, Scope, Port], float]
"""How loud a port's microphone is now, dBov (`bridge.speakers.loudness_of`)."""


class Floors:
    """The positions of each scope (`Speakers`), in the words of the routing table: what moves are
    the virtual origins whose holder has changed."""

    def __init__(self) -> None:
        self._scopes: dict[Scope, Speakers] = {}

    def open(self, now: float, scope: Scope, speakers: Sequence[Port]) -> list[Origin]:
        """These microphones of the scope are open now, all of them, by time of opening."""
        if scope not in self._scopes:
            self._scopes[scope] = Speakers()
        return _origins(self._scopes[scope].open(now, speakers))

    def forget(self, scope: Scope) -> None:
        """Nobody of this scope is here any more."""
        self._scopes.pop(scope, None)

    def position(self, scope: Scope, port: Port) -> int | None:
        """Where the port's microphone is carried, from 1."""
        speakers = self._scopes.get(scope)
        return speakers.position(port) if speakers else None

    def behind(self, scope: Scope, origin: Origin | None, listener: Port) -> Origin | None:
        """What a route from `origin` carries to `listener`: of a position its holder, but nobody
        hears itself, in a mix either."""
        position = None if origin is None else floor_position(origin.port)
        if origin is None or position is None:
            return origin
        speakers = self._scopes.get(scope)
        holder = speakers.holder(position) if speakers else None
        return None if holder in (None, heard_by(listener)) else Origin(holder, origin.track)

    def origins(self, scope: Scope, origin: Origin) -> list[Origin]:
        """What routes may call this origin: by itself, and its position."""
        position = self.position(scope, origin.port) if origin.track == "mic" else None
        return [origin] if position is None else [origin, *_origins([position])]

    def next_deadline(self) -> float | None:
        """When `judge` must be called next; None while everybody has a position."""
        due = [speakers.next_deadline() for speakers in self._scopes.values()]
        return min((at for at in due if at is not None), default=None)

    def judge(self, now: float, level: Level) -> list[tuple[Scope, Origin]]:
        """Let the loudest have the positions where they are scarce."""
        moved = []
        for scope, speakers in self._scopes.items():
            due = speakers.next_deadline()
            if due is not None and due <= now:
                positions = speakers.judge(now, _in(now, scope, level))
                moved += [(scope, origin) for origin in _origins(positions)]
        return moved


def _origins(positions: Sequence[int]) -> list[Origin]:
    return [Origin(floor_port(position), "mic") for position in positions]


def _in(now: float, scope: Scope, level: Level) -> Callable[[Port], float]:
    return lambda port: level(now, scope, port)
