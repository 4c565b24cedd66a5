"""Spreads bursts: how many octets of pictures may leave now, over one link and over all of them.

A keyframe of 45 kB to 63 receivers is 2.8 MB at once: more than a receiver's link and the queues
on the way take without loss. Outside bursts nothing waits. Sound and retransmissions are not asked
about here; they go first. The compiled packet path holds a copy of these two machines in C, which
the property test of `hotpath` keeps equal.
"""

from __future__ import annotations

BURST_OCTETS = 15_600
"""What one link takes at once: a delta picture of 1.2 Mbit/s at ten pictures a second."""
LINK_OCTETS_PER_S = 5_000_000.0
"""A link's pace until the receiver's own is known: 40 Mbit/s."""
MAX_WAIT_S = 0.025
"""Nothing waits longer, whatever the pace: a link that is too slow for its source needs another
layer, not a queue."""
ALL_BURST_OCTETS = 59 * BURST_OCTETS
"""The same to nearly all of 64 receivers; a keyframe to them takes three such."""
ALL_OCTETS_PER_S = 262_144_000.0
"""Over all links: 2.1 Gbit/s, a quarter megabyte in a millisecond."""
STEP_S = 0.001
"""While something waits, look again at this pace."""


class LinkPacer:
    """The pace of one receiver's link.

    Ask `allowance` when something may leave, and say by `spent` how much of it did.
    """

    __slots__ = ("_at", "_credit", "_octets_per_s")

    def __init__(self, now: float) -> None:
        self._octets_per_s = LINK_OCTETS_PER_S
        self._credit = float(BURST_OCTETS)
        self._at = now

    def pace(self, bps: float) -> None:
        """The link carries so many bits a second."""
        self._octets_per_s = bps / 8

    def allowance(self, now: float, waiting: int, oldest_at: float) -> float:
        """Octets that may leave at `now`, of `waiting` ones whose first came at `oldest_at`.

        As long as it is above 0 the next packet may leave, whatever its size.
        """
        passed = max(0.0, now - self._at)
        left = oldest_at + MAX_WAIT_S - self._at
        self._at = now
        self._credit = min(self._credit + passed * self._octets_per_s, float(BURST_OCTETS))
        # a share of the time that is left, so that the last of it leaves in time, too
        due = waiting * passed / left if left > passed else float(waiting)
        return max(self._credit, due)

    def spent(self, octets: int) -> None:
        """So many left; what the deadline let through beyond the credit is not paid for later."""
        self._credit = max(0.0, self._credit - octets)


class Spreader:
    """The pace of all links together: what is beyond it waits for the next step."""

    __slots__ = ("_at", "credit")

    def __init__(self) -> None:
        self.credit = float(ALL_BURST_OCTETS)
        self._at = 0.0

    def refill(self, now: float) -> None:
        """Time has passed. While `credit` is above 0 packets may leave; the caller takes off what
        has left."""
        self.credit = min(
            self.credit + (now - self._at) * ALL_OCTETS_PER_S, float(ALL_BURST_OCTETS)
        )
        self._at = now
