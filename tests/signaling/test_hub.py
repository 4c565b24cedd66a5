"""Who may have a page, and what happens when two want the same one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from signaling.conference.commands import SYSTEM
from signaling.wire.codec import encode
from signaling.wire.commands import Leave, Start, Unmute
from signaling.wire.control import SessionStats
from signaling.wire.ids import ConferenceId, Scope, SessionId, SiteCode, SlotName
from signaling.wire.pages import Report, SeatRow
from signaling.wire.samples import HealthReport, SiteGone, SiteHeard, SiteReported
from tests.fakes.clock import FakeClock
from tests.signaling.build import CREATE
from tests.signaling.figures import FIGURES
from tests.signaling.stage import Stage

DA_NANG = SiteCode("48")


async def test_newer_page_of_the_same_device_replaces_the_older(stage: Stage) -> None:
    older = await stage.site("48")
    newer = await stage.page()
    newer.socket_path = older.socket_path
    newer.adopt_cookies(older)

    await newer.connect()

    closed = await older.closed()
    assert (closed.code, closed.reason) == (4410, "replaced")
    await newer.heartbeat()


async def test_same_page_that_reconnects_gets_a_snapshot_and_its_seat(stage: Stage) -> None:
    site = await stage.site("48")
    assert await site.command(Unmute("48")) is None

    await site.connect()

    row = site.rows["seat/48"]
    assert isinstance(row, SeatRow)
    assert (row.present, row.muted_by_site) == (True, False)


async def test_second_device_is_turned_away_while_the_first_is_alive(stage: Stage) -> None:
    first, second = await stage.site("48"), await stage.device("48")
    before = stage.state

    await second.open()
    await second.hello()

    closed = await second.closed()
    assert (closed.code, closed.reason) == (4409, "seat_taken")
    assert stage.state == before
    await first.heartbeat()


async def test_second_device_takes_over_a_silent_seat_and_starts_muted(
    stage: Stage, clock: FakeClock
) -> None:
    first, operator = await stage.site("48"), await stage.window()
    assert await first.command(Unmute("48")) is None
    await first.close()

    clock.advance(11)
    await operator.until(lambda: not _seat(operator.rows["seat/48"]).present)
    await stage.site("48")

    await operator.until(lambda: _seat(operator.rows["seat/48"]).present)
    assert _seat(operator.rows["seat/48"]).muted_by_site


async def test_seat_stays_present_for_ten_seconds_without_a_socket(
    stage: Stage, clock: FakeClock
) -> None:
    first, operator = await stage.site("48"), await stage.window()
    await first.close()

    clock.advance(9)
    await operator.heartbeat()
    assert stage.state.seats[DA_NANG].present

    await first.http.close()
    clock.advance(2)
    await operator.until(lambda: not _seat(operator.rows["seat/48"]).present)
    assert stage.state.seats[DA_NANG].device is not None


async def test_device_that_left_frees_its_seat_at_once(stage: Stage) -> None:
    first = await stage.site("48")
    with stage.server.bus.subscribe(SiteGone) as gone:
        assert await first.command(Leave()) is None
        await first.close()

        last = await gone.get()

    await stage.site("48")
    assert isinstance(last, SiteGone)
    assert last.leaving


@pytest.mark.parametrize("role", ["operator", "technician"])
async def test_page_without_a_sign_in_is_told_why(stage: Stage, role: str) -> None:
    page = await stage.page()
    await page.open(f"/api/conferences/{stage.conference}/socket")

    closed = await page.closed()

    assert (closed.code, closed.reason) == (4401, "unauthenticated")


async def test_site_without_a_device_cookie_is_told_why(stage: Stage) -> None:
    page = await stage.page()
    await page.open(f"/c/{stage.conference}/s/48/socket")

    assert (await page.closed()).reason == "unauthenticated"


async def test_device_cookie_opens_no_other_seat(stage: Stage) -> None:
    page = await stage.device("48")
    page.adopt_cookies(page, f"/c/{stage.conference}/s/01/")
    await page.open(f"/c/{stage.conference}/s/01/socket")

    assert (await page.closed()).reason == "unauthenticated"


@pytest.mark.parametrize("path", ["/api/conferences/none/socket", "/c/none/s/48/socket"])
async def test_unknown_conference_is_not_found(stage: Stage, path: str) -> None:
    page = await stage.signed_in()
    await page.open(path)

    closed = await page.closed()

    assert (closed.code, closed.reason) == (4404, "not_found")


async def test_unknown_site_is_not_found(stage: Stage) -> None:
    page = await stage.page()
    await page.open(f"/c/{stage.conference}/s/99/socket")

    assert (await page.closed()).reason == "not_found"


async def test_refusal_without_a_close_code_still_names_itself(stage: Stage) -> None:
    draft = replace(CREATE, conference=ConferenceId("draft"), draft=True)
    services = stage.server.services
    owner = await services.conferences.found(draft, SYSTEM)
    link = next(one for one in await stage.server.site_links(owner) if one.site == "48")
    page = await stage.page()
    async with await page.exchange(link.url):
        pass

    await page.open()
    await page.hello()

    closed = await page.closed()
    assert (closed.code, closed.reason) == (4403, "wrong_phase")


async def test_page_id_of_another_sign_in_is_refused(stage: Stage) -> None:
    first = await stage.window(page_id="page-of-one")
    second = await stage.signed_in(page_id="page-of-one")
    await second.open()
    await second.hello()

    assert (await second.closed()).reason == "forbidden"
    await first.heartbeat()


async def test_sign_out_closes_the_pages_of_that_sign_in_alone(stage: Stage) -> None:
    one, other = await stage.window(), await stage.window()

    async with await one.post("/api/sign-out", "{}") as response:
        assert response.status == 204

    closed = await one.closed()
    assert (closed.code, closed.reason) == (4401, "unauthenticated")
    await other.heartbeat()


async def test_figures_reach_a_site_about_itself_alone(stage: Stage) -> None:
    technician, site = await stage.window("technician"), await stage.site("48")
    every = {SiteCode(code): FIGURES for code in ("48", "01")}

    stage.server.bus.publish(HealthReport(stage.conference, 5.0, {"node-1": 0.2}, every))

    await technician.until(lambda: technician.figures is not None)
    await site.until(lambda: site.figures is not None)
    assert technician.figures is not None
    assert site.figures is not None
    assert set(technician.figures.sites) == {"48", "01"}
    assert site.figures.sites == {"48": FIGURES}


async def test_page_is_told_which_pictures_its_line_has_no_room_for(stage: Stage) -> None:
    node, site, other = await stage.node(), await stage.site("48"), await stage.site("01")
    figures = SessionStats(
        SessionId("s-1"), Scope(stage.conference), site.port, "receive", "connected"
    )

    await node.report(replace(figures, paused=[SlotName("stage:2"), SlotName("stage:1")]))
    await site.until(lambda: site.paused is not None)
    assert site.paused == ["stage:1", "stage:2"]
    site.paused = None
    # what is no news is not told, and neither is what a session that is going away says
    await node.report(replace(figures, paused=[SlotName("stage:1"), SlotName("stage:2")]))
    await node.report(replace(figures, state="lost"))
    await node.report(figures)
    await site.until(lambda: site.paused is not None)
    assert site.paused == []
    await other.heartbeat()
    assert other.paused is None


async def test_frames_of_a_site_are_heard_on_the_bus(stage: Stage, clock: FakeClock) -> None:
    with stage.server.bus.subscribe(SiteHeard, SiteGone) as samples:
        site = await stage.site("48")
        await site.heartbeat()
        await site.close()
        told = [await samples.get() for _ in range(3)]

    heard = SiteHeard(stage.conference, DA_NANG, clock.wall())
    assert told == [heard, heard, SiteGone(stage.conference, DA_NANG, clock.wall(), False)]


async def test_report_of_a_site_is_passed_on_and_an_absurd_one_refused(
    stage: Stage, clock: FakeClock
) -> None:
    site, operator = await stage.site("48"), await stage.window()
    report = Report(rtt_s=0.05, freeze_s=1.5, microphone=True)
    with stage.server.bus.subscribe(SiteReported) as reports:
        await operator.send(encode(Report(rtt_s=0.01)))
        await site.send(encode(report))

        assert await reports.get() == SiteReported(stage.conference, DA_NANG, clock.wall(), report)

        await site.send('{"type": "report", "rtt_s": -1}')
        assert (await site.closed()).reason == "bad_message"
        assert reports.lost == 0


async def test_doors_fit_the_role(stage: Stage) -> None:
    operator, technician = await stage.window(), await stage.window("technician")
    site = await stage.site("48")

    assert (site.doors.whip, site.doors.whep, site.port) == ("/whip", "/whep", "48/main")
    assert (operator.doors.whip, operator.doors.whep) == (None, "/whep")
    assert operator.port == f"op/{operator.page_id}"
    assert (technician.doors.whip, technician.doors.whep, technician.doors.token) == (
        None,
        None,
        "",
    )


async def test_stopping_tells_every_page_to_come_back(stage: Stage) -> None:
    pages = [await stage.window(), await stage.site("48")]
    assert await pages[0].command(Start()) is None

    await stage.server.stop()

    for page in pages:
        closed = await page.closed()
        assert (closed.code, closed.reason) == (1001, "shutting_down")


def _seat(row: object) -> SeatRow:
    assert isinstance(row, SeatRow)
    return row
