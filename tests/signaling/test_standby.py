"""A site's further device: it waits beside the seat, and takes it over."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from signaling.conference.commands import SYSTEM, Join
from signaling.options import Options
from signaling.wire.commands import End, Leave, Promote, Start, Unmute
from signaling.wire.ids import DeviceId, SiteCode
from signaling.wire.pages import SeatRow
from signaling.wire.samples import SiteGone, SiteHeard
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage

DA_NANG = SiteCode("48")


async def standby(stage: Stage) -> Page:
    """A second device of Đà Nẵng that waits."""
    page = await stage.device("48")
    return await page.connect(standby=True)


async def refused(page: Page, *, standby: bool) -> str:
    await page.open()
    await page.hello(standby=standby)
    return (await page.closed()).reason


def seat(page: Page) -> SeatRow:
    row = page.rows["seat/48"]
    assert isinstance(row, SeatRow)
    return row


async def test_standby_sees_the_conference_and_has_no_doors(stage: Stage) -> None:
    operator, holder, waiting = await stage.window(), await stage.site("48"), await standby(stage)

    assert waiting.snapshot is not None
    assert (waiting.snapshot.standby, holder.snapshot and holder.snapshot.standby) == (True, False)
    assert (waiting.doors.whip, waiting.doors.whep, waiting.doors.token) == (None, None, "")
    await operator.until(lambda: seat(operator).standby)
    assert await operator.command(Start()) is None
    await waiting.until(lambda: waiting.seq > 0)
    await holder.heartbeat()


async def test_standby_may_not_speak_for_the_site(stage: Stage) -> None:
    await stage.site("48")
    waiting = await standby(stage)

    problem = await waiting.command(Unmute("48"))

    assert problem is not None
    assert problem.code == "forbidden"
    assert await waiting.command(Leave()) is None
    assert stage.state.seats[DA_NANG].present


async def test_promoted_device_comes_back_in_the_seat_and_the_holder_is_told(stage: Stage) -> None:
    technician, holder = await stage.window("technician"), await stage.site("48")
    waiting = await standby(stage)
    assert await holder.command(Unmute("48")) is None

    assert await technician.command(Promote("48")) is None

    promoted, former = await waiting.closed(), await holder.closed()
    assert (promoted.code, promoted.reason) == (4412, "promoted")
    assert (former.code, former.reason) == (4411, "taken_over")
    await waiting.connect()
    assert waiting.snapshot is not None
    assert not waiting.snapshot.standby
    assert waiting.doors.whip == "/whip"
    assert (seat(waiting).present, seat(waiting).muted_by_site) == (True, True)
    await holder.connect(standby=True)
    await technician.until(lambda: seat(technician).standby)


async def test_silent_holder_is_replaced_by_the_standby_which_has_time_to_return(
    stage: Stage, clock: FakeClock
) -> None:
    operator, holder = await stage.window(), await stage.site("48")
    waiting = await standby(stage)
    await holder.close()

    clock.advance(11)
    assert (await waiting.closed()).reason == "promoted"

    clock.advance(9)
    await waiting.connect()
    await operator.heartbeat()
    held = stage.state.seats[DA_NANG]
    assert (held.present, held.standby) == (True, None)
    assert waiting.doors.whip is not None


async def test_seat_that_was_given_up_goes_to_the_standby(stage: Stage) -> None:
    holder, waiting = await stage.site("48"), await standby(stage)

    assert await holder.command(Leave()) is None

    assert (await waiting.closed()).reason == "promoted"
    await waiting.connect()
    assert waiting.doors.whip == "/whip"


async def test_standby_place_is_free_as_soon_as_its_page_is_gone(stage: Stage) -> None:
    operator, _ = await stage.window(), await stage.site("48")
    waiting, third = await standby(stage), await stage.device("48")
    assert await refused(third, standby=True) == "seat_taken"

    await waiting.close()
    await operator.until(lambda: not seat(operator).standby)

    await third.connect(standby=True)
    assert stage.state.seats[DA_NANG].standby is not None


async def test_page_of_a_standby_that_reconnects_keeps_its_place(stage: Stage) -> None:
    await stage.site("48")
    waiting = await standby(stage)

    await waiting.connect(standby=True)

    await waiting.heartbeat()
    assert stage.state.seats[DA_NANG].standby is not None


async def test_many_devices_leave_one_in_the_seat_and_one_beside_it(stage: Stage) -> None:
    pages = [await stage.device("48") for _ in range(20)]

    async def settle(page: Page) -> str:
        await page.open()
        await page.hello(standby=True)
        with contextlib.suppress(Exception):
            await page.until(lambda: page.snapshot is not None)
        if page.snapshot is None:
            return "refused"
        return "standby" if page.snapshot.standby else "seat"

    outcomes = await asyncio.gather(*(settle(page) for page in pages))

    assert sorted(outcomes) == ["refused"] * 18 + ["seat", "standby"]


async def test_standby_is_no_sign_of_life_of_the_site(stage: Stage) -> None:
    await stage.site("48")
    with stage.server.bus.subscribe(SiteHeard, SiteGone) as samples:
        waiting = await standby(stage)
        await waiting.heartbeat()
        await waiting.close()
        operator = await stage.window()
        await operator.until(lambda: not seat(operator).standby)
        other = await stage.site("01")
        await other.heartbeat()

        first = await samples.get()

    assert isinstance(first, SiteHeard)
    assert first.site == "01"


async def test_standby_that_did_not_come_back_after_a_restart_is_forgotten(
    stage: Stage, clock: FakeClock
) -> None:
    operator, holder = await stage.window(), await stage.site("48")
    owner = stage.server.services.conferences.get(stage.conference)
    stranger = replace(SYSTEM, role="site", site=DA_NANG, device=DeviceId("gone"))
    await owner.submit(Join(DA_NANG, DeviceId("gone"), standby=True), stranger)
    await operator.until(lambda: seat(operator).standby)

    for _ in range(3):
        clock.advance(4)
        await holder.heartbeat()

    await operator.until(lambda: not seat(operator).standby)
    assert stage.state.seats[DA_NANG].present


async def test_devices_do_not_chase_each_other_after_the_end(stage: Stage) -> None:
    operator, holder = await stage.window(), await stage.site("48")
    second = await stage.device("48")
    assert await operator.command(Start()) is None
    assert await operator.command(End()) is None

    assert await refused(second, standby=True) == "seat_taken"
    await holder.heartbeat()


@pytest.mark.parametrize("standby_first", [True, False])
async def test_restart_finds_holder_and_standby_again(
    options: Options, start_stage: StartStage, standby_first: bool
) -> None:
    async with start_stage(options) as stage:
        holder, waiting = await stage.site("48"), await standby(stage)
        port = int(stage.url.rpartition(":")[2])
        await stage.server.stop()
        async with start_stage(replace(options, port=port)) as again:
            if standby_first:
                await waiting.connect(standby=True)
            await holder.connect()
            if not standby_first:
                await waiting.connect(standby=True)

            assert holder.doors.whip == "/whip"
            assert waiting.doors.whip is None
            assert again.state.seats[DA_NANG].standby is not None
