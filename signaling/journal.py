"""The journal: append-only events per conference, each carrying the hash of the one before.

An append names the sequence number it builds on and its owner's epoch; both are checked in the
transaction that writes, and nobody is told of an event before that transaction is on disk.

- JournalError
    - SeqConflictError: somebody appended first; reload and decide again
    - EpochConflictError: another owner has the conference; this one must stop
    - ChainBrokenError: a stored row is not what was written
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from signaling.database import Database
from signaling.tables import commands, events, owners
from signaling.wire.ids import ConferenceId

GENESIS = bytes(32)
"""What stands for "the hash before" in a conference's first event."""


class JournalError(Exception):
    """An append or a read of the journal that cannot be carried out."""


class SeqConflictError(JournalError):
    """The journal has gone on since it was read."""


class EpochConflictError(JournalError):
    """A newer owner has raised the epoch."""


class ChainBrokenError(JournalError):
    """Stored events do not match their hashes; the message names the first that does not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as bytes. `at`: Unix seconds; `kind`: its versioned tag."""

    at: float
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CommandKey:
    """An accepted command: who sent it under which id, and the digest of what it said."""

    actor: str
    id: str
    digest: bytes


def digest(text: bytes) -> bytes:
    """SHA-256 of an encoded command."""
    return hashlib.sha256(text).digest()


def chain(prev_hash: bytes, conference: str, seq: int, epoch: int, entry: Entry) -> bytes:
    """The hash of an event: binds the one before, its place, and the stored bytes of its body."""
    place = msgspec.json.encode([conference, seq, epoch, entry.at, entry.kind])
    parts = (prev_hash, len(place).to_bytes(4, "big"), place, entry.body)
    return hashlib.sha256(b"".join(parts)).digest()


class Journal:
    """Reads and appends. Its caller is the one owner of each conference it appends to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def conferences(self) -> list[ConferenceId]:
        """Every conference that has a journal, oldest first."""
        query = select(events.c.conference).where(events.c.seq == 1).order_by(events.c.at)
        async with self._database.read() as connection:
            return [ConferenceId(name) for name in (await connection.execute(query)).scalars()]

    async def read(self, conference: ConferenceId) -> list[bytes]:
        """The bodies of all events, oldest first."""
        query = select(events.c.body).where(events.c.conference == conference)
        async with self._database.read() as connection:
            return list((await connection.execute(query.order_by(events.c.seq))).scalars())

    async def raise_epoch(self, conference: ConferenceId) -> int:
        """Become the conference's owner; appends of every older epoch are refused from now on."""
        first = upsert(owners).values(conference=conference, epoch=1)
        raised = first.on_conflict_do_update(
            index_elements=["conference"], set_={"epoch": owners.c.epoch + 1}
        )
        async with self._database.write() as connection:
            return int((await connection.execute(raised.returning(owners.c.epoch))).scalar_one())

    async def accepted(self, conference: ConferenceId, actor: str, command_id: str) -> bytes | None:
        """The digest of the command accepted under this id, None if there is none."""
        query = select(commands.c.digest).where(
            commands.c.conference == conference,
            commands.c.actor == actor,
            commands.c.id == command_id,
        )
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def append(
        self,
        conference: ConferenceId,
        epoch: int,
        seq: int,
        entries: Sequence[Entry],
        command: CommandKey | None = None,
    ) -> int:
        """Add `entries` after event number `seq`, with the command they came from.

        Returns the new sequence number; by then everything is on disk. `entries` may be empty:
        an accepted command that changed nothing is remembered all the same.

        Raises:
            SeqConflictError, EpochConflictError: nothing was written.
        """
        async with self._database.write() as connection:
            await self._check_epoch(connection, conference, epoch)
            prev_hash = await self._check_seq(connection, conference, seq)
            rows = []
            for entry in entries:
                seq += 1
                own = chain(prev_hash, conference, seq, epoch, entry)
                rows.append(_row(conference, seq, epoch, entry, prev_hash, own))
                prev_hash = own
            if rows:
                await connection.execute(insert(events), rows)
            if command is not None:
                await connection.execute(
                    insert(commands).values(
                        conference=conference,
                        actor=command.actor,
                        id=command.id,
                        digest=command.digest,
                        seq=seq,
                    )
                )
        return seq

    async def verify_chain(self, conference: ConferenceId) -> int:
        """Recompute every hash; returns how many events are sound. Raises ChainBrokenError."""
        query = select(events).where(events.c.conference == conference).order_by(events.c.seq)
        prev_hash, seq = GENESIS, 0
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                seq += 1
                own = chain(
                    prev_hash, conference, seq, row.epoch, Entry(row.at, row.kind, row.body)
                )
                if (row.seq, row.prev_hash, row.hash) != (seq, prev_hash, own):
                    raise ChainBrokenError(f"conference {conference}: event {seq} was altered")
                prev_hash = own
        return seq

    async def _check_epoch(
        self, connection: AsyncConnection, conference: ConferenceId, epoch: int
    ) -> None:
        query = select(owners.c.epoch).where(owners.c.conference == conference)
        held = (await connection.execute(query)).scalar_one_or_none()
        if held != epoch:
            raise EpochConflictError(f"conference {conference}: epoch {epoch} is not {held}")

    async def _check_seq(
        self, connection: AsyncConnection, conference: ConferenceId, seq: int
    ) -> bytes:
        """The hash to build on. Raises SeqConflictError."""
        newest = select(func.max(events.c.seq)).where(events.c.conference == conference)
        held = (await connection.execute(newest)).scalar_one() or 0
        if held != seq:
            raise SeqConflictError(f"conference {conference}: the journal is at {held}, not {seq}")
        if seq == 0:
            return GENESIS
        query = select(events.c.hash).where(events.c.conference == conference, events.c.seq == seq)
        return bytes((await connection.execute(query)).scalar_one())


def _row(
    conference: ConferenceId, seq: int, epoch: int, entry: Entry, prev_hash: bytes, own: bytes
) -> dict[str, object]:
    return {
        "conference": conference,
        "seq": seq,
        "at": entry.at,
        "kind": entry.kind,
        "body": entry.body,
        "prev_hash": prev_hash,
        "hash": own,
        "epoch": epoch,
    }
