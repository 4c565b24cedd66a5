"""The per-packet fan-out, alone: one packet in, one rewritten packet to each slot's leg.

Chosen at start behind the `Fanout` protocol; every implementation passes the same tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.slot import Slot
    from bridge.source import Packet


class Leg(Protocol):
    """One receiver's transport: protects and sends what its slots are given."""

    def send_rtp(self, packet: bytes, /) -> None:
        """Protect a plain RTP packet and send it without waiting.

        Called from inside `Crosspoint.forward`, so it must not call back into the crosspoint:
        note the failure and close the session later. Whatever it raises is counted in
        `Slot.failures`, and the other legs still get theirs.
        """


class Fanout(Protocol):
    """Hands one packet to many slots."""

    def forward(self, packet: Packet, slots: Sequence[Slot]) -> None:
        """Rewrite `packet` for each slot and send it on its leg; never raises."""


class PythonFanout:
    """The plain twin: correct everywhere, about a microsecond for each packet and slot."""

    def forward(self, packet: Packet, slots: Sequence[Slot]) -> None:
        """See `Fanout.forward`."""
        raise NotImplementedError
