"""One node's routing table of one scope: what it should hold, and what it is known to hold. Pure.

At most one update is under way. A difference is sent on top of a table that the node has confirmed;
whenever there is doubt – a first contact, a lost reply, a report that does not match – the whole
table is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from signaling.routing import Crosspoint, Source
from signaling.wire.control import Dropped, Route, Routes
from signaling.wire.ids import Port, Scope

Table = Mapping[Crosspoint, Source]


class RouteTable:
    """Feed it `want`, `answered`, `failed` and `reported`; send what `update` returns."""

    def __init__(self, scope: Scope, epoch: int, *, held_before: bool) -> None:
        """`held_before`: the node already holds some table of this scope, of whatever epoch."""
        self.scope = scope
        self.epoch = epoch
        self.revision = 0
        self.outranked_by: int | None = None
        self._wanted: dict[Crosspoint, Source] = {}
        self._sent: dict[Crosspoint, Source] = {}
        self._speakers: tuple[Port, ...] = ()
        self._speakers_sent: tuple[Port, ...] = ()
        self._doubtful = held_before
        self._under_way = False

    @property
    def size(self) -> int:
        """Crosspoints that are wanted."""
        return len(self._wanted)

    @property
    def idle(self) -> bool:
        """Whether the node should hold nothing, and nothing else is under way to it."""
        return not (self._under_way or self._wanted or self._speakers)

    def want(self, table: Table, speakers: tuple[Port, ...] = ()) -> None:
        """From now on the node should hold this table, and have these microphones open."""
        self._wanted, self._speakers = dict(table), speakers

    def update(self, request: int) -> Routes | None:
        """The message to send now, None if there is none; `answered` or `failed` must follow."""
        held = (self._sent, self._speakers_sent)
        if self._under_way or not (self._doubtful or held != (self._wanted, self._speakers)):
            return None
        base = None if self._doubtful or self.revision == 0 else self.revision
        before: Table = self._sent if base is not None else {}
        self.revision += 1
        self._sent, self._speakers_sent = self._wanted, self._speakers
        self._under_way = True
        self._doubtful = False
        return Routes(
            request=request,
            scope=self.scope,
            epoch=self.epoch,
            revision=self.revision,
            base=base,
            put=[
                Route(port, slot, source, track)
                for (port, slot), (source, track) in self._wanted.items()
                if before.get((port, slot)) != (source, track)
            ],
            drop=[Dropped(*crosspoint) for crosspoint in before if crosspoint not in self._wanted],
            speakers=list(self._speakers),
        )

    def answered(self, epoch: int, revision: int) -> None:
        """The node says what it holds now, in reply to an update."""
        self._under_way = False
        self._compare(epoch, revision)

    def failed(self) -> None:
        """No reply came, or a refusal: nobody knows what the node holds."""
        self._under_way = False
        self._doubtful = True

    def reported(self, held: tuple[int, int] | None) -> None:
        """A report says which (epoch, revision) the node holds; None: no table of this scope."""
        if self._under_way:
            return
        if held is None:
            self._doubtful = self._doubtful or self.revision > 0
        else:
            self._compare(*held)

    def _compare(self, epoch: int, revision: int) -> None:
        if epoch > self.epoch:
            self.outranked_by = epoch
        elif (epoch, revision) != (self.epoch, self.revision):
            self._doubtful = True
