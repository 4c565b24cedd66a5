"""The data directory has one owner, and its schema is what the tables say."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from signaling.accounts import Account, Accounts
from signaling.database import FILE_NAME, MIGRATIONS, Database, DataDirectoryInUseError
from signaling.tables import METADATA, accounts
from signaling.wire.ids import AccountName

OPEN = """
import asyncio, sys
from pathlib import Path
from signaling.database import Database, DataDirectoryInUseError
try:
    asyncio.run(Database.open(Path(sys.argv[1])))
except DataDirectoryInUseError as error:
    print(error)
"""


async def test_second_process_is_told_who_owns_the_directory(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)

    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, str(tmp_path), stdout=subprocess.PIPE
    )
    said, _ = await second.communicate()

    assert f"{tmp_path} is in use by process {os.getpid()}" in said.decode()
    await database.close()


async def test_second_open_in_the_same_process_is_refused(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)

    with pytest.raises(DataDirectoryInUseError):
        await Database.open(tmp_path)

    await database.close()


async def test_directory_is_free_after_close(tmp_path: Path) -> None:
    await (await Database.open(tmp_path)).close()

    await (await Database.open(tmp_path)).close()


async def test_many_at_once_open_no_more_files(tmp_path: Path) -> None:
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def look() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM accounts"))

    async def note(number: int) -> None:
        async with database.write() as connection:
            values = {"name": f"lan{number}", "role": "operator"}
            await connection.execute(insert(accounts), values)

    database = await Database.open(tmp_path)
    before = files()
    await asyncio.gather(*(look() for _ in range(40)), *(note(number) for number in range(40)))
    assert files() == before
    await database.close()


async def test_migrations_build_exactly_the_tables(tmp_path: Path) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    database = await Database.open(tmp_path)
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


@pytest.mark.parametrize("revision", ["0001", "0002"])
async def test_accounts_of_an_older_schema_are_kept(tmp_path: Path, revision: str) -> None:
    def older_schema(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.execute(text("INSERT INTO accounts (name, role) VALUES ('lan', 'operator')"))

    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / FILE_NAME}")
    async with engine.begin() as connection:
        await connection.run_sync(older_schema)
    await engine.dispose()

    database = await Database.open(tmp_path)
    account = await Accounts(database).account("lan")
    await database.close()

    assert account == Account(AccountName("lan"), "operator", None, False, None)


async def test_commits_are_on_disk_before_they_are_acknowledged(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    async with database.read() as connection:
        mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
        synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar_one()
    await database.close()

    full = 2
    assert (mode, synchronous) == ("wal", full)


async def test_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)

    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    await database.close()


async def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO owners (conference, epoch) VALUES ('c', 1)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM owners"))).scalar_one() == 0
    await database.close()
