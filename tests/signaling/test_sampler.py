"""What the monitor is told, and media that keeps a seat."""

from __future__ import annotations

from signaling.journal import Journal
from signaling.options import Options
from signaling.server import Server
from signaling.wire.commands import End, Reopen, Start
from signaling.wire.ids import SiteCode
from signaling.wire.pages import SeatRow
from signaling.wire.samples import ConferenceClosed, ConferenceOpened, SiteMedia
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.figures import stats_of
from tests.signaling.stage import Stage

DA_NANG = SiteCode("48")


async def test_conferences_are_announced_at_creation_and_at_load(
    options: Options, clock: FakeClock
) -> None:
    for _ in range(2):
        server = Server(options, clock)
        with server.bus.subscribe(ConferenceOpened) as opened:
            await server.start()
            told = await opened.get()
            assert isinstance(told, ConferenceOpened)
            assert told.sites == ["00", "48", "01", "79", "31", "92"]
            await server.stop()


async def test_end_is_announced(stage: Stage) -> None:
    operator = await stage.window()
    with stage.server.bus.subscribe(ConferenceClosed) as closed:
        await operator.command(Start())
        await operator.command(End())

        told = await closed.get()

    assert isinstance(told, ConferenceClosed)
    assert told.conference == stage.conference


async def test_reopening_is_announced_as_a_beginning(stage: Stage) -> None:
    operator = await stage.window()
    await operator.command(Start())
    await operator.command(End())
    with stage.server.bus.subscribe(ConferenceOpened) as opened:
        assert await operator.command(Reopen()) is None

        told = await opened.get()

    assert isinstance(told, ConferenceOpened)
    assert told.conference == stage.conference


async def test_media_of_a_site_is_told_with_each_report_and_its_end_once(
    stage: Stage, clock: FakeClock
) -> None:
    node, site = await stage.node(), await stage.site("48")
    for door in ("/whip", "/whep"):
        async with await site.offer(door):
            pass
    publish = node.of_port("48/main", "publish")[0]
    receive = node.of_port("48/main", "receive")[0]
    sent, got = stats_of(publish), stats_of(receive)

    with stage.server.bus.subscribe(SiteMedia) as media:
        await node.report(sent, got)
        first = await media.get()
        await node.edge(publish.session, "closed")
        await node.edge(receive.session, "closed")
        await node.report()
        await node.report()
        last = await media.get()

        assert first == SiteMedia(stage.conference, DA_NANG, node.node, clock.wall(), sent, got)
        assert last == SiteMedia(stage.conference, DA_NANG, node.node, clock.wall(), None, None)
        await site.heartbeat()
        media.close()
        assert [message async for message in media] == []


async def test_consent_keeps_a_seat_whose_socket_is_gone(stage: Stage, clock: FakeClock) -> None:
    node, site, operator = await stage.node(), await stage.site("48"), await stage.window()
    async with await site.offer("/whip"):
        pass
    info = node.of_port("48/main", "publish")[0]
    await site.websocket.close()

    for _ in range(4):
        clock.advance(5)
        with stage.server.bus.subscribe(SiteMedia) as media:
            await node.report(stats_of(info, consent_age_s=0.3))
            await media.get()
        await operator.heartbeat()
        assert stage.state.seats[DA_NANG].present

    clock.advance(5)
    with stage.server.bus.subscribe(SiteMedia) as media:
        await node.report(stats_of(info, consent_age_s=11.0))
        await media.get()
    clock.advance(6)
    await operator.until(lambda: not stage.state.seats[DA_NANG].present)


def _heard_at(page: Page) -> float | None:
    row = page.rows["seat/48"]
    assert isinstance(row, SeatRow)
    return row.heard_at


async def test_the_first_voice_of_a_device_is_a_fact_of_the_conference_and_no_later_one_is(
    stage: Stage,
) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    async with await site.offer("/whip"):
        pass
    publish = node.of_port("48/main", "publish")[0]
    journal = Journal(stage.server.services.database)

    await node.report(stats_of(publish, heard=False))
    await node.report(stats_of(publish, heard=True))
    await operator.until(lambda: _heard_at(operator) is not None)
    events = await journal.read(stage.conference)
    assert b"microphone_heard" in events[-1]

    for heard in (True, False, True):
        with stage.server.bus.subscribe(SiteMedia) as media:
            await node.report(stats_of(publish, heard=heard))
            await media.get()
    await operator.command(Start())
    assert (await journal.read(stage.conference))[: len(events)] == events
    assert len(await journal.read(stage.conference)) == len(events) + 1


async def test_a_voice_after_the_end_is_nobodys(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    async with await site.offer("/whip"):
        pass
    publish = node.of_port("48/main", "publish")[0]
    await operator.command(Start())
    await operator.command(End())
    with stage.server.bus.subscribe(SiteMedia) as media:
        await node.report(stats_of(publish, heard=True))
        await media.get()
    await operator.command(Reopen())
    assert _heard_at(operator) is None
