"""When to ask a source for a keyframe: many wishes, few requests."""

from __future__ import annotations

import math
from collections.abc import Hashable

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
IGNORED = 3
"""Requests in a row without a keyframe, though pictures came: such an encoder makes its keyframes
when it pleases."""


class Budget:
    """How many keyframes a receiver may ask for: `burst` at once, one more every `interval_s`.

    A receiver that has lost a picture asks again until it has one, so what is refused is no loss.
    """

    __slots__ = ("_at", "_left", "burst", "interval_s")

    def __init__(self, now: float, burst: float, interval_s: float) -> None:
        self.burst = self._left = burst
        self.interval_s = interval_s
        self._at = now

    def widen(self, burst: float, interval_s: float) -> None:
        """The receiver has more or less to ask for."""
        self._left = max(0.0, self._left + burst - self.burst)
        self.burst, self.interval_s = burst, interval_s

    def take(self, now: float) -> bool:
        """Whether one more may be asked for now."""
        self._left = min(self.burst, self._left + (now - self._at) / self.interval_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Wish:
    """`source`: whom to ask. `asked`: requests since the last keyframe. `granted`: what is left of
    `BURST` at `asked_at`."""

    __slots__ = ("asked", "asked_at", "due_at", "granted", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.asked = 0
        self.asked_at = -math.inf
        self.due_at: float | None = None
        self.granted = float(BURST)

    def granted_at(self, now: float) -> float:
        """What is left of `BURST` now."""
        return min(BURST, self.granted + (now - self.asked_at) / MIN_INTERVAL_S)


class KeyframeAsker:
    """Merges the wishes for keyframes of each source, and repeats requests until one came.

    Sources of one section share a wish: one request brings keyframes on all of them.

    Every method that returns sources means: ask these now.
    """

    def __init__(self) -> None:
        self._wishes: dict[Hashable, _Wish] = {}

    def want(self, now: float, source: Source, *, begins: bool = False) -> list[Source]:
        """Somebody cannot go on without a keyframe of `source`, or cannot begin (`begins`).

        While a request is unanswered, all wishes are merged into it. Who begins needs not wait
        after an answered one, within `BURST`; should the source pass over a request that soon, it
        is asked again when the interval is over.
        """
        wish = self._wishes.setdefault(_key(source), _Wish(source))
        wish.source = source
        if wish.asked:
            return []
        rested_at = wish.asked_at + MIN_INTERVAL_S
        if now >= rested_at:
            self._ask(now, wish)
            return [source]
        if not begins or wish.granted_at(now) < 1:
            wish.due_at = rested_at
            return []
        self._ask(now, wish)
        wish.due_at = rested_at
        return [source]

    def came(self, source: Source) -> None:
        """A keyframe of it came; `content` says whether all that waited for one may go on."""
        wish = self._wishes.get(_key(source))
        if wish is not None and wish.asked:
            source.ignores_requests = source.ignored_requests >= IGNORED
        source.ignored_requests = 0

    def merges(self, source: Source) -> bool:
        """Whether a wish for it would cost nothing, because a request is under way or due."""
        wish = self._wishes.get(_key(source))
        return wish is not None and wish.due_at is not None

    def content(self, source: Source) -> None:
        """Its keyframe came, or nobody waits for one of its section any more."""
        wish = self._wishes.get(_key(source))
        if wish is not None:
            wish.due_at = None
            wish.asked = 0

    def forget(self, source: Source) -> None:
        """The source is gone; who waits for another of its section must ask anew."""
        wish = self._wishes.get(_key(source))
        if wish is not None and wish.source is source:
            del self._wishes[_key(source)]

    def next_deadline(self) -> float | None:
        """When `handle_timeout` has something to do."""
        return min(
            (wish.due_at for wish in self._wishes.values() if wish.due_at is not None),
            default=None,
        )

    def handle_timeout(self, now: float) -> list[Source]:
        """The sources whose request, first or repeated, is due."""
        due = []
        for wish in self._wishes.values():
            if wish.due_at is not None and wish.due_at <= now:
                self._ask(now, wish)
                due.append(wish.source)
        return due

    def _ask(self, now: float, wish: _Wish) -> None:
        wish.source.keyframe_requests += 1
        if wish.asked and (wish.source.media_at or -math.inf) > wish.asked_at:
            wish.source.ignored_requests += 1
            wish.source.ignores_requests |= wish.source.ignored_requests >= IGNORED
        wish.granted = max(0.0, wish.granted_at(now) - 1)
        wish.asked += 1
        wish.asked_at = now
        wish.due_at = now + (REPEAT_S if wish.asked < PATIENT_REPEATS else SLOW_REPEAT_S)


def _key(source: Source) -> Hashable:
    return source if source.section is None else source.section
