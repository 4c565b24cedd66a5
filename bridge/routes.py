"""A scope's routing table as the node holds it, and which change of it is obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from signaling.wire.control import Routes, TableVersion
from signaling.wire.ids import Port, Scope, SlotName, Track


class Place(NamedTuple):
    """A slot of a port, whether or not a session offers it now."""

    port: Port
    slot: SlotName


class Origin(NamedTuple):
    """A track of a port, whether or not a session publishes it now."""

    port: Port
    track: Track


class Table:
    """Which origin each place of one scope receives, and whose microphones are open (`speakers`, by
    time of opening)."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._epoch = 0
        self._revision = 0
        self._origins: dict[Place, Origin] = {}
        self.speakers: Sequence[Port] = ()

    @property
    def version(self) -> TableVersion:
        """Which table this is; (0, 0) before the first."""
        return TableVersion(self._scope, self._epoch, self._revision)

    @property
    def empty(self) -> bool:
        """Whether it says nothing: no route, no open microphone."""
        return not self._origins and not self.speakers

    def origin(self, place: Place) -> Origin | None:
        """What the place shall receive."""
        return self._origins.get(place)

    def places(self, origin: Origin) -> list[Place]:
        """Who shall receive the origin."""
        return [place for place, wanted in self._origins.items() if wanted == origin]

    def apply(self, routes: Routes) -> list[Place]:
        """Obey, if epoch and base allow it; returns the places whose origin changed.

        "An older epoch is refused; the same epoch with a matching base is applied as a
        difference"; a whole table (no base) of this or a newer epoch replaces this one. Where one
        message drops and puts a place, the put stands.
        """
        if routes.epoch < self._epoch:
            return []
        if routes.base is None:
            after: dict[Place, Origin] = {}
        elif (routes.epoch, routes.base) == (self._epoch, self._revision):
            after = dict(self._origins)
        else:
            return []
        for dropped in routes.drop:
            after.pop(Place(dropped.port, dropped.slot), None)
        for route in routes.put:
            after[Place(route.port, route.slot)] = Origin(route.source, route.track)
        before, self._origins = self._origins, after
        self._epoch, self._revision = routes.epoch, routes.revision
        self.speakers = tuple(routes.speakers)
        return [
            place for place in before.keys() | after.keys() if before.get(place) != after.get(place)
        ]
