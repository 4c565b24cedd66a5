"""Token buckets in simulated time."""

from __future__ import annotations

from signaling.limits import Bucket, Buckets, Rate

RATE = Rate(per_s=2, burst=3)


def test_burst_is_allowed_then_refused() -> None:
    bucket = Bucket(RATE, 0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    bucket = Bucket(RATE, 0.0)
    for _ in range(3):
        bucket.take(0.0)

    assert not bucket.take(0.4)
    assert bucket.take(0.6)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(RATE, 10.0)
    for _ in range(3):
        bucket.take(10.0)

    assert not bucket.take(5.0)


def test_token_that_is_given_back_is_there_again_but_never_more_than_the_burst() -> None:
    buckets = Buckets(RATE)
    for _ in range(3):
        buckets.take("a", 0.0)

    buckets.give_back("a", 0.0)
    assert [buckets.take("a", 0.0) for _ in range(2)] == [True, False]

    buckets.give_back("a", 100.0)
    assert [buckets.take("a", 100.0) for _ in range(4)] == [True, True, True, False]


def test_keys_are_limited_apart() -> None:
    buckets = Buckets(RATE)
    for _ in range(3):
        assert buckets.take("a", 0.0)

    assert buckets.empty("a", 0.0)
    assert not buckets.empty("b", 0.0)


def test_who_is_refused_is_told_when_to_come_again() -> None:
    buckets = Buckets(RATE)
    while buckets.take("a", 0.0):
        pass

    refused = buckets.refusal("a", 0.2, "too many")
    assert (refused.code, refused.wait_s) == ("rate_limited", 0.3)
    assert not buckets.take("a", 0.4)
    assert buckets.refusal("b", 0.0, "too many").wait_s == 0


def test_memory_is_bounded() -> None:
    buckets = Buckets(Rate(0, 1), capacity=2)

    for key in ("a", "b", "c"):
        buckets.take(key, 0.0)

    assert not buckets.empty("a", 0.0)
    assert buckets.empty("c", 0.0)
