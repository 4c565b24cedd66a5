"""Checks at many: all faults are collected, each with what was expected and seen."""

from __future__ import annotations

import asyncio

import pytest

from bridge.endpoint.page import PageClosedError
from bridge.endpoint.senses import Sound
from bridge.endpoint.watcher import NotSeenError, Seen
from cli.drilling.checks import CheckError, each, hears, when
from cli.drilling.report import StepFailedError
from signaling.wire.ids import SlotName

STAGE = SlotName("stage:1")


class Ears:
    """A watcher that hears the same sounds for ever: floor 1 first."""

    def __init__(self, *sounds: Sound) -> None:
        self._sounds = list(sounds) + [Sound(0.0, None)] * (4 - len(sounds))

    async def hear(self, slot: SlotName, span_s: float) -> Sound:
        return self._sounds[int(slot[-1]) - 1]


def tone(hz: float) -> Sound:
    return Sound(0.1, hz)


@pytest.mark.parametrize(
    ("sounds", "wanted"),
    [([], []), ([tone(500)], [500]), ([tone(503), Sound(0, None), tone(695)], [700, 500])],
)
async def test_hears_passes_when_exactly_the_speakers_sound(
    sounds: list[Sound], wanted: list[int]
) -> None:
    await hears(Ears(*sounds), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sounds", "wanted", "expected", "seen"),
    [
        ([tone(500)], [], "to hear silence", "heard 500 Hz in floor:1"),
        ([], [500], "to hear 500 Hz", "heard nothing more"),
        ([tone(520)], [500], "to hear 500 Hz", "heard 520 Hz in floor:1"),
        ([tone(500), tone(500)], [500], "to hear 500 Hz", "heard 500 Hz in floor:2"),
        ([Sound(0.1, None)], [], "to hear silence", "heard a noise in floor:1"),
        ([tone(500)], [500, 700], "to hear 500 Hz and 700 Hz", "heard nothing more"),
    ],
)
async def test_hears_says_what_was_heard_instead(
    sounds: list[Sound], wanted: list[int], expected: str, seen: str
) -> None:
    with pytest.raises(CheckError) as raised:
        await hears(Ears(*sounds), wanted)  # type: ignore[arg-type]
    assert raised.value.expected == expected
    assert raised.value.seen.startswith(seen)


async def fails(error: BaseException) -> None:
    raise error


async def gives(value: int) -> int:
    return value


async def test_each_collects_every_fault_under_its_name() -> None:
    seen = Seen("01", 3, 0.0)
    errors: list[tuple[str, BaseException]] = [
        ("a", CheckError("x", "y")),
        ("b", NotSeenError(STAGE, "00", seen, 9)),
        ("c", NotSeenError(STAGE, "00", None, 9)),
        ("d", TimeoutError()),
        ("e", ConnectionRefusedError("no")),
        ("f", PageClosedError(4410, "replaced")),
    ]
    with pytest.raises(StepFailedError) as raised:
        await each([(name, fails(error)) for name, error in errors], "to join")
    assert [str(fault) for fault in raised.value.faults] == [
        "a: expected x; y",
        "b: expected picture of 00 in stage:1; saw 01",
        "c: expected picture of 00 in stage:1; no picture decoded, 9 packets came",
        "d: expected to join; timed out",
        "e: expected to join; ConnectionRefusedError: no",
        "f: expected to join; PageClosedError: page socket closed: 4410 replaced",
    ]


async def test_each_returns_results_in_order() -> None:
    assert await each([("a", gives(1)), ("b", gives(2))]) == [1, 2]


async def test_each_does_not_hide_a_fault_of_the_drill_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        await each([("a", gives(1)), ("b", fails(ZeroDivisionError()))])


async def test_when_has_all_waiting_before_the_command_runs() -> None:
    command = asyncio.Event()

    async def run() -> None:
        command.set()

    assert await when(run, [("a", command.wait()), ("b", command.wait())], "x") == [True, True]


async def test_when_stops_waiting_if_the_command_is_refused() -> None:
    waiting = asyncio.ensure_future(asyncio.Event().wait())
    with pytest.raises(PermissionError):
        await when(lambda: fails(PermissionError()), [("a", waiting)], "x")
    assert waiting.cancelled()
