"""The routing tables of all scopes of a node, seen through the floor. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.floors import Floors, Level
from bridge.routes import Origin, Place, Table
from signaling.wire.control import Routes, RoutesHeld, TableVersion
from signaling.wire.ids import Port, Scope


class Tables:
    """Which origin each place receives now: by its scope's table (`bridge.routes`), and where that
    names a position of the floor, whoever holds it (`bridge.floors`)."""

    def __init__(self) -> None:
        self._tables: dict[Scope, Table] = {}
        self._floors = Floors()

    def apply(self, now: float, routes: Routes) -> tuple[RoutesHeld, list[Place]]:
        """Change a scope's table if epoch and base allow it (see `signaling.wire.control`).

        The reply says which table is held now: the one sent if it was applied, else the old one
        ((0, 0) for a scope without a table). With it come the places where that changes anything.
        """
        table = self._table(routes.scope)
        changed = table.apply(routes)
        for origin in self._floors.open(now, routes.scope, table.speakers):
            changed += table.places(origin)
        held = table.version
        return RoutesHeld(routes.request, held.scope, held.epoch, held.revision), changed

    def forget(self, scope: Scope) -> None:
        """No session of this scope is left: forget its table, unless routes wait there for others
        to come. Its epoch goes as well: the next table is obeyed, whoever sends it."""
        table = self._tables.get(scope)
        if table is not None and table.empty:
            del self._tables[scope]
            self._floors.forget(scope)

    def versions(self) -> list[TableVersion]:
        """The version of each scope's table."""
        return [table.version for table in self._tables.values() if table.version.epoch]

    def floor_position(self, scope: Scope, port: Port) -> int | None:
        """Where on the floor the port's microphone is carried now, from 1."""
        return self._floors.position(scope, port)

    def places(self, scope: Scope, origin: Origin) -> list[Place]:
        """Who receives the origin, by a route of its own or by its position on the floor."""
        table = self._table(scope)
        return [place for one in self._floors.origins(scope, origin) for place in table.places(one)]

    def origin(self, scope: Scope, place: Place) -> Origin | None:
        """What the place receives now."""
        return self._floors.behind(scope, self._table(scope).origin(place), place.port)

    def next_deadline(self) -> float | None:
        """When `judge` must be called next; None while every open microphone has a position."""
        return self._floors.next_deadline()

    def judge(self, now: float, level: Level) -> Sequence[tuple[Scope, list[Place]]]:
        """Let the loudest have the floor; returns the places where that changes anything."""
        moved = self._floors.judge(now, level)
        return [(scope, self._table(scope).places(origin)) for scope, origin in moved]

    def _table(self, scope: Scope) -> Table:
        table = self._tables.get(scope)
        if table is None:
            table = self._tables[scope] = Table(scope)
        return table
