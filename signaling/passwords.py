"""Passwords as Argon2id hashes (RFC 9106), computed off the event loop and one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from signaling.wire.errors import TooOftenError

MIN_PASSWORD = 10
MAX_PASSWORD = 256
"""Characters."""
MAX_WAITING = 16
"""Sign-ins that may wait; each costs 64 MiB and some tens of milliseconds."""
WAIT_S = 2.0
"""By then those that wait are through."""


def allowed(password: str) -> bool:
    """Whether it may become somebody's password."""
    return MIN_PASSWORD <= len(password) <= MAX_PASSWORD


def make_hash(password: str, hasher: PasswordHasher | None = None) -> str:
    """What is stored; it holds its own parameters and salt."""
    return (hasher or PasswordHasher()).hash(_bytes(password))


class Passwords:
    """Checks passwords in a thread of its own. Close it with `close`."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._executor: Executor = ThreadPoolExecutor(1, "passwords")
        self._nobody = ""
        self._waiting = 0
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One sign-in at a time, so that nobody gets more guesses by making them at once.

        Raises WireError ``rate_limited`` when too many wait.
        """
        if self._waiting >= MAX_WAITING:
            raise TooOftenError("rate_limited", "too many sign-ins at once; wait a moment", WAIT_S)
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def check(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one of `stored`.

        Without `stored` it takes as long and is wrong, so that the time taken does not tell which
        accounts there are.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._check, password, stored)

    def close(self) -> None:
        """Check nothing more."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _check(self, password: str, stored: str | None) -> bool:
        if not self._nobody:
            self._nobody = self._hasher.hash("nobody")
        try:
            self._hasher.verify(stored or self._nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored)


def _bytes(password: str) -> bytes:
    """The same for every way in which a keyboard composes Vietnamese letters."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")
