"""The routing matrix of a node: packets of sources in, rewritten packets to slots out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.hotpath import Fanout
from bridge.slot import Slot
from bridge.source import Source
from signaling.wire.control import Routes, RoutesHeld, TableVersion
from signaling.wire.ids import Port, Scope, SlotName, Track


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """Send a PLI (RFC 4585 §6.3.1) for `source.ssrc` to the session that publishes `source`."""

    source: Source


Output = KeyframeRequest


class Crosspoint:
    """Which source feeds which slot, over all scopes of a node.

    Routes name ports, not sessions: they may come before either end exists, and wait. A video
    slot starts, and changes its source, at a keyframe, which is asked for; until then the old
    picture goes on (at most `PATIENCE_S`). An audio slot changes at once. A slot without a route,
    or whose source is removed, stops at once.

    `now` is a monotonic clock in seconds, the same in all calls. After each call that returns
    outputs, carry them out and look at `next_deadline` again.
    """

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout

    # sessions come and go

    def add_source(
        self, now: float, scope: Scope, port: Port, track: Track, source: Source
    ) -> Sequence[Output]:
        """Bind `source` as the port's track; from now on it is the one that routes mean.

        A source bound there before flows on in each video slot until this one's first keyframe,
        or until it is removed. Call it when the session is connected and the SSRC known.
        """
        raise NotImplementedError

    def remove_source(self, now: float, source: Source) -> Sequence[Output]:
        """Forget a source whose session ended; unknown ones are ignored. Its slots stop and wait
        for the next one of that port and track."""
        raise NotImplementedError

    def add_slot(
        self, now: float, scope: Scope, port: Port, name: SlotName, slot: Slot
    ) -> Sequence[Output]:
        """Bind a receive stream of a connected session; its route may be waiting already.

        Several slots may share a name (viewers of one port, a reload before the old session has
        closed): each gets the packets.
        """
        raise NotImplementedError

    def remove_slot(self, now: float, slot: Slot) -> Sequence[Output]:
        """Forget a slot whose session ended; unknown ones are ignored. Nothing is sent to it any
        more."""
        raise NotImplementedError

    # routes

    def apply(self, now: float, routes: Routes) -> tuple[RoutesHeld, Sequence[Output]]:
        """Change a scope's table if epoch and base allow it (see `signaling.wire.control`).

        The reply says which table is held now: the one sent if it was applied, else the old one
        ((0, 0) for a scope without a table).
        """
        raise NotImplementedError

    def tables(self) -> list[TableVersion]:
        """The version of each scope's table, for `Hello` and `Stats`."""
        raise NotImplementedError

    def source_of(self, slot: Slot) -> Source | None:
        """What flows into the slot now."""
        raise NotImplementedError

    # packets

    def forward(self, now: float, source: Source, packet: bytes) -> Sequence[Output]:
        """Send an authentic RTP packet of a source on to its slots' legs, before returning.

        Junk, duplicates and packets of unknown sources are dropped (`Source.dropped`).
        """
        raise NotImplementedError

    def request_keyframe(self, now: float, slot: Slot) -> Sequence[Output]:
        """The receiver asked for a keyframe in this slot (PLI or FIR)."""
        raise NotImplementedError

    # time

    def next_deadline(self) -> float | None:
        """When `handle_timeout` must be called next; None: only after another call."""
        raise NotImplementedError

    def handle_timeout(self, now: float) -> Sequence[Output]:
        """Repeat keyframe requests that are due, and stop pictures whose successor never came."""
        raise NotImplementedError
