"""The status page: what is shown in which language, to whom, and nothing that runs."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.agent.media import Supplied
from bridge.agent.status import Status, StatusServer
from bridge.agent.texts import TEXTS, language
from signaling.wire.pages import Report


@pytest.fixture
def status() -> Status:
    status = Status("48", 1_590_710_400.0, name="Đà Nẵng", conference="Hội nghị <2020>")
    status.sources = [
        Supplied("v4l2", ("video",), flowing=False, since=1_590_710_500.0, why="unplugged"),
        Supplied("alsa", ("audio",), flowing=True, since=1_590_710_500.0),
    ]
    status.muted_by_operator, status.muted_by_site = True, False
    status.figures = Report(rtt_s=0.021, camera=False, microphone=True)
    status.trouble(1_590_710_600.0, "v4l2: unplugged")
    return status


@pytest.fixture
async def url(status: Status) -> AsyncIterator[str]:
    server = StatusServer(status, 0)
    yield f"http://127.0.0.1:{await server.start()}"
    await server.close()


async def test_json_says_everything(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/status") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        told = await response.json()
    assert (told["site"], told["name"]) == ("48", "Đà Nẵng")
    assert told["publish"] == {"connected": False, "since": 1_590_710_400.0}
    assert told["sources"][0] == {
        "name": "v4l2",
        "gives": ["video"],
        "flowing": False,
        "since": 1_590_710_500.0,
        "why": "unplugged",
    }
    assert told["figures"]["rtt_s"] == 0.021
    assert told["last_error"] == {"at": 1_590_710_600.0, "text": "v4l2: unplugged"}


@pytest.mark.parametrize(
    ("accept", "words"),
    [
        ("vi-VN,vi;q=0.9,en;q=0.8", ["Điểm cầu", "mất tín hiệu", "đạo diễn đã tắt"]),
        ("en-GB", ["Site", "no signal", "muted by the operator"]),
    ],
)
async def test_page_speaks_the_readers_language(url: str, accept: str, words: list[str]) -> None:
    headers = {"Accept-Language": accept}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        text = await response.text()
        assert response.headers["Content-Language"] == accept[:2]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for word in [*words, "Đà Nẵng", "unplugged", "0.021"]:
        assert word in text
    assert "Hội nghị &lt;2020&gt;" in text


async def test_page_is_there_before_anything_is_known() -> None:
    server = StatusServer(Status("48", 0.0), 0)
    port = await server.start()
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as response:
        assert "chưa rõ" in await response.text()
    await server.close()


async def test_a_foreign_name_for_this_machine_is_refused(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for host, expected in (
            ("evil.example", 403),
            ("evil.example:80", 403),
            ("localhost", 200),
            ("127.0.0.1", 200),
        ):
            async with http.get(f"{url}/status", headers={"Host": host}) as response:
                assert response.status == expected, host


async def test_a_port_that_is_taken_is_an_error(status: Status) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(OSError, match="address already in use"):
        await StatusServer(status, taken.getsockname()[1]).start()


def test_both_languages_have_the_same_words() -> None:
    assert set(TEXTS["vi"]) == set(TEXTS["en"])
    assert all(text for texts in TEXTS.values() for text in texts.values())
    assert set(Report.__struct_fields__) - {"microphone"} <= set(TEXTS["vi"])


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "vi"),
        ("fr", "vi"),
        ("en", "en"),
        ("fr, en;q=0.5", "en"),
        ("en;q=0.5, vi;q=0.6", "vi"),
        ("en;q=0", "vi"),
        ("en;q=x", "vi"),
        (";;,,=", "vi"),
    ],
)
def test_language_is_the_one_preferred(accept: str, chosen: str) -> None:
    assert language(accept) == chosen
