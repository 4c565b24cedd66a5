"""Encoders and players without a browser: their tokens, the seat, and what ends them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from signaling.api.doors import MAX_PLAYERS
from signaling.wire.commands import End, Leave, Start, Unmute
from signaling.wire.ids import Role
from tests.fakes.clock import FakeClock
from tests.fakes.page import OFFER
from tests.signaling.api.test_doors import problem
from tests.signaling.stage import Stage


async def devices(stage: Stage, site: str = "48") -> dict[str, Any]:
    """What an operator is told for a site."""
    desk = await stage.signed_in()
    path = f"/api/conferences/{stage.conference}/links/{site}/devices"
    async with desk.http.get(path) as response:
        assert response.status == 200
        told: dict[str, Any] = await response.json()
        return told


async def knock(stage: Stage, url: str, token: str, offer: str = OFFER) -> aiohttp.ClientResponse:
    """POST an offer, as an encoder or a player does."""
    page = await stage.page()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    return await page.http.post(url, data=offer, headers=headers)


@pytest.mark.parametrize(
    ("role", "status"),
    [("operator", 200), ("technician", 200), ("secretary", 403), ("viewer", 403)],
)
async def test_who_may_set_devices_up_is_told(stage: Stage, role: Role, status: int) -> None:
    page = await stage.signed_in(role)
    path = f"/api/conferences/{stage.conference}/links/48/devices"
    async with page.http.get(path) as response:
        assert response.status == status


async def test_an_encoder_takes_the_seat_and_only_the_operator_opens_its_microphone(
    stage: Stage,
) -> None:
    node, told = await stage.node(), await devices(stage)
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert response.status == 201

    seat = stage.state.seats["48"]
    assert (told["site"], told["codec"]) == ("48", "VP8")
    assert seat.present
    assert (seat.muted_by_site, seat.muted_by_operator) == (False, True)
    assert [one.port for one in node.sessions.values()] == ["48/main"]
    await (await stage.window()).command(Unmute("48"))
    assert stage.state.seats["48"].microphone_open

    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert response.status == 201
    assert stage.state.seats["48"].microphone_open, "it is the same device"


async def test_an_encoder_starts_muted_where_somebody_else_was_heard(
    stage: Stage, clock: FakeClock
) -> None:
    await stage.node()
    desk, site = await stage.window(), await stage.site("48")
    await desk.command(Unmute("48"))
    await site.command(Unmute("48"))
    assert stage.state.seats["48"].microphone_open
    told = await devices(stage)
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert await problem(response) == (409, "seat_taken")

    await site.websocket.close()
    clock.advance(11)
    await desk.until(lambda: not desk.rows["seat/48"].present)
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert response.status == 201
    assert not stage.state.seats["48"].microphone_open


async def test_players_share_the_port_and_take_nothing_from_the_seat(stage: Stage) -> None:
    node, site, told = await stage.node(), await stage.site("48"), await devices(stage)
    for _ in range(2):
        async with await knock(stage, told["whep"], told["play_token"]) as response:
            assert response.status == 201

    assert [(one.port, one.slots) for one in node.opened] == [
        ("48/main", ["stage:1", "mix:1"]),
        ("48/main", ["stage:1", "mix:1"]),
    ]
    assert all(one.shared for one in node.opened)
    async with await site.offer("/whep?slots=stage:1") as response:
        assert response.status == 201
    assert not node.opened[-1].shared


async def test_the_players_of_one_site_do_not_fill_a_node(stage: Stage, clock: FakeClock) -> None:
    node, told = await stage.node(), await devices(stage)
    other, site = await devices(stage, "01"), await stage.site("48")
    for _ in range(MAX_PLAYERS):
        clock.advance(1)
        async with await knock(stage, told["whep"], told["play_token"]) as response:
            assert response.status == 201
    clock.advance(1)
    async with await knock(stage, told["whep"], told["play_token"]) as response:
        assert await problem(response) == (503, "bridge_full")
    assert len(node.opened) == MAX_PLAYERS
    async with await knock(stage, other["whep"], other["play_token"]) as response:
        assert response.status == 201, "another site's"
    async with await site.offer("/whep?slots=stage:1") as response:
        assert response.status == 201, "its own page"


async def test_a_player_may_not_publish(stage: Stage) -> None:
    node, told = await stage.node(), await devices(stage)
    async with await knock(stage, told["whip"], told["play_token"]) as response:
        assert await problem(response) == (403, "forbidden")
        assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert node.opened == []


async def test_a_player_may_not_touch_what_its_site_publishes(stage: Stage) -> None:
    node, told = await stage.node(), await devices(stage)
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        location = response.headers["Location"]
    desk = await stage.window()
    headers = {
        "Authorization": f"Bearer {told['play_token']}",
        "Content-Type": "application/trickle-ice-sdpfrag",
        "If-Match": "*",
    }
    for method in ("DELETE", "PATCH"):
        async with desk.http.request(method, location, headers=headers) as response:
            assert await problem(response) == (404, "not_found")
    assert len(node.sessions) == 1
    assert node.closed == []


@pytest.mark.parametrize("change", ["rotate", "revoke"])
async def test_they_end_with_the_link(stage: Stage, change: str) -> None:
    node, told = await stage.node(), await devices(stage)
    doors = [(told["whip"], told["publish_token"]), (told["whep"], told["play_token"])]
    for url, token in doors:
        async with await knock(stage, url, token) as response:
            assert response.status == 201
    desk = await stage.window()
    path = f"/api/conferences/{stage.conference}/links/48/{change}"
    async with await desk.post(path, "") as response:
        assert response.status == 200

    await node.until(lambda: node.sessions == {})
    for url, token in doors:
        async with await knock(stage, url, token) as response:
            assert await problem(response) == (401, "link_revoked")


async def test_they_end_with_the_conference(stage: Stage) -> None:
    await stage.node()
    told = await devices(stage)
    desk = await stage.window()
    await desk.command(Start())
    await desk.command(End())

    async with await knock(stage, told["whep"], told["play_token"]) as response:
        assert await problem(response) == (409, "wrong_phase")


async def test_a_revoked_link_has_no_devices(stage: Stage) -> None:
    desk = await stage.window()
    links = f"/api/conferences/{stage.conference}/links"
    async with await desk.post(f"{links}/48/revoke", "") as response:
        assert response.status == 200
    async with desk.http.get(f"{links}/48/devices") as response:
        assert await problem(response) == (401, "link_revoked")
    async with desk.http.get(f"{links}/99/devices") as response:
        assert await problem(response) == (404, "unknown_site")


async def test_players_stay_when_the_seat_changes_hands(stage: Stage) -> None:
    node, site, told = await stage.node(), await stage.site("48"), await devices(stage)
    async with await knock(stage, told["whep"], told["play_token"]) as response:
        assert response.status == 201
    async with await site.offer("/whep?slots=stage:1") as response:
        assert response.status == 201
    await site.command(Leave())

    await node.until(lambda: len(node.sessions) == 1)
    assert [one.shared for one in node.sessions.values()] == [True]
