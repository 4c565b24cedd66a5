"""The conferences that this process owns: loads them, founds them, tells of changes."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

import msgspec
import structlog

from signaling.clock import Clock
from signaling.conference.commands import SYSTEM, Actor, Create, Lose
from signaling.conference.decide import decide
from signaling.conference.state import SiteInfo
from signaling.journal import ChainBrokenError, Journal
from signaling.owner import Changed, Owner
from signaling.presence import SILENCE_S
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, ProgramCodec, SiteCode

log = structlog.get_logger("signaling.conferences")


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
    codec: ProgramCodec = "VP8"


def unknown(conference: str) -> WireError:
    """``not_found``: what is told of a conference that is not there, or not there for who asks."""
    return WireError("not_found", f"there is no conference {conference[:40]!r}")


class Conferences:
    """Every conference of the data directory; `damaged` are those that could not be read."""

    def __init__(
        self, journal: Journal, clock: Clock, changed: Changed, silence_s: float = SILENCE_S
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._silence_s = silence_s
        self.damaged: list[ConferenceId] = []
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
                    next_step="restore the data directory from its backup",
                )
                self.damaged.append(conference)
                continue
            if owner.state is not None:
                log.debug("conference loaded", conference=conference, events=events_sound)
                self._changed(None, owner.state)

    async def stop(self) -> None:
        """Stop every owner."""
        await asyncio.gather(*(owner.stop() for owner in self._owners.values()))

    def get(self, conference: str) -> Owner:
        """The owner of a conference. Raises WireError ``not_found``."""
        owner = self.find(conference)
        if owner is None:
            raise unknown(conference)
        return owner

    def find(self, conference: str) -> Owner | None:
        """The owner of a conference, or None."""
        owner = self._owners.get(ConferenceId(conference))
        return owner if owner is not None and owner.state is not None else None

    def all(self) -> list[Owner]:
        """Every conference there is, oldest first."""
        return [owner for owner in self._owners.values() if owner.state is not None]

    async def create(
        self,
        template: ConferenceTemplate,
        actor: Actor,
        title: str | None = None,
        codec: ProgramCodec | None = None,
    ) -> ConferenceId:
        """Found a conference, with its own title and codec where these are not the template's.

        Raises WireError ``forbidden``.
        """
        conference = ConferenceId(secrets.token_hex(5))
        command = Create(
            conference=conference,
            title=title or template.title,
            title_en=title or template.title_en,
            organizer=template.organizer,
            starts_at=template.starts_at,
            central=template.central,
            sites=template.sites,
            codec=codec or template.codec,
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
                    next_step="its seat keeps its state and waits for the device, or for another",
                )
                await owner.submit(Lose(site), SYSTEM)

    async def _start(self, conference: ConferenceId) -> Owner:
        owner = Owner(conference, self._journal, self._clock, self._changed, self._silence_s)
        await owner.start()
        self._owners[conference] = owner
        return owner
