"""Stores what one port receives, as it comes: without decoding, in files that survive their writer.

What is written is what the routes gave it; it knows nothing of sites or microphones.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from bridge.media_worker import store
from bridge.media_worker.intake import Received
from bridge.media_worker.store import Segment, Totals
from bridge.media_worker.subscription import Receiving, Subscribe
from bridge.media_worker.tape import Append, Begin, End, Output, Tape
from signaling.wire.ids import ConferenceId, SessionId, SlotKind, SlotName, slot_kind
from signaling.wire.recordings import Manifest, RecordingProblem, folder_of
from signaling.wire.worker import Record, RecordFact

WRITE_S = 0.5
"""Between two writes; together with `tape.HOLD_S` it is what the death of this process costs."""
FLOWING_S = 3.0
NOT_RECEIVED_S = 5.0
AGAIN_S = 2.0
"""After a failed write."""

_ORDER: tuple[SlotKind, ...] = ("stage", "mix", "floor", "cue", "preview", "thumb")
_NAMES = {"stage": "picture", "mix": "mix"}

log = structlog.get_logger("worker.recorder")


@dataclass(frozen=True)
class Space:
    """Where to store, in files of which length, and how much room to leave.

    Below `keep_free` bytes nothing is written, and again from a tenth more on; below twice as much
    it is said.
    """

    root: Path
    segment_s: float
    sync_s: float
    keep_free: int
    free: Callable[[], int]


class Recorder:
    """One recording, as `worker.Work`."""

    def __init__(self, order: Record, subscribe: Subscribe, space: Space) -> None:
        self._order = order
        self._space = space
        self._folder = folder_of(space.root, order.scope, order.recording)
        title = f"{order.title} – {order.name}" if order.name else order.title
        # the mix before its parts: players take the first sound
        slots = sorted(order.slots, key=lambda slot: _ORDER.index(slot_kind(slot)))
        self._tape = Tape({slot: _track_name(slot) for slot in slots}, title, space.segment_s)
        self._log = log.bind(of=f"{order.scope}/{order.recording}")
        self._subscription: Receiving = subscribe(
            *(lambda: self._order.token, order.slots, self._take),
            f"{order.scope}/{order.recording}",
        )
        self._totals = Totals()
        self._segment: Segment | None = None
        self._writing: asyncio.Task[None] | None = None
        self._synced_at = self._appended_at = float("-inf")
        self._missed_since: float | None = None
        self._problem: RecordingProblem | None = None
        self._lost_before = self._skipped_before = 0

    async def run(self) -> None:
        """See `Work`."""
        receiving = asyncio.create_task(self._subscription.run())
        try:
            # what comes meanwhile waits on the tape
            await self._begin()
            while not receiving.done():
                await asyncio.sleep(WRITE_S)
                await self._step()
            receiving.result()
        finally:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiving

    def update(self, order: Record) -> None:
        """See `Work`."""
        self._order = order

    def session_closed(self, session: SessionId) -> None:
        """See `Work`."""
        self._subscription.session_closed(session)

    def fact(self) -> RecordFact:
        """See `Work`."""
        segment = self._segment
        now = asyncio.get_running_loop().time()
        return RecordFact(
            self._order.scope,
            self._order.recording,
            flowing=now - self._appended_at < FLOWING_S,
            problem=self._problem,
            octets=self._totals.octets + (segment.octets if segment else 0),
            seconds=self._totals.seconds + (segment.seconds if segment else 0.0),
            segments=self._totals.segments + (segment is not None),
            lost=self._subscription.lost,
            skipped=self._subscription.skipped + self._tape.dropped,
        )

    async def end(self, *, wanted: bool) -> None:
        """See `Work`. Closes the segment; one that is still wanted goes on in the next process."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        try:
            await asyncio.to_thread(self._carry_out, self._tape.close(), 0.0)
            if wanted:
                return
            if await asyncio.to_thread(store.end_recording, self._folder, time.time()):
                self._log.info("recording was empty, nothing is kept of it")
        except OSError as error:
            self._log.error(
                "recording not closed", reason=str(error), next_step="repaired at the start"
            )
            self._let_go()

    async def _begin(self) -> None:
        """Have a folder, as soon as there can be one."""
        while True:
            try:
                await self._in_thread(self._open_folder)
            except OSError as error:
                self._say_failed(error)
                self._tape.abandon()
                await asyncio.sleep(AGAIN_S)
            else:
                return

    def _open_folder(self) -> None:
        self._totals = store.begin_recording(self._folder, self._manifest())

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Whoever cancels us, `end` waits for the thread. Raises what the work raises."""
        self._writing = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.shield(self._writing)

    def _say_failed(self, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        problem: RecordingProblem = "disk_full" if full else "write_failed"
        if problem != self._problem:
            self._log.error("cannot write", reason=str(error), next_step=f"again in {AGAIN_S:g} s")
        self._problem = problem

    def _manifest(self) -> Manifest:
        order = self._order
        return Manifest(
            *(ConferenceId(order.scope), order.recording, order.title, order.name, time.time())
        )

    def _take(self, frames: Sequence[Received]) -> None:
        now = asyncio.get_running_loop().time()
        for frame in frames:
            self._tape.put(now, frame)

    async def _step(self) -> None:
        """Write what is due, and judge how it goes."""
        now = asyncio.get_running_loop().time()
        if self._is_full():
            if self._problem != "disk_full":
                self._log.error("recording stopped, no room", free=self._space.free())
                await self._write(self._tape.close(), now)
                self._problem = "disk_full"
            self._tape.abandon()
            return
        outputs = self._tape.due(now)
        if self._tape.wants_keyframe:
            self._tape.wants_keyframe = False
            self._subscription.ask_keyframe()
        if await self._write(outputs, now):
            self._problem = self._judge(now)

    async def _write(self, outputs: Sequence[Output], now: float) -> bool:
        """Whether it could be written."""
        try:
            await self._in_thread(lambda: self._carry_out(outputs, now))
        except OSError as error:
            self._say_failed(error)
            self._let_go()
            await asyncio.sleep(AGAIN_S)
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                # somebody cleared it away, or another disk is mounted there now
                await self._begin()
            return False
        return True

    def _let_go(self) -> None:
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        self._tape.abandon()

    def _carry_out(self, outputs: Sequence[Output], now: float) -> None:
        """In a thread. Raises OSError."""
        for output in outputs:
            match output:
                case Begin():
                    self._segment = Segment(self._folder, output)
                    self._synced_at = now
                case Append() if self._segment is not None:
                    self._segment.append(output)
                    self._appended_at = now
                case End() if self._segment is not None:
                    lost, skipped = self._subscription.lost, self._subscription.skipped
                    sidecar = self._segment.end(
                        output, lost - self._lost_before, skipped - self._skipped_before
                    )
                    self._lost_before, self._skipped_before = lost, skipped
                    self._totals = self._totals.plus(sidecar)
                    self._segment = None
                case _:
                    pass
        if self._segment is not None and now - self._synced_at >= self._space.sync_s:
            self._synced_at = now
            self._segment.sync()

    def _is_full(self) -> bool:
        keep = self._space.keep_free
        return self._space.free() < (1.1 * keep if self._problem == "disk_full" else keep)

    def _judge(self, now: float) -> RecordingProblem | None:
        if self._subscription.connected:
            self._missed_since = None
        elif self._missed_since is None:
            self._missed_since = now
        elif now - self._missed_since > NOT_RECEIVED_S:
            return "not_received"
        return "disk_low" if self._space.free() < 2 * self._space.keep_free else None


def _track_name(slot: SlotName) -> str:
    """``stage:1`` is what others saw, ``mix:1`` all they heard, ``floor:2`` the second voice."""
    kind, _, index = slot.partition(":")
    return _NAMES.get(kind, f"sound {index}")
