"""WHIP and WHEP: who may offer what, and what a client is told."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from signaling import tokens
from signaling.options import Options
from signaling.relay import Relay
from signaling.wire.codec import MAX_OFFER
from signaling.wire.commands import End, Leave, Start
from signaling.wire.ids import DeviceId, Port, SiteCode
from signaling.wire.samples import SiteRefused
from tests.fakes.clock import FakeClock
from tests.fakes.page import OFFER, Page
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert response.content_type == "application/problem+json"
    body = await response.json(content_type=None)
    assert body["status"] == response.status
    return response.status, body["code"]


async def refused(page: Page, door: str, offer: str = OFFER, **headers: str) -> tuple[int, str]:
    """POST an offer that is refused."""
    async with await page.offer(door, offer, **headers) as response:
        return await problem(response)


async def test_whip_answers_201_with_location_and_etag(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")

    async with await site.offer("/whip") as response:
        assert response.status == 201
        assert response.headers["Content-Type"] == "application/sdp"
        assert await response.text() == "v=0\r\n"
        headers = response.headers

    session = node.of_port("48/main", "publish")[0]
    assert headers["Location"] == f"/whip/node-1/{session.session}"
    assert headers["ETag"] == f'"{session.session}"'
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Location" in headers["Access-Control-Expose-Headers"]
    assert node.opened[0].offer == OFFER
    assert (session.scope, session.slots) == (stage.conference, [])


async def test_whep_names_its_slots(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")

    async with await site.offer("/whep?slots=stage:2,floor:1") as response:
        assert response.headers["Location"].startswith("/whep/node-1/")

    assert node.of_port("48/main", "receive")[0].slots == ["stage:1", "stage:2", "floor:1"]


@pytest.mark.parametrize(
    ("offer", "slots"),
    [
        (OFFER, ["stage:1", "mix:1"]),
        ("v=0\r\nm=audio 9 x 1\r\n", ["mix:1"]),
        ("v=0\nm=video 9 x 1\n", ["stage:1"]),
    ],
)
async def test_plain_player_gets_one_picture_and_one_sound(
    stage: Stage, offer: str, slots: list[str]
) -> None:
    node, site = await stage.node(), await stage.site("48")

    async with await site.offer("/whep", offer) as response:
        assert response.status == 201

    assert node.opened[0].slots == slots


@pytest.mark.parametrize(
    "slots",
    ["", "stage", "stage:0", "stage:161", "stage:1,stage:1", "wall:1", "stage:100,thumb:100"],
)
async def test_malformed_slots_are_refused(stage: Stage, slots: str) -> None:
    node, site = await stage.node(), await stage.site("48")

    assert await refused(site, f"/whep?slots={slots}") == (400, "slots_invalid")
    assert node.opened == []


async def test_delete_ends_the_session_and_again_is_not_found(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    async with await site.offer("/whip") as response:
        location = response.headers["Location"]
    headers = {"Authorization": f"Bearer {site.doors.token}"}

    async with site.http.delete(location, headers=headers) as response:
        assert response.status == 200
    async with site.http.delete(location, headers=headers) as response:
        assert await problem(response) == (404, "not_found")

    assert node.sessions == {}
    assert node.closed[0][1] == "deleted"


async def test_session_of_another_port_cannot_be_deleted(stage: Stage) -> None:
    node, site, other = await stage.node(), await stage.site("48"), await stage.site("01")
    async with await site.offer("/whip") as response:
        location = response.headers["Location"]

    headers = {"Authorization": f"Bearer {other.doors.token}"}
    async with other.http.delete(location, headers=headers) as response:
        assert await problem(response) == (404, "not_found")
    async with other.http.delete(location) as response:
        assert await problem(response) == (401, "unauthenticated")

    assert len(node.sessions) == 1


async def test_session_under_the_wrong_door_is_not_found(stage: Stage) -> None:
    await stage.node()
    site = await stage.site("48")
    async with await site.offer("/whip") as response:
        location = response.headers["Location"].replace("/whip/", "/whep/")

    headers = {"Authorization": f"Bearer {site.doors.token}"}
    async with site.http.delete(location, headers=headers) as response:
        assert await problem(response) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_session_takes_no_other_method(stage: Stage, method: str) -> None:
    site = await stage.site("48")

    async with site.http.request(method, "/whip/node-1/x") as response:
        assert await problem(response) == (405, "method_not_allowed")
        assert "DELETE" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "allowed"), [("/whip", "POST"), ("/whep", "POST"), ("/whip/node-1/x", "DELETE")]
)
async def test_preflight_from_any_origin_is_answered(stage: Stage, path: str, allowed: str) -> None:
    page = await stage.page()

    async with page.http.options(path, headers={"Origin": "https://encoder.example"}) as response:
        assert response.status == 204
        assert allowed in response.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        if allowed == "POST":
            assert response.headers["Accept-Post"] == "application/sdp"
        else:
            assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
            assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_foreign_origin_with_a_token_may_offer(stage: Stage) -> None:
    await stage.node()
    site = await stage.site("48")

    async with await site.offer("/whip", Origin="https://encoder.example") as response:
        assert response.status == 201


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic eDp5", "bearer " + "x" * 3000]
)
async def test_offer_without_a_valid_token_is_refused(stage: Stage, authorization: str) -> None:
    node, site = await stage.node(), await stage.site("48")

    assert await refused(site, "/whip", Authorization=authorization) == (401, "unauthenticated")
    assert node.opened == []


async def test_token_expires(stage: Stage, clock: FakeClock) -> None:
    await stage.node()
    site = await stage.site("48")

    clock.advance(25 * 3600)

    assert await refused(site, "/whip") == (401, "unauthenticated")


async def test_link_is_no_door_token(stage: Stage) -> None:
    site = await stage.site("48")
    token = (await stage.link("48")).partition("#t=")[2]

    answer = await refused(site, "/whip", Authorization=f"Bearer {token}")

    assert answer == (401, "unauthenticated")


async def test_director_may_not_publish(stage: Stage) -> None:
    await stage.node()
    operator = await stage.window()

    assert await refused(operator, "/whip") == (403, "forbidden")


async def test_token_of_a_device_that_left_is_refused(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    await site.command(Leave())

    assert await refused(site, "/whip") == (409, "seat_taken")
    assert node.opened == []


async def test_token_of_a_closed_window_is_refused(stage: Stage) -> None:
    await stage.node()
    operator, other = await stage.window(), await stage.window()
    await operator.websocket.close()
    while stage.server.services.hub.connected(stage.conference, operator.port):
        await other.heartbeat()

    assert await refused(operator, "/whep") == (401, "unauthenticated")


async def test_ended_conference_takes_no_offers(stage: Stage) -> None:
    await stage.node()
    operator, site = await stage.window(), await stage.site("48")
    await operator.command(Start())
    await operator.command(End())

    assert await refused(site, "/whip") == (409, "wrong_phase")


async def test_offer_without_a_bridge_is_refused(stage: Stage) -> None:
    assert await refused(await stage.site("48"), "/whip") == (503, "no_bridge")


@pytest.mark.parametrize(
    ("code", "status"),
    [("offer_malformed", 400), ("offer_no_codec", 406), ("bridge_full", 503), ("???", 500)],
)
async def test_refusal_of_the_node_is_passed_on(stage: Stage, code: str, status: int) -> None:
    node, site = await stage.node(), await stage.site("48")
    node.refuse = code

    known = "internal" if code == "???" else code
    assert await refused(site, "/whip") == (status, known)


async def test_offer_must_be_sdp(stage: Stage) -> None:
    site = await stage.site("48")
    headers = {"Content-Type": "application/json"}

    async with await site.offer("/whip", **headers) as response:
        assert await problem(response) == (415, "unsupported_media_type")


async def test_offer_that_is_not_text_is_malformed(stage: Stage) -> None:
    site = await stage.site("48")
    headers = {
        "Content-Type": "application/sdp",
        "Authorization": f"Bearer {site.doors.token}",
    }

    async with site.http.post("/whip", data=b"\xff\xfe", headers=headers) as response:
        assert await problem(response) == (400, "offer_malformed")


async def test_oversized_offer_is_refused(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")

    assert await refused(site, "/whip", "x" * (MAX_OFFER + 2)) == (413, "too_large")
    assert node.opened == []


async def test_offer_of_unknown_length_is_refused_where_the_limit_is(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    headers = {
        "Content-Type": "application/sdp",
        "Authorization": f"Bearer {site.doors.token}",
    }

    async def ten_megabytes() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield bytes(65_536)

    async with site.http.post("/whip", data=ten_megabytes(), headers=headers) as response:
        assert await problem(response) == (413, "too_large")
    assert node.opened == []


async def test_too_many_offers_of_one_port_are_limited(stage: Stage) -> None:
    await stage.node()
    site, other = await stage.site("48"), await stage.site("01")
    for _ in range(20):
        async with await site.offer("/whip") as response:
            assert response.status == 201

    async with await site.offer("/whip") as response:
        assert await problem(response) == (429, "rate_limited")
        assert response.headers["Retry-After"] == "1"
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
    async with await other.offer("/whip") as response:
        assert response.status == 201


async def test_token_of_another_service_is_refused(stage: Stage) -> None:
    site = await stage.site("48")
    ring = tokens.KeyRing("k", {"k": bytes(32)})
    claims = tokens.Door(
        stage.conference, Port("48/main"), True, SiteCode("48"), DeviceId("device")
    )
    forged = tokens.issue(claims, ring, 4e9)

    answer = await refused(site, "/whip", Authorization=f"Bearer {forged}")

    assert answer == (401, "unauthenticated")


async def test_turn_server_is_told_in_doors_and_headers_with_fresh_credentials(
    options: Options, start_stage: StartStage, clock: FakeClock
) -> None:
    urls = ("turn:turn.example:3478?transport=tcp", "turns:turn.example:443")
    relay = Relay(urls, "the secret of coturn", 600.0)
    async with start_stage(replace(options, relay=relay)) as stage:
        await stage.node()
        site = await stage.site("48")
        [told] = site.doors.ice_servers
        assert told.username is not None
        clock.advance(60)

        async with await site.offer("/whip") as response:
            links = response.headers.getall("Link")

    assert told.urls == list(urls)
    expires_at, _, name = told.username.partition(":")
    assert name == f"{stage.conference}/48/main"
    later = f"{int(expires_at) + 60}:{name}"
    password = hmac.digest(b"the secret of coturn", later.encode(), "sha1")
    rest = (
        f'; rel="ice-server"; username="{later}"'
        f'; credential="{base64.b64encode(password).decode()}"; credential-type="password"'
    )
    assert links == [f"<{url}>{rest}" for url in urls]
    assert str(told.credential) not in "".join(links)


async def test_page_without_media_gets_no_credentials_of_the_turn_server(
    options: Options, start_stage: StartStage
) -> None:
    relay = Relay(("turn:turn.example:3478",), "the secret of coturn", 600.0)
    async with start_stage(replace(options, relay=relay)) as stage:
        window = await stage.window("secretary")
        assert (window.doors.whep, window.doors.ice_servers) == (None, [])


async def test_session_that_a_node_opens_after_the_link_was_revoked_is_closed(
    stage: Stage,
) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    node.answers = False
    offer = asyncio.create_task(refused(site, "/whip"))
    await node.until(lambda: bool(node.opened))

    async with await operator.post(
        f"/api/conferences/{stage.conference}/links/48/revoke", ""
    ) as response:
        assert response.status == 200
    node.answers = True
    await node.open_late()

    assert await offer == (401, "link_revoked")
    await node.until(lambda: node.sessions == {})
    assert [reason for _, reason in node.closed] == ["link_revoked"]


async def test_signing_out_ends_what_the_window_receives(stage: Stage) -> None:
    node, operator, other = await stage.node(), await stage.window(), await stage.window()
    for page in (operator, other):
        async with await page.offer("/whep") as response:
            assert response.status == 201

    async with await operator.post("/api/sign-out", "") as response:
        assert response.status == 204

    await node.until(lambda: len(node.sessions) == 1)
    assert [info.port for info in node.sessions.values()] == [other.port]
    assert await refused(operator, "/whep") == (401, "unauthenticated")


async def test_a_door_takes_the_codec_that_the_conference_was_founded_with(stage: Stage) -> None:
    node, desk = await stage.node(), await stage.signed_in()
    body = '{"template": "small", "codec": "H264"}'
    async with await desk.post("/api/conferences", body) as response:
        conference = (await response.json())["conference"]
    desk.socket_path = f"/api/conferences/{conference}/socket"
    window = await desk.connect()
    async with await window.offer("/whep?slots=stage:1"):
        pass

    assert window.doors.codec == "H264"
    assert node.opened[-1].codec == "H264"


async def test_a_refusal_for_its_codec_names_both_and_the_monitor_is_told(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    node.refuse, node.refuse_params = "offer_other_codec", {"offered": "vp8", "codec": "H264"}

    with stage.server.bus.subscribe(SiteRefused) as refused:
        async with await site.offer("/whip") as response:
            assert response.status == 406
            body = await response.json(content_type=None)
        told = await refused.get()

    assert (told.site, told.offered, told.codec) == ("48", "vp8", "H264")

    assert (body["code"], body["params"]) == (
        "offer_other_codec",
        {"offered": "vp8", "codec": "H264"},
    )
