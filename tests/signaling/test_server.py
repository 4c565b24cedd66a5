"""The service as a whole: sign in, sit down, start, take, and come back after a restart."""

from __future__ import annotations

from signaling.wire.commands import Preview, Scene, Start, Take, Unmute
from signaling.wire.ids import SiteCode
from signaling.wire.pages import ConferenceRow, FloorRow, SeatRow, StageRow
from tests.signaling.stage import Stage


def scene(site: str) -> Scene:
    return Scene("single", (SiteCode(site),))


async def test_operator_starts_and_takes_a_site_that_sees_the_centre(stage: Stage) -> None:
    operator = await stage.window()
    site = await stage.site("48")

    assert await operator.command(Start()) is None
    assert await operator.command(Preview(scene("48"))) is None
    assert await operator.command(Take(scene("48"))) is None

    row = operator.rows["conference"]
    assert isinstance(row, ConferenceRow)
    assert (row.phase, row.program, row.preview) == ("live", scene("48"), scene("48"))
    await site.until(lambda: _seat(site.rows["seat/48"]).tally == "on_air")
    stage_row = site.rows["stage"]
    assert isinstance(stage_row, StageRow)
    assert [named.site for named in stage_row.seats] == ["00"]
    assert set(site.rows) == {"conference", "stage", "floor", "seat/48"}


async def test_both_flags_open_the_floor(stage: Stage) -> None:
    operator, site = await stage.window(), await stage.site("48")

    assert await site.command(Unmute("48")) is None
    assert await operator.command(Unmute("48")) is None

    floor = operator.rows["floor"]
    assert isinstance(floor, FloorRow)
    assert [named.site for named in floor.seats] == ["48"]


def _seat(row: object) -> SeatRow:
    assert isinstance(row, SeatRow)
    return row
