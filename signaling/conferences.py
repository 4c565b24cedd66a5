"""The conferences that this process owns: loads them, runs their commands, tells of changes.

Each conference has one queue. A command is decided on the newest state, its events are on disk
before anybody hears of them, and a repeat of its id finds its first outcome.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from signaling.clock import Clock
from signaling.conference import events
from signaling.conference.commands import SYSTEM, Actor, Command, Create, Lose
from signaling.conference.decide import decide
from signaling.conference.events import Event
from signaling.conference.evolve import evolve, fold
from signaling.conference.state import Conference, SiteInfo
from signaling.journal import (
    ChainBrokenError,
    CommandKey,
    Entry,
    EpochConflictError,
    Journal,
    SeqConflictError,
)
from signaling.journal import digest as digest_of
from signaling.presence import SILENCE_S, Presence
from signaling.wire.codec import encode_bytes
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, SiteCode

ATTEMPTS = 3
"""How often a command is decided anew because somebody else appended first."""

log = structlog.get_logger("signaling.conferences")

Changed = Callable[[Conference | None, Conference], None]
"""Called after a commit with the state before and after; must not block."""


@dataclass(frozen=True, slots=True)
class ConferenceTemplate:
    """What a conference is founded from; `sites` in protocol order, the central one among them."""

    key: str
    title: str
    title_en: str
    organizer: str
    starts_at: float
    central: SiteCode
    sites: tuple[SiteInfo, ...]


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
            self._changed(before, self.state)

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


class Conferences:
    """Every conference of the data directory."""

    def __init__(
        self, journal: Journal, clock: Clock, changed: Changed, silence_s: float = SILENCE_S
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._silence_s = silence_s
        self._owners: dict[ConferenceId, Owner] = {}

    async def load(self) -> None:
        """Become the owner of every conference on disk, and tell of each as of a change.

        One whose journal cannot be read is left alone and logged; the others go on.
        """
        for conference in await self._journal.conferences():
            try:
                events_sound = await self._journal.verify_chain(conference)
                owner = await self._start(conference)
            except (ChainBrokenError, msgspec.DecodeError) as error:
                log.error(
                    "conference left out: its journal is damaged",
                    conference=conference,
                    reason=str(error),
                    next="restore the data directory from its backup",
                )
                continue
            if owner.state is not None:
                log.debug("conference loaded", conference=conference, events=events_sound)
                self._changed(None, owner.state)

    async def stop(self) -> None:
        """Stop every owner."""
        await asyncio.gather(*(owner.stop() for owner in self._owners.values()))

    def get(self, conference: str) -> Owner:
        """The owner of a conference. Raises WireError ``not_found``."""
        owner = self._owners.get(ConferenceId(conference))
        if owner is None or owner.state is None:
            raise WireError("not_found", f"there is no conference {conference[:40]!r}")
        return owner

    def find(self, conference: str) -> Owner | None:
        """The owner of a conference, or None."""
        owner = self._owners.get(ConferenceId(conference))
        return owner if owner is not None and owner.state is not None else None

    def all(self) -> list[Owner]:
        """Every conference there is, oldest first."""
        return [owner for owner in self._owners.values() if owner.state is not None]

    async def create(
        self, template: ConferenceTemplate, actor: Actor, title: str | None = None
    ) -> ConferenceId:
        """Found a conference. Raises WireError ``forbidden``."""
        conference = ConferenceId(secrets.token_hex(5))
        command = Create(
            conference=conference,
            title=title or template.title,
            title_en=title or template.title_en,
            organizer=template.organizer,
            starts_at=template.starts_at,
            central=template.central,
            sites=template.sites,
        )
        return await self.found(command, actor)

    async def found(self, command: Create, actor: Actor) -> ConferenceId:
        """Run a `Create`.

        Raises WireError ``forbidden``, ``bad_message``, ``command_conflict`` (it is there already).
        """
        if command.conference in self._owners:
            raise WireError("command_conflict", f"{command.conference} exists already")
        decide(None, command, actor, self._clock.wall())
        owner = await self._start(command.conference)
        await owner.submit(command, actor)
        log.info("conference created", conference=command.conference, sites=len(command.sites))
        return command.conference

    async def lose_silent(self) -> None:
        """Give free every seat that has been silent for too long. Call it once a second."""
        now = self._clock.monotonic()
        for owner in self.all():
            state = owner.current()
            if state.phase == "ended" or owner.stopped:
                continue
            present = [site for site, seat in state.seats.items() if seat.present]
            for site in owner.presence.silent(present, now):
                log.info(
                    "seat lost its device",
                    conference=owner.conference,
                    site=site,
                    silent_s=self._silence_s,
                    next="its seat keeps its state and waits for the device, or for another",
                )
                await owner.submit(Lose(site), SYSTEM)

    async def _start(self, conference: ConferenceId) -> Owner:
        owner = Owner(conference, self._journal, self._clock, self._changed, self._silence_s)
        await owner.start()
        self._owners[conference] = owner
        return owner


def _entry(event: Event) -> Entry:
    kind = msgspec.inspect.type_info(type(event))
    assert isinstance(kind, msgspec.inspect.StructType)
    return Entry(event.at, str(kind.tag), events.encode(event))


def _refuse(done: asyncio.Future[None], error: WireError) -> None:
    if not done.done():
        done.set_exception(error)
