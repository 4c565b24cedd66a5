"""The agent in a real conference: seen, heard only when both flags allow it, back after faults."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from http.cookies import BaseCookie
from pathlib import Path
from urllib.parse import urljoin

import av
import pytest
import pytest_asyncio
import structlog
from yarl import URL

from bridge.agent import media as agentmedia
from bridge.agent.agent import Agent, AgentError
from bridge.agent.media import AgentMedia
from bridge.agent.source import Card, Size, Source, read_source
from bridge.agent.state import StateFile
from bridge.endpoint import doors, loops
from bridge.endpoint.watcher import Watcher
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Operator
from signaling.wire.commands import Mute, Preview, Scene, Start, Unmute
from signaling.wire.figures import SiteFigures
from signaling.wire.ids import SiteCode, SlotName
from tests.fakes.rtsp import RtspCamera
from tests.service import Service, running_service

Cookies = BaseCookie[str]
THUMB, FLOOR = SlotName("thumb:1"), SlotName("floor:1")
TONE_HZ = 740


class Hall:
    """A service, and an operator's window that watches site 01."""

    def __init__(self, service: Service, cookies: Cookies, wheel: Wheel) -> None:
        self.service, self._cookies, self._wheel = service, cookies, wheel
        self.operator = Operator(service.url, 1, wheel, Certificate())

    async def begin(self) -> doors.Link:
        self.operator.http.cookie_jar.update_cookies(self._cookies, URL(self.service.url))
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


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with running_service(tmp_path_factory.mktemp("service") / "data") as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cookies(service: Service) -> Cookies:
    """The operator's sign-in: its link can be used once."""
    async with Wheel() as wheel:
        operator = Operator(service.url, 1, wheel, Certificate())
        await operator.sign_in(service.operator_sign_in)
        found = operator.http.cookie_jar.filter_cookies(URL(service.url))
        await operator.http.close()
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def hall(service: Service, cookies: Cookies) -> AsyncIterator[Hall]:
    async with Wheel() as wheel:
        hall = Hall(service, cookies, wheel)
        yield hall
        await hall.operator.leave()


@contextlib.asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def media_of(video: Source, audio: Source | None = None) -> Callable[[str], AgentMedia]:
    """Opens these sources; without `audio` the sound is that of `video`."""

    def open_media(name: str) -> AgentMedia:
        size, card = Size(640, 360), Card("01", "Hà Nội", TONE_HZ)
        sources = agentmedia.plan(video, audio or video, size, 25, card)
        return AgentMedia(sources, agentmedia.slate("01", name, size), time.time)

    return open_media


picture = media_of(Source("test"))


async def hears_tone(watcher: Watcher, limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while (await watcher.hear(FLOOR)).tone_hz != pytest.approx(TONE_HZ, abs=8):
            pass


def figures_of(operator: Operator) -> SiteFigures | None:
    """What a technician sees of site 01."""
    figures = operator.page.figures
    return figures.sites.get(SiteCode("01")) if figures else None


def figures_say(operator: Operator, what: str, expected: bool) -> bool:
    return getattr(figures_of(operator), what, None) is expected


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


async def test_agent_is_small_on_the_wall_and_large_on_the_stage(
    hall: Hall, tmp_path: Path
) -> None:
    link, operator = await hall.begin(), hall.operator
    agent = Agent(link, StateFile(tmp_path / "agent.json"), picture)
    async with running(agent):
        await operator.watcher.see(THUMB, "01", 20, width=320)
        await resting(operator, hall.service.url, link.conference)
        await operator.command(Preview(Scene("single", (link.site,))))
        await operator.watcher.see(SlotName("preview:1"), "01", 20, width=640)
        await operator.watcher.see(THUMB, "01", 20, width=320)


async def resting(operator: Operator, hall_url: str, conference: str) -> None:
    """Wait until the site sends its small picture alone."""
    begin = f'diemcau_picture_bits_per_second{{conference="{conference}"'
    async with asyncio.timeout(20):
        while True:
            async with operator.http.get(f"{hall_url}/metrics") as response:
                lines = (await response.text()).splitlines()
            bits = {
                one.split('layer="')[1].split('"')[0]: float(one.split()[-1])
                for one in lines
                if begin in one
            }
            if bits.get("main") == 0.0 and bits.get("alt", 0.0) > 0:
                return
            await operator.page.until(_again(operator), 5)


def _again(operator: Operator) -> Callable[[], bool]:
    """True with the next figures."""
    before = operator.page.figures
    return lambda: operator.page.figures is not before


async def test_agent_opens_new_sessions_when_the_bridge_has_died(
    hall: Hall, tmp_path: Path
) -> None:
    link, operator = await hall.begin(), hall.operator
    agent = Agent(link, StateFile(tmp_path / "agent.json"), picture)
    async with running(agent):
        await operator.watcher.see(THUMB, "01", 30)
        await operator.page.until(lambda: agent.status.receive.connected, 30)
        stood = agent.status.publish.since, agent.status.receive.since
        os.kill(hall.service.pid("bridge"), signal.SIGKILL)
        await operator.page.until(lambda: bool(operator.closed_sessions), 30)
        await hall.service.ready()
        watcher = await hall.watch_anew()
        await watcher.see(THUMB, "01", 40)
        watcher.close()
        lines = agent.status.publish, agent.status.receive

        def both_again() -> bool:
            again = tuple(line.since for line in lines)
            return all(line.connected for line in lines) and again[1] > stood[1]

        await operator.page.until(both_again, 40)
        assert agent.status.publish.since > stood[0]


async def test_agent_shows_a_file_round_and_round(hall: Hall, tmp_path: Path) -> None:
    file = tmp_path / "film.mkv"
    write_film(file, loops.encode(loops.LoopKey("film", "Phim", 600)).frames[:15])
    link, operator = await hall.begin(), hall.operator
    media = media_of(read_source(f"file:{file}"), Source("test"))
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


async def test_agent_shows_a_network_camera_a_slate_while_it_is_gone_and_it_again(
    hall: Hall, tmp_path: Path
) -> None:
    camera = RtspCamera(loops.encode(loops.LoopKey("rtsp", "Camera", 600)).frames)
    await camera.plug_in()
    link, watcher = await hall.begin(), hall.operator.watcher
    agent = Agent(link, StateFile(tmp_path / "agent.json"), media_of(read_source(camera.url)))
    async with running(agent):
        await watcher.see(THUMB, "rtsp", 30)
        await camera.unplug()
        async with asyncio.timeout(20):
            while (await watcher.see(THUMB)).label is not None:
                pass
        assert agent.status.publish.connected, "the session goes on"
        assert agent.status.last_error is not None
        assert "secret" not in agent.status.last_error.text
        assert not agent.status.sources[0].flowing
        await camera.plug_in()
        await watcher.see(THUMB, "rtsp", 40)
        assert agent.status.sources[0].flowing
    await camera.unplug()


async def test_agent_without_its_camera_shows_a_slate_and_says_why(
    hall: Hall, tmp_path: Path
) -> None:
    link, operator = await hall.begin(), hall.operator
    media = media_of(read_source("v4l2:/dev/video9"), read_source("alsa:no-such-device"))
    agent = Agent(link, StateFile(tmp_path / "agent.json"), media)
    with structlog.testing.capture_logs() as lines:
        async with running(agent):
            assert (await operator.watcher.see(THUMB, timeout_s=30)).label is None
            await operator.page.until(lambda: figures_say(operator, "camera", False), 40)
    assert [one.why for one in agent.status.sources] == [
        "No such file or directory",
        "no microphone named 'no-such-device'",
    ]
    lost = [line for line in lines if line["event"] == "source lost"]
    assert sorted(line["source"] for line in lost) == [
        "alsa:no-such-device",
        "v4l2:/dev/video9",
    ], "told once, however often it is tried"
    assert figures_say(operator, "microphone", False)


async def test_agent_reports_its_own_statistics(hall: Hall, tmp_path: Path) -> None:
    link, operator = await hall.begin(), hall.operator
    agent = Agent(link, StateFile(tmp_path / "agent.json"), picture)
    async with running(agent):

        def told() -> bool:
            site = figures_of(operator)
            return site is not None and bool(site.microphone_level and site.sent_frames_per_s)

        await operator.page.until(told, 40)
        assert figures_say(operator, "camera", True)
        assert figures_say(operator, "microphone", True)
        assert agent.status.connection.connected
        assert agent.status.muted_by_operator
        assert agent.status.conference == "Agent"


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
