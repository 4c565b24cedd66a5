"""kill -9 of signaling: nothing that was acknowledged is lost, and the media goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from signaling.database import Database
from signaling.journal import Journal
from signaling.wire.commands import Mute, Preview, Scene, Start, Take, Unmute
from signaling.wire.control import SessionInfo
from signaling.wire.ids import ConferenceId, Port, Scope, SessionId, SiteCode
from signaling.wire.pages import ConferenceRow, SeatRow
from tests.fakes.bridge_node import FakeNode
from tests.fakes.page import Page
from tests.signaling.stage import NODE_TOKEN


@dataclass
class Child:
    """A server's process and what it told."""

    process: asyncio.subprocess.Process
    url: str
    conference: str
    operator: str
    links: dict[str, str]

    async def kill(self) -> None:
        """As the power going off."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def running(data_dir: Path, port: int = 0) -> AsyncIterator[Child]:
    """A server on `data_dir`; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.signaling.child", str(data_dir), str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None
    try:
        while not (line := await process.stdout.readline()).startswith(b"{"):
            assert line, "the server ended at its start"
        yield Child(process, **json.loads(line))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_killed_server_comes_back_with_state_sign_ins_and_sessions(tmp_path: Path) -> None:
    node = FakeNode()
    scene = Scene("single", (SiteCode("48"),))
    async with running(tmp_path) as child:
        port = urlsplit(child.url).port
        assert port is not None
        operator, site = Page(child.url), Page(child.url)
        async with operator, site:
            async with await operator.sign_in(child.operator) as response:
                assert response.status == 200
            async with await site.exchange(child.links["48"]) as response:
                assert response.status == 200
            await operator.connect(f"/api/conferences/{child.conference}/socket")
            await site.connect()
            await node.connect(child.url, NODE_TOKEN)
            for page, command in (
                (operator, Start()),
                (operator, Take(scene)),
                (operator, Preview(scene)),
                (operator, Unmute("48")),
                (operator, Mute("01")),
                (site, Unmute("48")),
            ):
                assert await page.command(command) is None
            async with await site.offer("/whip") as response:
                location = response.headers["Location"]
            async with await site.offer("/whep?slots=stage:4,floor:4") as response:
                assert response.status == 201
            await node.until(lambda: bool(node.table(child.conference)))
            await operator.heartbeat()
            before, table = dict(operator.rows), node.table(child.conference)
            epoch = node.tables[Scope(child.conference)][0].epoch
            node.sessions[SessionId("stray")] = SessionInfo(
                SessionId("stray"), Scope("gone"), Port("48/main"), "publish", "connected"
            )

            await child.kill()

            async with running(tmp_path, port) as again:
                await node.disconnect()
                await node.connect(again.url, NODE_TOKEN)
                await operator.connect()
                await site.connect()

                assert again.conference == child.conference
                assert again.links == child.links
                assert operator.rows == before
                row, seat = operator.rows["conference"], site.rows["seat/48"]
                assert isinstance(row, ConferenceRow)
                assert isinstance(seat, SeatRow)
                assert (row.phase, row.program) == ("live", scene)
                assert (seat.present, seat.floor, seat.muted_by_operator) == (True, True, False)

                await node.until(lambda: node.tables[Scope(child.conference)][0].epoch > epoch)
                assert node.table(child.conference) == table
                await node.until(lambda: bool(node.closed))
                assert [session for session, _ in node.closed] == ["stray"]

                headers = {"Authorization": f"Bearer {site.doors.token}"}
                async with site.http.delete(location, headers=headers) as response:
                    assert response.status == 200
                await node.disconnect()
                await again.kill()

    database = await Database.open(tmp_path)
    assert await Journal(database).verify_chain(ConferenceId(child.conference)) > 6
    await database.close()


async def test_server_killed_between_commands_has_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as child, Page(child.url) as operator:
        async with await operator.sign_in(child.operator):
            pass
        await operator.connect(f"/api/conferences/{child.conference}/socket")
        await operator.command(Start())
        taken = None
        for count in range(40):
            taken = Scene("single", (SiteCode(("48", "01", "79")[count % 3]),))
            assert await operator.command(Take(taken)) is None
        await child.kill()

    async with running(tmp_path) as again, Page(again.url) as operator:
        async with await operator.sign_in(again.operator):
            pass
        await operator.connect(f"/api/conferences/{again.conference}/socket")
        row = operator.rows["conference"]
        assert isinstance(row, ConferenceRow)
        assert (row.phase, row.program) == ("live", taken)
