"""Checks at many sites at once: each says what it expected and saw, none stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import aiohttp

from bridge.endpoint.doors import RefusedError
from bridge.endpoint.page import PageClosedError
from bridge.endpoint.senses import Sound
from bridge.endpoint.watcher import NotSeenError, Watcher
from bridge.offers import AnswerError
from bridge.transport import HandshakeError
from cli.drilling.crew import FLOOR_SLOTS, Member
from cli.drilling.report import Fault, StepFailedError
from signaling.wire.errors import WireError

T = TypeVar("T")
M = TypeVar("M", bound=Member)

TONE_TOLERANCE_HZ = 8.0
SPAN_S = 0.3


class CheckError(Exception):
    """One site is not as it should be."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; {seen}")
        self.expected, self.seen = expected, seen


_KNOWN = (
    aiohttp.ClientError,
    OSError,
    RefusedError,
    AnswerError,
    HandshakeError,
    PageClosedError,
    WireError,
)


async def at_all(
    members: Iterable[M], check: Callable[[M], Awaitable[T]], expected: str = "no error"
) -> list[T]:
    """Run the check at every member at once; their results, in order. Raises as `each`."""
    return await each([(one.name, check(one)) for one in members], expected)


async def each(named: Sequence[tuple[str, Awaitable[T]]], expected: str = "no error") -> list[T]:
    """Wait for all of them; their results, in order.

    Raises:
        StepFailedError: some raised; with one fault for each, under its name.
    """
    outcomes = await asyncio.gather(*(one for _, one in named), return_exceptions=True)
    faults = [
        _fault(name, expected, outcome)
        for (name, _), outcome in zip(named, outcomes, strict=True)
        if isinstance(outcome, BaseException)
    ]
    if faults:
        raise StepFailedError(faults)
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def when(
    command: Callable[[], Awaitable[None]], named: Sequence[tuple[str, Awaitable[T]]], expected: str
) -> list[T]:
    """Have all of them waiting, then run the command; their results, in order.

    Raises as `each`, and as the command does.
    """
    tasks = [(name, asyncio.ensure_future(one)) for name, one in named]
    await asyncio.sleep(0)  # now they wait
    try:
        await command()
    except BaseException:
        for _, task in tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)
        raise
    return await each(tasks, expected)


def _fault(name: str, expected: str, error: BaseException) -> Fault:
    match error:
        case CheckError():
            return Fault(name, error.expected, error.seen)
        case NotSeenError():
            return Fault(name, f"picture of {error.label} in {error.slot}", error.found)
        case TimeoutError():
            return Fault(name, expected, "timed out")
        case _ if isinstance(error, _KNOWN):
            return Fault(name, expected, f"{type(error).__name__}: {error}")
    raise error  # a fault of the drill itself, or cancellation


async def until(member: Member, expected: str, wanted: Callable[[], bool], limit_s: float) -> None:
    """Wait until the member's view is as wanted. Raises CheckError with `expected`."""
    try:
        await member.page.until(wanted, limit_s)
    except TimeoutError:
        raise CheckError(expected, f"not so after {limit_s:g} s") from None


async def hears(watcher: Watcher, tones_hz: Sequence[int]) -> None:
    """Check that the floor slots carry exactly these tones, each in one slot. Raises CheckError."""
    sounds = await asyncio.gather(*(watcher.hear(slot, SPAN_S) for slot in FLOOR_SLOTS))
    missing = list(tones_hz)
    strange = []
    for slot, sound in zip(FLOOR_SLOTS, sounds, strict=True):
        found = _nearest(sound, missing)
        if found is not None:
            missing.remove(found)
        elif not sound.silent:
            strange.append(f"{_words(sound)} in {slot}")
    if missing or strange:
        wanted = " and ".join(f"{tone} Hz" for tone in tones_hz) or "silence"
        heard = "; ".join(strange) or "nothing more than the others' tones"
        raise CheckError(f"to hear {wanted}", f"heard {heard}")


def _nearest(sound: Sound, tones_hz: Sequence[int]) -> int | None:
    if sound.silent or sound.tone_hz is None:
        return None
    heard = sound.tone_hz
    return next((tone for tone in tones_hz if abs(tone - heard) <= TONE_TOLERANCE_HZ), None)


def _words(sound: Sound) -> str:
    return f"{sound.tone_hz:.0f} Hz" if sound.tone_hz is not None else "a noise"
