"""The data directory: its lock, its SQLite file, and the migrations that bring it up to date.

One process owns a data directory. Writes go one after another through `Database.write`; a write
is on disk when the block has ended (WAL, ``synchronous=FULL``).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Any

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = "diemcau.sqlite3"
LOCK_NAME = "lock"
CONNECTIONS = 3
"""One writes, two read; who finds none free waits. All are opened at the start, so that the service
holds the same files however many come."""

log = structlog.get_logger("signaling.database")


class DataDirectoryInUseError(Exception):
    """Another process owns the data directory; the message names both."""


class DataDirectoryLock:
    """An exclusive lock on a data directory, for as long as this object or its process lives."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def acquire(cls, data_dir: Path) -> DataDirectoryLock:
        """Lock `data_dir`, creating it if need be (owner-only). Raises DataDirectoryInUseError."""
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (data_dir / LOCK_NAME).open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise DataDirectoryInUseError(
                f"data directory {data_dir} is in use by process {owner}; stop it first, "
                "or start with another data directory"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return cls(file)

    def release(self) -> None:
        """Give the directory free."""
        self._file.close()


class Database:
    """The one SQLite file of a data directory. Open with `open`, end with `close`."""

    def __init__(self, engine: AsyncEngine, lock: DataDirectoryLock | None) -> None:
        self._engine = engine
        self._lock = lock
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, data_dir: Path) -> Database:
        """Lock the directory, open the file and migrate it. Raises DataDirectoryInUseError."""
        lock = DataDirectoryLock.acquire(data_dir)
        path = data_dir / FILE_NAME
        database = cls(_engine(path), lock)
        try:
            async with database.write() as connection:
                await connection.run_sync(migrate)
            path.chmod(0o600)
            await database._open_all()
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    def beside(cls, data_dir: Path) -> Database:
        """The file of a directory that another process owns, for a command of the administrator.

        Neither locks nor migrates, and never touches a journal. Raises FileNotFoundError.
        """
        path = data_dir / FILE_NAME
        path.stat()
        return cls(_engine(path), None)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, alone: committed when the block ends, undone when it raises."""
        async with self._writing, self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with; sees what was committed before."""
        async with self._engine.connect() as connection:
            yield connection

    async def answers(self) -> bool:
        """Whether it can be read; a fault is logged."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            log.exception(
                "database does not answer", next_step="look at the disk of the data directory"
            )
            return False
        return True

    async def _open_all(self) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(CONNECTIONS):
                await stack.enter_async_context(self._engine.connect())

    async def close(self) -> None:
        """Close the file and give the directory free."""
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.release()


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", pool_size=CONNECTIONS, max_overflow=0
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
