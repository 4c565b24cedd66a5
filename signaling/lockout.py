"""Wrong passwords in a row lock an account for a while, whether there is such an account or not.

Pure. A locked account does not count on: its end is known when it begins.
"""

from __future__ import annotations

from collections import OrderedDict, deque

WRONG = 5
"""Wrong passwords that lock."""
WITHIN_S = 15 * 60.0
"""Those of so many seconds count."""
LOCKED_S = 15 * 60.0
"""How long it is locked then."""
CAPACITY = 10_000
"""Names that are remembered; the one longest unused goes first."""


class LockOut:
    """Times are monotonic seconds."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def locked_s(self, name: str, now: float) -> float:
        """For how long nobody may sign in as `name`, not even with the right password; 0: anybody
        may."""
        wrong = self._wrong.get(name)
        if wrong is None or len(wrong) < WRONG:
            return 0.0
        return max(0.0, wrong[-1] + LOCKED_S - now)

    def failed(self, name: str, now: float) -> bool:
        """A wrong password; whether it was the one that locks."""
        if self.locked_s(name, now):
            return False
        wrong = self._wrong.pop(name, deque())
        if len(wrong) >= WRONG:
            wrong.clear()
        while wrong and now - wrong[0] >= WITHIN_S:
            wrong.popleft()
        wrong.append(now)
        self._wrong[name] = wrong
        if len(self._wrong) > self._capacity:
            self._wrong.popitem(last=False)
        return len(wrong) >= WRONG

    def succeeded(self, name: str) -> None:
        """The right password: what was wrong before is forgotten."""
        self._wrong.pop(name, None)
