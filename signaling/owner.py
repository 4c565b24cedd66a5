"""Runs one conference: one queue of commands, one writer of its journal.

A command is decided on the newest state, its events are on disk before anybody hears of them, and a
repeat of its id finds its first outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog
from structlog.contextvars import bind_contextvars

from signaling.clock import Clock
from signaling.conference import events
from signaling.conference.commands import Actor, Command
from signaling.conference.decide import decide
from signaling.conference.events import Event
from signaling.conference.evolve import evolve, fold
from signaling.conference.state import Conference
from signaling.journal import CommandKey, Entry, EpochConflictError, Journal, SeqConflictError
from signaling.journal import digest as digest_of
from signaling.presence import SILENCE_S, Presence
from signaling.wire.codec import encode_bytes
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId

ATTEMPTS = 3
"""How often a command is decided anew because somebody else appended first."""

log = structlog.get_logger("signaling.owner")

Changed = Callable[[Conference | None, Conference], None]
"""Called after a commit with the state before and after; must not block."""


@dataclass(frozen=True, slots=True)
class _Job:
    command: Command
    actor: Actor
    command_id: str | None
    done: asyncio.Future[None]


def actor_key(actor: Actor) -> str:
    """Whose command ids these are: a sign-in's account, or one device of a site."""
    return f"{actor.role}/{actor.name}/{actor.device or ''}"


class Owner:
    """Runs one conference. `state` is what is on disk, `epoch` what routing tables carry."""

    def __init__(
        self,
        conference: ConferenceId,
        journal: Journal,
        clock: Clock,
        changed: Changed,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.conference = conference
        self.epoch = 0
        self.state: Conference | None = None
        self.presence = Presence(clock.monotonic(), silence_s)
        self._seq = 0
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._stopped = False
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Become the owner, read the journal, and begin to take commands."""
        self.epoch = await self._journal.raise_epoch(self.conference)
        await self._load()
        self._worker = asyncio.create_task(self._work(), name=f"conference {self.conference}")

    async def stop(self) -> None:
        """Take no more commands; those that wait are refused with ``shutting_down``."""
        self._stopped = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        while not self._queue.empty():
            _refuse(self._queue.get_nowait().done, WireError("shutting_down"))

    @property
    def stopped(self) -> bool:
        """Whether it takes no more commands: the service stops, or another owner took over."""
        return self._stopped

    def current(self) -> Conference:
        """The state. Raises WireError ``not_found`` while there is none."""
        if self.state is None:
            raise WireError("not_found", f"there is no conference {self.conference!r}")
        return self.state

    async def submit(self, command: Command, actor: Actor, command_id: str | None = None) -> None:
        """Run `command`; returns when its events are on disk and everybody was told.

        Raises:
            WireError: it was refused and changed nothing, or ``command_conflict``: `command_id`
                was used for another command.
        """
        if self._stopped:
            raise WireError("shutting_down")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Job(command, actor, command_id, done))
        await done

    async def _work(self) -> None:
        bind_contextvars(conference=self.conference)
        while True:
            job = await self._queue.get()
            try:
                await self._run(job)
            except WireError as error:
                _refuse(job.done, error)
            except asyncio.CancelledError:
                _refuse(job.done, WireError("shutting_down"))
                raise
            except EpochConflictError as error:
                self._stopped = True
                log.error("conference has another owner, stopping", reason=str(error))
                _refuse(job.done, WireError("shutting_down"))
            except Exception:
                log.exception("command failed", conference=self.conference)
                _refuse(job.done, WireError("internal"))
            else:
                if not job.done.done():
                    job.done.set_result(None)

    async def _run(self, job: _Job) -> None:
        key = self._key(job)
        if key is not None:
            first = await self._journal.accepted(self.conference, key.actor, key.id)
            if first is not None:
                if first != key.digest:
                    raise WireError("command_conflict", f"id {key.id} was another command's")
                return
        for _ in range(ATTEMPTS):
            decided = decide(self.state, job.command, job.actor, self._clock.wall())
            if not decided and key is None:
                return
            try:
                await self._commit(decided, key)
            except SeqConflictError:
                await self._catch_up()
            else:
                return
        raise WireError("internal", "the journal changed at every attempt")

    async def _commit(self, decided: list[Event], key: CommandKey | None) -> None:
        entries = [_entry(event) for event in decided]
        self._seq = await self._journal.append(self.conference, self.epoch, self._seq, entries, key)
        before = self.state
        for event in decided:
            self.state = evolve(self.state, event)
        if decided and self.state is not None:
            self._newcomers_are_heard(before, self.state)
            self._changed(before, self.state)

    def _newcomers_are_heard(self, before: Conference | None, after: Conference) -> None:
        """A device that has just got a seat has as long as any other to be heard of."""
        for site, seat in after.seats.items():
            earlier = before.seats[site].device if before is not None else None
            if seat.device != earlier:
                self.presence.heard(site, self._clock.monotonic())

    async def _catch_up(self) -> None:
        """Somebody appended, or a commit of ours failed after it was written."""
        before = self.state
        await self._load()
        if self.state is not None and self.state != before:
            self._changed(before, self.state)

    async def _load(self) -> None:
        bodies = await self._journal.read(self.conference)
        self.state = fold(events.decode(body) for body in bodies)
        self._seq = len(bodies)

    @staticmethod
    def _key(job: _Job) -> CommandKey | None:
        if job.command_id is None:
            return None
        digest = digest_of(encode_bytes(job.command))
        return CommandKey(actor_key(job.actor), job.command_id, digest)


def _entry(event: Event) -> Entry:
    kind = msgspec.inspect.type_info(type(event))
    assert isinstance(kind, msgspec.inspect.StructType)
    return Entry(event.at, str(kind.tag), events.encode(event))


def _refuse(done: asyncio.Future[None], error: WireError) -> None:
    if not done.done():
        done.set_exception(error)
