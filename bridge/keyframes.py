"""When to ask a source for a keyframe: many wishes, few requests."""

from __future__ import annotations

import math

from bridge.source import Source

MIN_INTERVAL_S = 0.3
"""Between two requests to one source for the sake of receivers that have lost a picture. Browsers
make no more keyframes than that, and pass over requests that come sooner."""
BURST = 3
"""Requests to one source that may follow each other at once when slots turn to it, so that a take
needs not wait for what somebody else asked just before; one more is granted per interval."""
REPEAT_S = 0.5
"""Until a request is repeated, when no keyframe came."""
SLOW_REPEAT_S = 2.0
"""The same, after `PATIENT_REPEATS`: such a source ignores requests, or sends nothing."""
PATIENT_REPEATS = 6


class _Wish:
    """`asked`: requests since the last keyframe. `granted`: what is left of `BURST` at
    `asked_at`."""

    __slots__ = ("asked", "asked_at", "due_at", "granted")

    def __init__(self) -> None:
        self.asked = 0
        self.asked_at = -math.inf
        self.due_at: float | None = None
        self.granted = float(BURST)

    def granted_at(self, now: float) -> float:
        """What is left of `BURST` now."""
        return min(BURST, self.granted + (now - self.asked_at) / MIN_INTERVAL_S)


class KeyframeAsker:
    """Merges the wishes for keyframes of each source, and repeats requests until one came.

    Every method that returns sources means: ask these now.
    """

    def __init__(self) -> None:
        self._wishes: dict[Source, _Wish] = {}

    def want(self, now: float, source: Source, *, begins: bool = False) -> list[Source]:
        """Somebody cannot go on without a keyframe of `source`, or cannot begin (`begins`).

        While a request is unanswered, all wishes are merged into it. Who begins needs not wait
        after an answered one, within `BURST`; should the source pass over a request that soon, it
        is asked again when the interval is over.
        """
        wish = self._wishes.setdefault(source, _Wish())
        if wish.asked:
            return []
        rested_at = wish.asked_at + MIN_INTERVAL_S
        if now >= rested_at:
            self._ask(now, source, wish)
            return [source]
        if not begins or wish.granted_at(now) < 1:
            wish.due_at = rested_at
            return []
        self._ask(now, source, wish)
        wish.due_at = rested_at
        return [source]

    def content(self, source: Source) -> None:
        """Its keyframe came, or nobody waits for one any more."""
        wish = self._wishes.get(source)
        if wish is not None:
            wish.due_at = None
            wish.asked = 0

    def forget(self, source: Source) -> None:
        """The source is gone."""
        self._wishes.pop(source, None)

    def next_deadline(self) -> float | None:
        """When `handle_timeout` has something to do."""
        return min(
            (wish.due_at for wish in self._wishes.values() if wish.due_at is not None),
            default=None,
        )

    def handle_timeout(self, now: float) -> list[Source]:
        """The sources whose request, first or repeated, is due."""
        due = []
        for source, wish in self._wishes.items():
            if wish.due_at is not None and wish.due_at <= now:
                self._ask(now, source, wish)
                due.append(source)
        return due

    def _ask(self, now: float, source: Source, wish: _Wish) -> None:
        source.keyframe_requests += 1
        wish.granted = max(0.0, wish.granted_at(now) - 1)
        wish.asked += 1
        wish.asked_at = now
        wish.due_at = now + (REPEAT_S if wish.asked < PATIENT_REPEATS else SLOW_REPEAT_S)
