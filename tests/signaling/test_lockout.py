"""Five wrong passwords lock a name, and the lock ends by itself."""

from __future__ import annotations

from signaling.lockout import LOCKED_S, WITHIN_S, WRONG, LockOut


def failed(lock: LockOut, times: int, now: float = 0.0, name: str = "lan") -> list[bool]:
    return [lock.failed(name, now) for _ in range(times)]


def test_the_fifth_wrong_password_locks_and_says_so_once() -> None:
    lock = LockOut()

    assert failed(lock, WRONG) == [False] * (WRONG - 1) + [True]
    assert lock.locked_s("lan", LOCKED_S - 1) == 1
    assert not lock.locked_s("other", 0.0)


def test_lock_ends_although_guessing_went_on() -> None:
    lock = LockOut()
    failed(lock, WRONG)

    assert failed(lock, 20, LOCKED_S / 2) == [False] * 20
    assert not lock.locked_s("lan", LOCKED_S)


def test_after_a_lock_five_more_are_needed() -> None:
    lock = LockOut()
    failed(lock, WRONG)

    assert failed(lock, WRONG, LOCKED_S) == [False] * (WRONG - 1) + [True]
    assert lock.locked_s("lan", LOCKED_S)


def test_wrong_passwords_long_ago_do_not_count() -> None:
    lock = LockOut()
    failed(lock, WRONG - 1)

    assert failed(lock, WRONG - 1, WITHIN_S) == [False] * (WRONG - 1)


def test_right_password_forgets_the_wrong_ones() -> None:
    lock = LockOut()
    failed(lock, WRONG - 1)
    lock.succeeded("lan")

    assert failed(lock, WRONG - 1) == [False] * (WRONG - 1)


def test_names_are_forgotten_beyond_the_capacity() -> None:
    lock = LockOut(capacity=3)
    failed(lock, WRONG)
    for n in range(3):
        failed(lock, 1, name=f"name-{n}")

    assert not lock.locked_s("lan", 0.0)
