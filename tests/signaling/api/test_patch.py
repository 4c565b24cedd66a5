"""PATCH of a session: trickled candidates and ICE restarts, each with its preconditions."""

from __future__ import annotations

import aiohttp
import pytest

from signaling.wire.codec import MAX_FRAGMENT
from tests.fakes.bridge_node import FakeNode
from tests.fakes.page import Page
from tests.signaling.api.test_doors import problem
from tests.signaling.stage import Stage

FRAGMENT = "m=audio 9 X 111\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
MEDIA_TYPE = "application/trickle-ice-sdpfrag"


async def published(stage: Stage) -> tuple[FakeNode, Page, str]:
    """A node, a site page that publishes to it, and its session's address."""
    node, site = await stage.node(), await stage.site("48")
    async with await site.offer("/whip") as response:
        return node, site, response.headers["Location"]


async def patch(
    page: Page, location: str, body: str = FRAGMENT, **headers: str | None
) -> aiohttp.ClientResponse:
    """PATCH with a token, the right type and a wildcard, unless `headers` say otherwise."""
    sent = {
        "Authorization": f"Bearer {page.doors.token}",
        "Content-Type": MEDIA_TYPE,
        "If-Match": "*",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in sent.items() if value is not None}
    return await page.http.patch(location, data=body.encode(), headers=kept)


async def test_candidates_are_accepted_and_passed_on(stage: Stage) -> None:
    node, site, location = await published(stage)

    async with await patch(site, location, If_Match='"first", W/"weak", "more"') as response:
        assert response.status == 204
        assert response.headers["ETag"] == '"first"'

    told = node.patched[0]
    assert location == f"/whip/node-1/{told.session}"
    assert told.fragment == FRAGMENT
    assert told.if_match == ["first", "more"]


async def test_a_restart_is_answered_with_the_other_side_and_a_new_etag(stage: Stage) -> None:
    _, site, location = await published(stage)

    async with await patch(site, location) as response:
        assert response.status == 200
        assert response.content_type == MEDIA_TYPE
        assert response.headers["ETag"] == '"second"'
        assert await response.text() == "a=ice-lite\r\n"


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"If_Match": None}, (428, "precondition_required")),
        ({"Content_Type": "application/sdp"}, (415, "unsupported_media_type")),
        ({"Authorization": None}, (401, "unauthenticated")),
        ({"Authorization": "Bearer x.y.z"}, (401, "unauthenticated")),
    ],
)
async def test_what_is_missing_is_said(
    stage: Stage, headers: dict[str, str | None], refusal: tuple[int, str]
) -> None:
    node, site, location = await published(stage)

    async with await patch(site, location, **headers) as response:
        assert await problem(response) == refusal
        challenged = response.headers.get("WWW-Authenticate", "")

    assert challenged.startswith("Bearer") == (refusal[0] == 401)
    assert node.patched == []


async def test_a_player_may_leave_out_which_generation_it_means(stage: Stage) -> None:
    node, site = await stage.node(), await stage.site("48")
    async with await site.offer("/whep") as response:
        location = response.headers["Location"]

    async with await patch(site, location, If_Match=None) as response:
        assert response.status == 204
    async with await patch(site, location, If_Match='W/"weak"') as response:
        assert response.status == 204

    assert [told.if_match for told in node.patched] == [[], [""]]


@pytest.mark.parametrize(
    ("code", "status"),
    [("precondition_failed", 412), ("fragment_malformed", 400), ("not_found", 404)],
)
async def test_the_refusal_of_the_node_is_passed_on(stage: Stage, code: str, status: int) -> None:
    node, site, location = await published(stage)
    node.refuse = code

    async with await patch(site, location) as response:
        assert await problem(response) == (status, code)


async def test_an_oversized_fragment_is_refused(stage: Stage) -> None:
    node, site, location = await published(stage)

    async with await patch(site, location, "a" * (MAX_FRAGMENT + 1)) as response:
        assert await problem(response) == (413, "too_large")

    assert node.patched == []


async def test_a_session_of_another_port_is_not_there(stage: Stage) -> None:
    node, _, location = await published(stage)
    other = await stage.site("01")

    async with await patch(other, location) as response:
        assert await problem(response) == (404, "not_found")

    assert node.patched == []


async def test_too_many_fragments_of_one_port_are_limited(stage: Stage) -> None:
    _, site, location = await published(stage)
    for _ in range(100):
        async with await patch(site, location) as response:
            assert response.status == 200

    async with await patch(site, location) as response:
        assert await problem(response) == (429, "rate_limited")
