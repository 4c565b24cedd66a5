"""Where a stream lost packets on purpose or was given some, so that late ones find their place."""

from __future__ import annotations

from bisect import bisect_right, insort

from bridge.estimator import MAX_MISORDER


class Edits:
    """Of one run of a stream: whatever can still be overtaken, by the publisher's extended numbers.

    Each edit moves the numbers of all packets behind it, those taken out down by one, those put in
    up by one. A packet has one edit at most.
    """

    __slots__ = ("_edits",)

    def __init__(self) -> None:
        self._edits: list[tuple[int, int]] = []  # ascending: at which packet, by how much down

    def clear(self) -> None:
        """A new run begins."""
        self._edits.clear()

    def took_out(self, at: int) -> None:
        """This packet is not forwarded, and its hole was closed."""
        self._note(at, 1)

    def put_in(self, before: int) -> None:
        """A packet was put in before this one."""
        self._note(before, -1)

    def behind(self, at: int) -> int:
        """By how much the edits behind this packet move numbers down: its own they do not."""
        edits = self._edits
        return sum(down for _, down in edits[bisect_right(edits, (at, 1)) :])

    def _note(self, at: int, down: int) -> None:
        insort(self._edits, (at, down))
        # `Reception` believes no packet that comes later than MAX_MISORDER
        if len(self._edits) > 2 * MAX_MISORDER:
            del self._edits[:-MAX_MISORDER]
