"""Two organizers on one service: neither's accounts see, reach or guess what is the other's."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher

from signaling.api.table import ROUTES
from signaling.conference.commands import SYSTEM
from signaling.options import Options
from signaling.passwords import make_hash
from signaling.wire.codec import encode
from signaling.wire.commands import Start, StartRecording, StopRecording
from signaling.wire.ids import AccountName, ConferenceId, Role, Scope, SiteCode
from signaling.wire.rest import CreateConference, SignInRequest
from signaling.wire.worker import Still
from tests.fakes.page import Page, SocketClosedError
from tests.signaling.api.shelf import stored
from tests.signaling.build import CREATE, OPERATOR
from tests.signaling.conftest import TEMPLATE, StartStage
from tests.signaling.stage import Stage

SCIENCE = CREATE.organizer
HEALTH = "Bộ Y tế"
PASSWORD = "mật khẩu dài"
HASH = make_hash(PASSWORD, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
RESOURCES = [
    ("GET", ""),
    ("GET", "/links"),
    ("GET", "/links.csv"),
    ("GET", "/links/sheet"),
    ("GET", "/links/48/qr.svg"),
    ("POST", "/links/48/rotate"),
    ("POST", "/links/48/revoke"),
    ("GET", "/links/48/devices"),
    ("GET", "/sites/48/history"),
    ("GET", "/sites/48/still.jpg"),
    ("GET", "/recordings"),
    ("GET", "/recordings/1-program/0001.mkv"),
    ("DELETE", "/recordings/1-program"),
]


@pytest.fixture
async def ministries(options: Options, start_stage: StartStage) -> AsyncIterator[Stage]:
    """A service with a template and a conference of either ministry; the first is SCIENCE's."""
    templates = {"small": TEMPLATE, "health": replace(TEMPLATE, key="health", organizer=HEALTH)}
    async with start_stage(replace(options, templates=templates)) as stage:
        await stage.server.services.conferences.create(templates["health"], SYSTEM)
        yield stage


def conference_of(stage: Stage, organizer: str) -> ConferenceId:
    """The first conference of an organizer."""
    known = stage.server.conferences()
    return next(one.conference for one in known if one.organizer == organizer)


async def signed_in(stage: Stage, organizer: str | None, role: Role = "operator") -> Page:
    """A page of an account of the organizer."""
    name = AccountName(f"lan-{role}")
    await stage.server.services.accounts.add(name, role, HASH, organizer)
    page = await stage.page()
    body = encode(SignInRequest(account=name, password=PASSWORD))
    async with await page.post("/api/sign-in", body) as response:
        assert (response.status, (await response.json())["organizer"]) == (200, organizer)
    return page


async def told(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Status, and the problem's code if it is one."""
    async with response:
        if response.content_type != "application/problem+json":
            return response.status, ""
        return response.status, (await response.json(content_type=None))["code"]


async def rows(page: Page, path: str) -> list[Any]:
    """A list that the service answers."""
    async with page.http.get(path) as response:
        assert response.status == 200
        found: list[Any] = await response.json()
        return found


@pytest.mark.parametrize("organizer", [SCIENCE, HEALTH])
async def test_lists_hold_the_organizer_s_own(ministries: Stage, organizer: str) -> None:
    page = await signed_in(ministries, organizer)

    conferences = await rows(page, "/api/conferences")
    templates = await rows(page, "/api/templates")

    assert [one["conference"] for one in conferences] == [conference_of(ministries, organizer)]
    assert [one["template"] for one in templates] == ["small" if organizer == SCIENCE else "health"]


async def test_account_of_no_organizer_and_one_time_sign_in_reach_all(ministries: Stage) -> None:
    for page in (await signed_in(ministries, None), await ministries.signed_in("operator")):
        assert len(await rows(page, "/api/conferences")) == 2
        assert len(await rows(page, "/api/templates")) == 2
        for organizer in (SCIENCE, HEALTH):
            path = f"/api/conferences/{conference_of(ministries, organizer)}/links"
            assert len(await rows(page, path)) == len(CREATE.sites)


@pytest.mark.parametrize(("method", "rest"), RESOURCES)
async def test_resource_of_another_organizer_is_as_if_it_were_not_there(
    ministries: Stage, method: str, rest: str
) -> None:
    page = await signed_in(ministries, HEALTH)
    own, others = conference_of(ministries, HEALTH), conference_of(ministries, SCIENCE)
    links = await ministries.server.site_links(others)
    for conference in (own, others):
        owner = ministries.server.services.conferences.get(conference)
        for command in (Start(), StartRecording(), StopRecording()):
            await owner.submit(command, OPERATOR)
        services = ministries.server.services
        still = Still(Scope(conference), SiteCode("48"), 0.0, "ok", b"\xff\xd8\xff")
        assert services.workers.stills.put(services.clock.monotonic(), owner.current(), still)
        stored(ministries, conference, "1-program")

    async def body(conference: str) -> tuple[int, str]:
        url = f"/api/conferences/{conference}{rest}"
        async with page.http.request(method, url) as response:
            text = (await response.read()).decode("utf-8", "replace")
            return response.status, text.replace(conference, "ID")

    guessed, missing = await body(others), await body("0123456789")

    assert guessed[0] == 404
    assert '"not_found"' in guessed[1]
    assert guessed == missing
    assert (await body(own))[0] in (200, 204)
    assert await ministries.server.site_links(others) == links


def test_every_resource_of_a_conference_is_tried() -> None:
    paths = {
        (
            route.method,
            route.path.replace("{site}", "48")
            .replace("{code}", "48")
            .replace("{recording}", "1-program")
            .replace("{file}", "0001.mkv"),
        )
        for route in ROUTES
        if route.path.startswith("/api/conferences/{conference}")
        and not route.path.endswith("/socket")
    }

    assert paths == {
        (method, f"/api/conferences/{{conference}}{rest}") for method, rest in RESOURCES
    }


@pytest.mark.parametrize("role", ["operator", "technician", "secretary"])
async def test_socket_of_another_organizer_is_not_found(ministries: Stage, role: Role) -> None:
    page = await signed_in(ministries, HEALTH, role)

    with pytest.raises(SocketClosedError) as closed:
        await page.connect(f"/api/conferences/{conference_of(ministries, SCIENCE)}/socket")

    assert (closed.value.code, closed.value.reason) == (4404, "not_found")


async def test_socket_of_the_own_organizer_directs(ministries: Stage) -> None:
    page = await signed_in(ministries, HEALTH)
    own = conference_of(ministries, HEALTH)

    await page.connect(f"/api/conferences/{own}/socket")

    assert page.snapshot is not None
    assert page.snapshot.role == "operator"


async def test_organizer_s_name_is_the_same_however_its_marks_are_encoded(
    ministries: Stage,
) -> None:
    name, spelled = AccountName("minh"), unicodedata.normalize("NFD", HEALTH)
    await ministries.server.services.accounts.add(name, "operator", HASH, spelled)
    page = await ministries.page()
    await told(
        await page.post("/api/sign-in", encode(SignInRequest(account=name, password=PASSWORD)))
    )

    async with page.http.get("/api/me") as response:
        me = await response.json()

    assert me == {"account": "minh", "role": "operator", "organizer": HEALTH}
    assert len(await rows(page, "/api/conferences")) == 1


async def test_conference_is_founded_from_an_own_template_only(ministries: Stage) -> None:
    page = await signed_in(ministries, HEALTH)
    before = len(ministries.server.conferences())

    refused = await told(await page.post("/api/conferences", encode(CreateConference("small"))))
    assert refused == (403, "forbidden")
    assert len(ministries.server.conferences()) == before

    founded = await told(await page.post("/api/conferences", encode(CreateConference("health"))))
    assert founded == (201, "")
    assert ministries.server.conferences()[-1].organizer == HEALTH


async def test_unknown_template_names_the_organizer_s_own_only(ministries: Stage) -> None:
    page = await signed_in(ministries, HEALTH)

    async with await page.post("/api/conferences", encode(CreateConference("none"))) as response:
        said = await response.text()

    assert response.status == 404
    assert "health" in said
    assert "small" not in said


async def test_one_time_code_does_not_make_an_account_reach_further(ministries: Stage) -> None:
    accounts = ministries.server.services.accounts
    await accounts.add(AccountName("operator"), "operator", HASH, HEALTH)

    page = await ministries.signed_in("operator")

    assert len(await rows(page, "/api/conferences")) == 1
