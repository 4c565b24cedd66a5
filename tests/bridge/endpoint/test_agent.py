"""The agent in a real conference: seen, heard only when both flags allow it, back after faults."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import av
import pytest

from bridge.endpoint import agentmedia, doors, loops
from bridge.endpoint.agent import Agent, AgentError, StateFile
from bridge.endpoint.watcher import Watcher
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Operator
from signaling.wire.ids import SlotName
from signaling.wire.pages import Mute, Start, Unmute
from tests.service import Service, running_service

THUMB, FLOOR = SlotName("thumb:1"), SlotName("floor:1")
TONE_HZ = 740


class Hall:
    """A service, and an operator's window that watches site 01."""

    def __init__(self, service: Service, wheel: Wheel) -> None:
        self.service, self._wheel = service, wheel
        self.operator = Operator(service.url, 1, wheel, Certificate())

    async def begin(self) -> doors.Link:
        await self.operator.sign_in(self.service.operator_sign_in)
        made = await self.operator.create("conference-2020", "Agent")
        await self.operator.enter(made.conference)
        links = await self.operator.links(made.conference)
        link = doors.read_link(next(link.url for link in links if link.site == "01"))
        self.operator.watch([link.site])
        return link

    async def watch_anew(self) -> Watcher:
        """Receive in a new session, as a page does after its old one was closed."""
        given = self.operator.page.snapshot.doors
        assert given.whep is not None
        watcher = Watcher(self.operator.watcher.slots, self._wheel, Certificate())
        whep = urljoin(self.service.url, given.whep)
        await watcher.open(
            doors.Resource(self.operator.http, whep, given.token, self.operator.watcher.slots)
        )
        return watcher


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with running_service(tmp_path / "data") as service, Wheel() as wheel:
        hall = Hall(service, wheel)
        yield hall
        await hall.operator.leave()


@contextlib.asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def picture() -> agentmedia.AgentMedia:
    return agentmedia.generated("01", "Hà Nội", TONE_HZ)


async def hears_tone(watcher: Watcher, limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while (await watcher.hear(FLOOR)).tone_hz != pytest.approx(TONE_HZ, abs=8):
            pass


async def test_agent_is_seen_heard_muted_and_the_same_device_after_a_restart(
    hall: Hall, tmp_path: Path
) -> None:
    link, operator = await hall.begin(), hall.operator
    state = StateFile(tmp_path / "agent.json")
    async with running(Agent(link, state, picture, unmute=True)):
        await operator.watcher.see(THUMB, "01", 30)
        await operator.command(Start())
        assert (await operator.watcher.hear(FLOOR)).silent, "the operator's flag is still set"
        await operator.command(Unmute("01"))
        await hears_tone(operator.watcher)
    async with running(Agent(link, state, picture)):
        # the same device keeps its flags, and needs not wait for the old one to be silent
        await hears_tone(operator.watcher)
        await operator.command(Mute("01"))
        await operator.page.until(lambda: not operator.floor, 10)
        assert (await operator.watcher.hear(FLOOR)).silent
        seat = operator.seat("01")
        assert seat is not None
        assert not seat.muted_by_site


async def test_agent_opens_new_sessions_when_the_bridge_has_died(
    hall: Hall, tmp_path: Path
) -> None:
    link, operator = await hall.begin(), hall.operator
    async with running(Agent(link, StateFile(tmp_path / "agent.json"), picture)):
        await operator.watcher.see(THUMB, "01", 30)
        os.kill(hall.service.pid("bridge"), signal.SIGKILL)
        await operator.page.until(lambda: bool(operator.closed_sessions), 30)
        await hall.service.ready()
        watcher = await hall.watch_anew()
        await watcher.see(THUMB, "01", 40)
        watcher.close()


async def test_agent_shows_a_file_round_and_round(hall: Hall, tmp_path: Path) -> None:
    file = tmp_path / "film.mkv"
    write_film(file, loops.encode(loops.LoopKey("film", "Phim", 600)).frames[:15])
    link, operator = await hall.begin(), hall.operator
    media = lambda: agentmedia.from_file(str(file))  # noqa: E731
    async with running(Agent(link, StateFile(tmp_path / "agent.json"), media)):
        await operator.watcher.see(THUMB, "film", 30)
        before = operator.watcher.packets(THUMB)
        await asyncio.sleep(2.5)  # longer than the film
        assert (await operator.watcher.see(THUMB, "film", 10)).label == "film"
        assert operator.watcher.packets(THUMB) > before


async def test_agent_ends_when_its_link_is_refused(hall: Hall, tmp_path: Path) -> None:
    link = await hall.begin()
    agent = Agent(link._replace(token="no.such.token"), StateFile(tmp_path / "a.json"), picture)
    with pytest.raises(AgentError, match="link_invalid"):
        await agent.run()
    assert not (tmp_path / "a.json").exists()


def test_state_file_keeps_each_link_apart_and_to_its_owner(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "deep" / "agent.json")
    assert state.load("http://h/c/a/s/01/") is None
    state.store("http://h/c/a/s/01/", "one")
    state.store("http://h/c/a/s/02/", "two")
    assert state.load("http://h/c/a/s/01/") == "one"
    assert StateFile(tmp_path / "deep" / "agent.json").load("http://h/c/a/s/02/") == "two"
    assert (tmp_path / "deep" / "agent.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"http://h/": 7}'])
def test_state_file_that_is_torn_knows_nothing(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "agent.json"
    path.write_text(torn)
    assert StateFile(path).load("http://h/") is None
    StateFile(path).store("http://h/", "x")
    assert StateFile(path).load("http://h/") == "x"


def test_from_file_refuses_what_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Kính gửi")
    with pytest.raises(OSError, match=r"letter\.txt"):
        agentmedia.from_file(str(tmp_path / "letter.txt"))
    with pytest.raises(OSError, match="nothing"):
        agentmedia.from_file(str(tmp_path / "nothing"))


def write_film(file: Path, frames: tuple[bytes, ...]) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream = stream
            packet.time_base = fractions.Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = number == 0
            container.mux(packet)
