"""Signing keys are made once, and the newest signs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert

from signaling.database import Database
from signaling.keys import load_keys
from signaling.tables import keys


async def test_key_is_made_once(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    first, again = await load_keys(database, 1.0), await load_keys(database, 2.0)
    await database.close()

    assert first == again
    assert len(first.keys[first.current]) == 32


async def test_newest_key_signs_and_all_verify(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    first = await load_keys(database, 1.0)
    async with database.write() as connection:
        fresh = {"kid": "new", "secret": b"n" * 32, "created_at": 2.0}
        await connection.execute(insert(keys).values(fresh))

    ring = await load_keys(database, 3.0)
    await database.close()

    assert ring.current == "new"
    assert set(ring.keys) == {first.current, "new"}
