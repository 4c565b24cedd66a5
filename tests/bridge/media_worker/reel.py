"""Real frames, as an intake gives them: a loop's pictures and tones with times of our choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.endpoint import loops
from bridge.endpoint.loops import Loop
from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from bridge.media_worker.tape import Append, Begin, End, Output, Tape
from signaling.wire.ids import SlotName

STAGE, FLOOR = SlotName("stage:1"), SlotName("floor:1")
NAMES = {STAGE: "picture", FLOOR: "sound 1"}
START = 1_700_000_000.0


def loop(label: str = "48", tone_hz: int = 440) -> Loop:
    """A loop, encoded now."""
    return loops.encode(loops.LoopKey(label, label, tone_hz))


def pictures(of: Loop, begin: float, count: int, slot: SlotName = STAGE) -> Iterator[Received]:
    """Ten a second, from the keyframe on."""
    for number in range(count):
        data = of.frames[number % len(of.frames)]
        first = number % len(of.frames) == 0
        frame = Frame(number * 9000, first, data, (320, 180) if first else None)
        yield Received(slot, "VP8", begin + number / 10, frame)


def sounds(of: Loop, begin: float, count: int, slot: SlotName = FLOOR) -> Iterator[Received]:
    """Fifty a second."""
    for number in range(count):
        frame = Frame(number * 960, True, of.tones[number % len(of.tones)])
        yield Received(slot, "opus", begin + number / 50, frame)


def played(tape: Tape, *tracks: Sequence[Received], step_s: float = 0.25) -> list[Output]:
    """What the tape answers while these come, each when it is due, and at its close."""
    frames = sorted((one for track in tracks for one in track), key=lambda one: one.at)
    outputs: list[Output] = []
    next_at = frames[0].at + step_s
    for received in frames:
        while received.at >= next_at:
            outputs += tape.due(next_at - START)
            next_at += step_s
        tape.put(received.at - START, received)
    return [*outputs, *tape.close()]


def files(outputs: Sequence[Output]) -> list[tuple[Begin, bytes, End]]:
    """The files that outputs make, without what is patched into them."""
    made: list[tuple[Begin, bytes, End]] = []
    begin, data = None, b""
    for output in outputs:
        match output:
            case Begin():
                assert begin is None
                begin, data = output, output.head.data
            case Append():
                data += output.data
            case End():
                assert begin is not None
                made.append((begin, data, output))
                begin = None
    assert begin is None
    return made
