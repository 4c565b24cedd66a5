"""A site's last 15 minutes, for those who look after sites."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from signaling.options import Options
from signaling.server import Server
from signaling.wire.ids import ConferenceId, SiteCode
from signaling.wire.rest import HistoryPoint, SiteHistory
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.stage import Stage


def known(conference: ConferenceId, site: SiteCode, now: float) -> SiteHistory:
    """What a monitor that has seen every site once would tell."""
    return SiteHistory(5.0, now - 900, [HistoryPoint(now - 1, "poor", rtt_s=0.4)])


async def test_history_comes_from_whoever_keeps_it(options: Options, clock: FakeClock) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = Server(replace(options), clock, known)
        await server.start()
        stack.push_async_callback(server.stop)
        stage = Stage(server, options, server.conferences()[0].conference, stack)
        page = await stage.signed_in("technician")

        async with page.http.get(
            f"/api/conferences/{stage.conference}/sites/48/history"
        ) as response:
            told = await response.json()

    now = clock.wall()
    assert (told["step_s"], told["from"]) == (5.0, now - 900)
    assert [(one["at"], one["state"], one["rtt_s"]) for one in told["points"]] == [
        (now - 1, "poor", 0.4)
    ]


@pytest.mark.parametrize(("role", "status"), [("secretary", 403), ("viewer", 403)])
async def test_history_is_for_those_who_look_after_sites(
    stage: Stage, role: str, status: int
) -> None:
    page = await stage.signed_in(role)  # type: ignore[arg-type]

    assert await status_of(page, stage, "48") == status


async def test_unknown_site_has_no_history(stage: Stage) -> None:
    page = await stage.signed_in()

    assert await status_of(page, stage, "99") == 404
    assert await status_of(page, stage, "48") == 200


async def status_of(page: Page, stage: Stage, site: str) -> int:
    path = f"/api/conferences/{stage.conference}/sites/{site}/history"
    async with page.http.get(path) as response:
        return response.status
