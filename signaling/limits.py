"""Token buckets: so many in a row, then so many a second. Pure; the caller brings the time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from signaling.wire.errors import TooOftenError


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_s` a second."""

    per_s: float
    burst: float


PAGE_FRAMES = Rate(per_s=50, burst=200)
"""Frames of one page socket."""
WRONG_SIGN_INS = Rate(per_s=10 / 60, burst=10)
"""Wrong passwords from one address, and apart from them wrong one-time codes."""
WRONG_LINKS = Rate(per_s=20 / 60, burst=20)
"""Wrong links for one site from one address."""
WRONG_CODES = Rate(per_s=60 / 60, burst=60)
"""Wrong typed codes in all."""
WRONG_CODES_OF_SITE = Rate(per_s=10 / 60, burst=10)
"""Wrong typed codes that name one site."""
WRONG_CODES_OF_ADDRESS = Rate(per_s=20 / 60, burst=20)
"""Wrong typed codes from one address, so that one cannot use up what all have."""
AWAITING_HELLO = 20
"""Sockets of one sign-in, or of one site's link, that have not said hello yet."""
DOOR_REQUESTS = Rate(per_s=1, burst=20)
"""WHIP and WHEP offers of one port."""

PATCHES = Rate(per_s=5, burst=100)
"""SDP fragments for the sessions of one port; each candidate may come in one of its own."""


class Bucket:
    """One token bucket, full at first."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = rate.burst
        self._at = now

    def left(self, now: float) -> float:
        """Tokens that are there at `now`."""
        return min(self._rate.burst, self._left + max(0.0, now - self._at) * self._rate.per_s)

    def take(self, now: float) -> bool:
        """Use one token; False, and nothing used, when there is none."""
        left = self.left(now)
        self._at = max(self._at, now)
        self._left = left - 1 if left >= 1 else left
        return left >= 1

    def wait_s(self, now: float) -> float:
        """Seconds until there is a token; 0: there is one."""
        return max(0.0, 1 - self.left(now)) / self._rate.per_s

    def give_back(self, now: float) -> None:
        """A token was taken for nothing."""
        self._left = min(self._rate.burst, self.left(now) + 1)
        self._at = max(self._at, now)


class Buckets:
    """One bucket per key; the keys longest unused are forgotten beyond `capacity`."""

    def __init__(self, rate: Rate, capacity: int = 10_000) -> None:
        self._rate = rate
        self._capacity = capacity
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def empty(self, key: str, now: float) -> bool:
        """Whether `key` has used up its tokens; uses none."""
        bucket = self._buckets.get(key)
        return bucket is not None and bucket.left(now) < 1

    def take(self, key: str, now: float) -> bool:
        """Use one token of `key`; False when there is none."""
        bucket = self._buckets.pop(key, None) or Bucket(self._rate, now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return bucket.take(now)

    def refusal(self, key: str, now: float, detail: str) -> TooOftenError:
        """What `key` is told when it has none."""
        bucket = self._buckets.get(key)
        wait_s = bucket.wait_s(now) if bucket is not None else 0.0
        return TooOftenError("rate_limited", detail, wait_s)

    def give_back(self, key: str, now: float) -> None:
        """A token of `key` was taken for nothing."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.give_back(now)
