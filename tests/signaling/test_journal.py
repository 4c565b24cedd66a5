"""The journal: order, owners, and a chain that shows every change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from signaling.database import Database
from signaling.journal import (
    ChainBrokenError,
    CommandKey,
    Entry,
    EpochConflictError,
    Journal,
    SeqConflictError,
    digest,
)
from signaling.tables import events
from signaling.wire.ids import ConferenceId

C = ConferenceId("c")
ONE, TWO, THREE = (Entry(float(n), "started.1", f'{{"n":{n}}}'.encode()) for n in (1, 2, 3))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path)
    yield database
    await database.close()


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


async def test_append_then_read_returns_bodies_in_order(journal: Journal) -> None:
    epoch = await journal.raise_epoch(C)

    assert await journal.append(C, epoch, 0, [ONE, TWO]) == 2
    assert await journal.append(C, epoch, 2, [THREE]) == 3

    assert await journal.read(C) == [ONE.body, TWO.body, THREE.body]


async def test_append_refuses_a_stale_seq_and_writes_nothing(journal: Journal) -> None:
    epoch = await journal.raise_epoch(C)
    await journal.append(C, epoch, 0, [ONE])

    with pytest.raises(SeqConflictError):
        await journal.append(C, epoch, 0, [TWO], CommandKey("a", "id", b"d"))

    assert await journal.read(C) == [ONE.body]
    assert await journal.accepted(C, "a", "id") is None


async def test_append_refuses_an_older_epoch(journal: Journal) -> None:
    older = await journal.raise_epoch(C)
    newer = await journal.raise_epoch(C)

    with pytest.raises(EpochConflictError):
        await journal.append(C, older, 0, [ONE])

    assert newer == older + 1
    assert await journal.append(C, newer, 0, [ONE]) == 1


async def test_epochs_of_conferences_are_independent(journal: Journal) -> None:
    await journal.raise_epoch(C)

    assert await journal.raise_epoch(ConferenceId("other")) == 1


async def test_accepted_command_is_found_by_actor_and_id(journal: Journal) -> None:
    epoch = await journal.raise_epoch(C)
    key = CommandKey("operator/x/", "id-1", digest(b"take"))

    await journal.append(C, epoch, 0, [], key)

    assert await journal.accepted(C, key.actor, key.id) == key.digest
    assert await journal.accepted(C, "another", key.id) is None


async def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    journal = Journal(database)
    await journal.append(C, await journal.raise_epoch(C), 0, [ONE, TWO])
    await database.close()

    database = await Database.open(tmp_path)
    again = Journal(database)

    assert await again.conferences() == [C]
    assert await again.read(C) == [ONE.body, TWO.body]
    assert await again.verify_chain(C) == 2
    await database.close()


async def test_verify_chain_finds_an_altered_body(journal: Journal, database: Database) -> None:
    await journal.append(C, await journal.raise_epoch(C), 0, [ONE, TWO, THREE])
    async with database.write() as connection:
        await connection.execute(update(events).where(events.c.seq == 2).values(body=b"{}"))

    with pytest.raises(ChainBrokenError, match="event 2"):
        await journal.verify_chain(C)


async def test_verify_chain_finds_an_altered_time(journal: Journal, database: Database) -> None:
    await journal.append(C, await journal.raise_epoch(C), 0, [ONE])
    async with database.write() as connection:
        await connection.execute(update(events).values(at=99.0))

    with pytest.raises(ChainBrokenError, match="event 1"):
        await journal.verify_chain(C)


async def test_verify_chain_finds_a_missing_event(journal: Journal, database: Database) -> None:
    await journal.append(C, await journal.raise_epoch(C), 0, [ONE, TWO, THREE])
    async with database.write() as connection:
        await connection.execute(delete(events).where(events.c.seq == 2))

    with pytest.raises(ChainBrokenError, match="event 2"):
        await journal.verify_chain(C)
