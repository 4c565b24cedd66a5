"""Recordings over HTTP: who sees which, in whole and in part, and what may be deleted."""

from __future__ import annotations

import pytest

from signaling.conference.commands import SYSTEM
from signaling.conference.events import RecordingDeleted, decode
from signaling.journal import Journal
from signaling.wire.commands import StartRecording, StopRecording
from tests.fakes.page import Page
from tests.signaling.api.shelf import DATA, stored
from tests.signaling.stage import Stage


async def recorded(stage: Stage, *sites: str) -> Page:
    """An operator's page, after a recording was made and ended."""
    operator = await stage.window()
    await operator.command(StartRecording(list(sites)))
    await operator.command(StopRecording())
    return operator


def url(stage: Stage, rest: str = "") -> str:
    return f"/api/conferences/{stage.conference}/recordings{rest}"


async def test_recordings_are_listed_newest_first_with_their_sums(stage: Stage) -> None:
    operator = await recorded(stage, "48")
    await operator.command(StartRecording())
    for name, site in (("1-program", ""), ("1-48", "Đà Nẵng"), ("2-program", "")):
        stored(stage, stage.conference, name, site, open_end=name.startswith("2"))
    (stage.options.data_dir / "recordings" / stage.conference / "lost+found").mkdir()
    async with operator.http.get(url(stage)) as response:
        assert response.status == 200
        told = await response.json()
    assert [(one["recording"], one["site"], one["running"]) for one in told] == [
        ("2-program", None, True),
        ("1-program", None, False),
        ("1-48", "48", False),
    ]
    assert (told[2]["name"], told[2]["seconds"], told[2]["octets"]) == (
        "Đà Nẵng",
        612.5,
        2 * len(DATA),
    )
    assert (told[1]["started_at"], told[1]["ended_at"]) == (100.0, 900.0)
    assert [(one["file"], one["sha256"]) for one in told[0]["segments"]] == [
        ("0001.mkv", "ab" * 32),
        ("0002.mkv", None),
    ]


async def test_without_recordings_the_list_is_empty(stage: Stage) -> None:
    operator = await stage.window()
    async with operator.http.get(url(stage)) as response:
        assert (response.status, await response.json()) == (200, [])


async def test_what_holds_nothing_is_listed_only_while_it_runs(stage: Stage) -> None:
    operator = await recorded(stage)
    await operator.command(StartRecording())
    for name in ("1-program", "2-program"):
        for path in stored(stage, stage.conference, name).glob("000*"):
            path.unlink()
    async with operator.http.get(url(stage)) as response:
        told = await response.json()
    assert [(one["recording"], one["seconds"]) for one in told] == [("2-program", 0.0)]


async def test_a_file_comes_whole_or_in_part_under_a_name_of_its_own(stage: Stage) -> None:
    operator = await recorded(stage)
    stored(stage, stage.conference, "1-program")
    async with operator.http.get(url(stage, "/1-program/0001.mkv")) as response:
        assert (response.status, await response.read()) == (200, DATA)
        assert response.content_type == "video/x-matroska"
        shown = response.headers["Content-Disposition"]
    assert shown == f'attachment; filename="diemcau-{stage.conference}-1-program-0001.mkv"'
    part = {"Range": "bytes=100-199"}
    async with operator.http.get(url(stage, "/1-program/0001.mkv"), headers=part) as response:
        assert (response.status, await response.read()) == (206, DATA[100:200])
    beyond = {"Range": f"bytes={len(DATA)}-"}
    async with operator.http.get(url(stage, "/1-program/0001.mkv"), headers=beyond) as response:
        assert response.status == 416


@pytest.mark.parametrize(
    "asked",
    ["items=0-3", "bytes=0-3,8-11", "bytes=9-3", "bytes=", "bytes=-", "bytes=a-b", "nonsense", ""],
)
async def test_a_range_that_is_not_understood_is_passed_over(stage: Stage, asked: str) -> None:
    operator = await recorded(stage)
    stored(stage, stage.conference, "1-program")
    headers = {"Range": asked}
    async with operator.http.get(url(stage, "/1-program/0001.mkv"), headers=headers) as response:
        assert (response.status, await response.read()) == (200, DATA)


async def test_the_unit_of_a_range_is_known_in_any_case(stage: Stage) -> None:
    operator = await recorded(stage)
    stored(stage, stage.conference, "1-program")
    headers = {"Range": "Bytes=-16"}
    async with operator.http.get(url(stage, "/1-program/0001.mkv"), headers=headers) as response:
        assert (response.status, await response.read()) == (206, DATA[-16:])


@pytest.mark.parametrize(
    "path",
    [
        "/1-program/recording.json",
        "/1-program/0001.json",
        "/1-program/..%2f..%2fdiemcau.sqlite3",
        "/1-program/%2e%2e",
        "/..%2f1-program/0001.mkv",
        "/9-program/0001.mkv",
        "/1-program/0003.mkv",
        "/1-program/0009.mkv",
    ],
)
async def test_nothing_but_segments_is_ever_handed_out(stage: Stage, path: str) -> None:
    operator = await recorded(stage)
    folder = stored(stage, stage.conference, "1-program")
    (folder / "0009.mkv").symlink_to(stage.options.data_dir / "diemcau.sqlite3")
    async with operator.http.get(url(stage, path)) as response:
        assert response.status == 404


async def test_who_may_see_and_who_may_delete(stage: Stage) -> None:
    await recorded(stage)
    stored(stage, stage.conference, "1-program")
    file = url(stage, "/1-program/0001.mkv")
    for role, sees, deletes in (
        ("viewer", 403, 403),
        ("technician", 403, 403),
        ("secretary", 200, 403),
        ("administrator", 200, 204),
    ):
        page = await stage.signed_in(role)
        for address in (url(stage), file):
            async with page.http.get(address) as response:
                assert response.status == sees, role
        async with page.http.delete(url(stage, "/1-program")) as response:
            assert response.status == deletes, role
    stranger = await stage.page()
    async with stranger.http.get(file) as response:
        assert response.status == 401
    site = await stage.site("48")
    async with site.http.get(file) as response:
        assert response.status == 401


async def test_what_is_deleted_is_gone_and_stays_in_the_journal(stage: Stage) -> None:
    operator = await recorded(stage)
    folder = stored(stage, stage.conference, "1-program")
    async with operator.http.delete(url(stage, "/1-program")) as response:
        assert response.status == 204
    assert not folder.exists()
    async with operator.http.delete(url(stage, "/1-program")) as response:
        assert response.status == 404
    bodies = await Journal(stage.server.services.database).read(stage.conference)
    events = [decode(body) for body in bodies]
    assert [one.recording for one in events if isinstance(one, RecordingDeleted)] == ["1-program"]
    assert SYSTEM.name not in {one.by for one in events if isinstance(one, RecordingDeleted)}


async def test_what_is_not_ours_survives_a_deletion(stage: Stage) -> None:
    operator = await recorded(stage)
    folder = stored(stage, stage.conference, "1-program")
    (folder / "notes.txt").write_text("mine")
    async with operator.http.delete(url(stage, "/1-program")) as response:
        assert response.status == 204
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


async def test_a_running_recording_is_not_deleted(stage: Stage) -> None:
    operator = await stage.window()
    await operator.command(StartRecording())
    folder = stored(stage, stage.conference, "1-program", open_end=True)
    async with operator.http.delete(url(stage, "/1-program")) as response:
        assert response.status == 409
        assert (await response.json(content_type=None))["code"] == "recording_runs"
    assert folder.exists()
