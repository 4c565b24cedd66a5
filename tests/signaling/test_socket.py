"""One page's socket against everything that a page can do wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from signaling.options import Options, Timings
from signaling.socket import SocketTimings
from signaling.wire.codec import MAX_PAGE_FRAME, encode
from signaling.wire.commands import End, Mute, Start, Take, Unmute
from signaling.wire.ids import SiteCode
from signaling.wire.pages import CommandMessage, Heartbeat, PageHello
from signaling.wire.samples import HealthReport
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page, SocketClosedError
from tests.signaling.build import single
from tests.signaling.conftest import StartStage
from tests.signaling.figures import FIGURES
from tests.signaling.stage import Stage


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ("{", 4400, "bad_json"),
        ("", 4400, "bad_json"),
        ("[" * 2000, 4400, "bad_message"),
        ('{"pad": ' + "[" * 16000, 4400, "bad_json"),
        ('"hello"', 4400, "bad_message"),
        ('{"type": "nonsense"}', 4400, "bad_message"),
        ('{"type": "heartbeat", "n": -1}', 4400, "bad_message"),
        ('{"type": "heartbeat", "n": "1"}', 4400, "bad_message"),
        ('{"type": "hello", "page_id": "page-0001"}', 4400, "bad_message"),
        ('{"type": "command", "id": "x", "command": {"type": "start"}}', 4400, "bad_message"),
        ('{"type": "command", "id": "x2345678", "command": {"type": "lose", "site": "48"}}', 4400,
         "bad_message"),
        (f'{{"type": "watch", "sites": {["48"] * 201}}}'.replace("'", '"'), 4400, "bad_message"),
        ('{"type": "heartbeat", "n": 1, "pad": "' + "x" * MAX_PAGE_FRAME + '"}', 1009, "too_large"),
    ],
)  # fmt: skip
async def test_bad_frame_closes_with_its_code_and_changes_nothing(
    stage: Stage, frame: str, code: int, reason: str
) -> None:
    page = await stage.window()
    before = stage.state

    await page.send(frame)

    closed = await page.closed()
    assert (closed.code, closed.reason) == (code, reason)
    assert stage.state == before


async def test_frame_beyond_the_hard_limit_is_closed_too(stage: Stage) -> None:
    page = await stage.window()

    await page.send("x" * (MAX_PAGE_FRAME * 5))

    closed = await page.closed()
    assert (closed.code, closed.reason) == (1009, "")


async def test_binary_frame_is_refused(stage: Stage) -> None:
    page = await stage.window()

    await page.send_binary(b'{"type": "heartbeat", "n": 1}')

    closed = await page.closed()
    assert (closed.code, closed.reason) == (1003, "binary_frame")


@pytest.mark.parametrize("first", [encode(Heartbeat(1)), encode(CommandMessage("x" * 8, Start()))])
async def test_first_frame_must_be_hello(stage: Stage, first: str) -> None:
    page = await stage.signed_in()
    await page.open()

    await page.send(first)

    closed = await page.closed()
    assert (closed.code, closed.reason) == (4402, "hello_expected")
    assert stage.state.phase == "scheduled"


async def test_page_that_says_nothing_is_closed(options: Options, start_stage: StartStage) -> None:
    timings = Timings(pages=SocketTimings(hello_s=0.05))
    async with start_stage(replace(options, timings=timings)) as stage:
        page = await stage.signed_in()
        await page.open()

        closed = await page.closed()

    assert (closed.code, closed.reason) == (4402, "hello_expected")


async def first_closed(pages: list[Page]) -> list[SocketClosedError]:
    """Read all until one is closed; why."""
    reading = [asyncio.create_task(page.closed()) for page in pages]
    done, pending = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return [task.result() for task in done]


async def test_sockets_without_hello_are_limited_for_what_opened_them(stage: Stage) -> None:
    first, other = await stage.signed_in(), await stage.device("48")
    waiting = []
    for _ in range(21):
        page = await stage.page()
        page.adopt_cookies(first)
        await page.open(first.socket_path)
        waiting.append(page)

    refused = await first_closed(waiting)
    assert [(one.code, one.reason) for one in refused] == [(4429, "rate_limited")]
    await other.connect()

    still = next(page for page in waiting if not page.websocket.closed)
    await still.hello()
    await still.heartbeat()
    await first.connect()


async def test_devices_of_one_link_wait_together_for_their_hello(stage: Stage) -> None:
    pages = [await stage.device("48") for _ in range(21)]
    for page in pages:
        await page.open()

    assert [one.reason for one in await first_closed(pages)] == ["rate_limited"]
    await (await stage.site("01")).heartbeat()


async def test_site_that_falls_silent_counts_as_gone(
    options: Options, start_stage: StartStage
) -> None:
    timings = Timings(tick_s=0.02, sites=SocketTimings(silence_s=0.05))
    async with start_stage(replace(options, timings=timings)) as stage:
        page = await stage.site("48")

        assert (await page.closed()).code == 1001


async def test_flood_is_rate_limited(stage: Stage) -> None:
    page = await stage.window()

    # the clock stands still, so only the burst is allowed; hello was its first frame
    for n in range(199):
        await page.send(encode(Heartbeat(n)))
    await page.until(lambda: len(page.acks) == 199)
    await page.send(encode(Heartbeat(200)))

    closed = await page.closed()
    assert (closed.code, closed.reason) == (4429, "rate_limited")


async def test_frames_at_a_human_rate_are_not_limited(stage: Stage, clock: FakeClock) -> None:
    page = await stage.window()

    for _ in range(300):
        clock.advance(0.02)
        await page.heartbeat()


async def test_reader_that_is_stuck_is_cut_off_and_others_go_on(
    options: Options, start_stage: StartStage
) -> None:
    timings = Timings(pages=SocketTimings(stuck_s=0.2))
    async with start_stage(replace(options, timings=timings)) as stage:
        stuck, other = await stage.window(), await stage.window()
        hub = stage.server.services.hub
        stuck.pause_reading()

        # more than the buffers of both ends hold
        large = {SiteCode(str(n)): FIGURES for n in range(5000)}
        n = 0.0
        while hub.connected(stage.conference, stuck.port):
            n += 1
            stage.server.bus.publish(HealthReport(stage.conference, n, {}, large))
            await other.until(lambda: other.figures is not None and other.figures.at == n)  # noqa: B023

        await other.heartbeat()


async def test_refused_commands_answer_with_their_code(stage: Stage) -> None:
    operator, technician = await stage.window(), await stage.window("technician")
    site = await stage.site("48")
    before = stage.state

    answers = [
        await operator.command(Take(single(SiteCode("48")))),
        await operator.command(End()),
        await operator.command(Mute("99")),
        await technician.command(Start()),
        await site.command(Start()),
        await site.command(Unmute("01")),
    ]

    assert [problem and problem.code for problem in answers] == [
        "wrong_phase",
        "wrong_phase",
        "unknown_site",
        "forbidden",
        "forbidden",
        "forbidden",
    ]
    assert stage.state == before


async def test_repeated_command_gives_the_first_result(stage: Stage) -> None:
    operator = await stage.window()

    assert await operator.command(Start(), "command-0001") is None
    assert await operator.command(Start(), "command-0001") is None
    conflict = await operator.command(End(), "command-0001")

    assert conflict is not None
    assert conflict.code == "command_conflict"
    assert stage.state.phase == "live"


async def test_command_sent_again_after_a_reconnect_gives_the_first_result(stage: Stage) -> None:
    site = await stage.site("48")
    assert await site.command(Unmute("48"), "command-0001") is None
    assert await site.command(Mute("48"), "command-0002") is None

    await site.connect()

    assert await site.command(Unmute("48"), "command-0001") is None
    assert stage.state.seats[SiteCode("48")].muted_by_site


async def test_heartbeat_is_answered_with_its_number(stage: Stage) -> None:
    page = await stage.window("technician")

    await page.heartbeat()

    assert page.acks == [1]


@pytest.mark.parametrize("page_id", ["short", "x" * 65, "has space", "a/b/c/d/e"])
async def test_page_id_is_opaque_but_not_anything(stage: Stage, page_id: str) -> None:
    page = await stage.signed_in()
    await page.open()

    await page.send(encode(PageHello(page_id)))

    assert (await page.closed()).reason == "bad_message"
