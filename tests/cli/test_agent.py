"""``diemcau agent``: its settings from file and options, its list of devices, its ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.agent.source import Size, Source
from cli import agentsettings
from config.problems import ConfigError
from tests.cli.test_main import diemcau
from tests.service import free_port

LINK = "http://127.0.0.1:9/c/1/s/48/#t=token"
EXAMPLE = Path(__file__).parents[2] / "deploy" / "agent-example.toml"


def test_options_stand_above_the_file() -> None:
    settings = agentsettings.load(EXAMPLE, {"video": "test", "size": "640x360", "unmute": None})
    assert settings.link.site == "48"
    assert settings.video == Source("test")
    assert settings.sound == Source("alsa")
    assert settings.size == Size(640, 360)
    assert settings.unmute


@pytest.mark.parametrize(
    ("video", "sound"),
    [
        ("rtsp://192.0.2.1/x", Source("rtsp", "rtsp://192.0.2.1/x")),
        ("/a.mkv", Source("file", "/a.mkv")),
        ("v4l2", Source("alsa")),
        ("test", Source("test")),
        ("none", Source("none")),
    ],
)
def test_sound_comes_with_the_picture_where_it_can(video: str, sound: Source) -> None:
    assert agentsettings.load(None, {"link": LINK, "video": video}).sound == sound


def test_everything_wrong_is_said_at_once_and_no_secret_with_it(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(
        'link = "http://h/#t=secret"\nvideo = "rtps://user:secret@camera"\naudio = "v4l2"\n'
        'size = "4096x2160"\nframes_per_s = 0\nstatus_port = 0\nvidoe = "test"\n'
    )
    with pytest.raises(ConfigError) as raised:
        agentsettings.load(file, {})
    wrong = {problem.where for problem in raised.value.problems}
    assert wrong == {"link", "video", "audio", "size", "frames_per_s", "status_port", "vidoe"}
    assert "secret" not in str(raised.value)


def test_no_link_and_no_file_are_said(tmp_path: Path) -> None:
    done = diemcau("agent", "--video", "test")
    assert done.returncode == 78
    assert "link: is missing" in done.stderr
    done = diemcau("agent", "--settings", str(tmp_path / "none.toml"))
    assert done.returncode == 78
    assert "none.toml: No such file" in done.stderr


def test_devices_are_listed_or_said_to_be_missing() -> None:
    done = diemcau("agent", "--devices")
    assert done.returncode == 0
    assert "v4l2" in done.stdout or "no camera (V4L2) is connected" in done.stdout
    assert "alsa" in done.stdout or "no microphone (ALSA) is connected" in done.stdout


def test_a_status_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = diemcau("agent", "--link", LINK, "--status-port", port)
    assert done.returncode == 1
    assert f"status_port {port}" in done.stderr


async def test_agent_shows_its_status_while_it_waits_for_the_service_and_ends_when_told(
    tmp_path: Path,
) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "agent", "--link", LINK, "--unmute"),
        *("--status-port", str(port), "--state", str(tmp_path / "agent.json")),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        line = json.loads(await process.stderr.readline())
        assert line["event"] == "the service does not let us in yet, trying on"
        async with http.get(f"http://127.0.0.1:{port}/status") as response:
            told = await response.json()
        assert told["site"] == "48"
        assert not told["connection"]["connected"]
        assert "127.0.0.1" in told["last_error"]["text"]
        process.terminate()
        rest = await process.stderr.read()
        assert await process.wait() == 0
    with contextlib.suppress(json.JSONDecodeError):
        assert "token" not in rest.decode()
