"""A real server on loopback, its data in a directory of the test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from signaling.conferences import Conferences, ConferenceTemplate
from signaling.database import Database
from signaling.journal import Journal
from signaling.options import Options, Timings
from signaling.owner import Owner
from tests.fakes.clock import FakeClock
from tests.signaling.build import CREATE, OPERATOR
from tests.signaling.heard import Heard
from tests.signaling.stage import NODE_TOKEN, Stage

TEMPLATE = ConferenceTemplate(
    "small",
    CREATE.title,
    CREATE.title_en,
    CREATE.organizer,
    CREATE.starts_at,
    CREATE.central,
    CREATE.sites,
)

StartStage = Callable[[Options], contextlib.AbstractAsyncContextManager[Stage]]


@pytest.fixture
def clock() -> FakeClock:
    """Stands still unless the test moves it."""
    return FakeClock()


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """A service on a free port, whose tick the tests wait for but briefly."""
    return Options(
        data_dir=tmp_path / "data",
        node_tokens=(NODE_TOKEN,),
        templates={"small": TEMPLATE},
        port=0,
        default_template="small",
        pages_dir=tmp_path / "pages",
        timings=Timings(tick_s=0.02),
        password_memory_kib=64,
    )


@pytest.fixture
async def stage(options: Options, clock: FakeClock) -> AsyncIterator[Stage]:
    """A running server with its default conference; closes every page and node at the end."""
    async with contextlib.AsyncExitStack() as stack:
        yield await Stage.start(options, clock, stack)


@pytest.fixture
def start_stage(clock: FakeClock) -> StartStage:
    """For tests that need other options, or a second server."""

    @contextlib.asynccontextmanager
    async def start(options: Options) -> AsyncIterator[Stage]:
        async with contextlib.AsyncExitStack() as stack:
            yield await Stage.start(options, clock, stack)

    return start


@pytest.fixture
def heard() -> Heard:
    """Who listens to changes of conferences."""
    return Heard()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """An empty one, in a directory of the test."""
    database = await Database.open(tmp_path)
    yield Journal(database)
    await database.close()


@pytest.fixture
async def conferences(
    journal: Journal, clock: FakeClock, heard: Heard
) -> AsyncIterator[Conferences]:
    """None yet."""
    conferences = Conferences(journal, clock, heard)
    yield conferences
    await conferences.stop()


@pytest.fixture
async def owner(conferences: Conferences) -> Owner:
    """Of a small conference."""
    return conferences.get(await conferences.create(TEMPLATE, OPERATOR))
