"""Stills: who is looked at and when, who gets to see it, and nothing that is not of now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from signaling.options import Options
from signaling.orders import ports, wanted
from signaling.reconciler import SETTLE_S
from signaling.routing import Receiver, routes
from signaling.stills import FRESH_S, StillStore
from signaling.wire.commands import End, Recess, Start
from signaling.wire.ids import Port, Role, Scope, SiteCode, parse_slots
from signaling.wire.ports import site_port
from signaling.wire.samples import SitePicture
from signaling.wire.worker import Still, Stills
from tests.fakes.clock import FakeClock
from tests.fakes.page import Page
from tests.signaling.build import DA_NANG, OPERATOR, created, live, run
from tests.signaling.conftest import StartStage
from tests.signaling.stage import Stage
from tests.signaling.test_workers import WORKER_TOKEN, hired

JPEG = b"\xff\xd8\xff a picture"
LOOKING = Receiver(Port("stills/1"), "system", None, frozenset(parse_slots("thumb:64")))


def still(scope: str, site: str = "48", age_s: float = 1.0, jpeg: bytes = JPEG) -> Still:
    return Still(Scope(scope), SiteCode(site), age_s, "black", jpeg)


def test_every_site_is_looked_at_while_sites_receive_and_at_no_other_time() -> None:
    state = live()
    [order] = wanted(state)
    assert isinstance(order, Stills)
    assert order.sites == list(state.seats)
    table = routes(state, [LOOKING])
    assert {slot: source for (_, slot), source in table.items()} == {
        slot: (site_port(site), "camera")
        for slot, site in zip(order.slots, order.sites, strict=True)
    }
    for other in (created(), run(state, Recess(), OPERATOR), run(state, End(), OPERATOR)):
        assert (wanted(other), ports(other), routes(other, [LOOKING])) == ([], frozenset(), {})


def test_another_worker_port_sees_nothing() -> None:
    assert routes(live(), [replace(LOOKING, port=Port("stills/9"))]) == {}


def test_what_may_not_be_seen_is_refused_and_what_was_seen_is_forgotten() -> None:
    state, store = live(), StillStore()
    for wrong in (still("c", site="99"), still("c", jpeg=b"GIF89a")):
        assert not store.put(0.0, state, wrong)
    assert not store.put(0.0, None, still("c"))
    assert not store.put(0.0, created(), still("c"))
    assert store.refused == 4

    assert store.put(10.0, state, still("c", age_s=2.0))
    assert store.get(8.0 + FRESH_S, state, DA_NANG) is not None
    assert store.get(8.1 + FRESH_S, state, DA_NANG) is None
    recess = run(state, Recess(), OPERATOR)
    assert store.get(10.0, recess, DA_NANG) is None
    store.changed(recess)
    assert store.get(10.0, state, DA_NANG) is None


@pytest.fixture
async def studio(
    options: Options, start_stage: StartStage, clock: FakeClock
) -> AsyncIterator[Stage]:
    async with start_stage(replace(options, worker_tokens=(WORKER_TOKEN,))) as stage:
        clock.advance(SETTLE_S)
        yield stage


async def asked(page: Page, stage: Stage, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    url = f"/api/conferences/{stage.conference}/sites/48/still.jpg"
    async with page.http.get(url, headers=headers) as response:
        return response.status, await response.read(), response.headers


async def test_a_still_is_served_with_its_age_until_it_is_old(
    studio: Stage, clock: FakeClock
) -> None:
    worker, operator = await hired(studio), await studio.window()
    technician = await studio.signed_in("technician")
    await operator.command(Start())
    await worker.until(lambda: bool(worker.stills))
    assert (await asked(technician, studio))[0] == 404

    seen = studio.server.bus.subscribe(SitePicture)
    await worker.send(still(studio.conference))
    sample = await anext(aiter(seen))
    assert isinstance(sample, SitePicture)
    assert (sample.site, sample.picture, sample.at) == ("48", "black", clock.wall() - 1)

    clock.advance(3)
    status, body, headers = await asked(technician, studio)
    assert (status, body, headers["Age"]) == (200, JPEG, "4")
    assert headers["Content-Type"] == "image/jpeg"
    tag = headers["ETag"]
    status, body, _ = await asked(operator, studio, **{"If-None-Match": tag})
    assert (status, body) == (304, b"")
    clock.advance(FRESH_S)
    assert (await asked(technician, studio))[0] == 404


@pytest.mark.parametrize("role", ["secretary", "viewer"])
async def test_stills_are_for_those_who_look_after_sites(studio: Stage, role: Role) -> None:
    assert (await asked(await studio.signed_in(role), studio))[0] == 403


async def test_without_sign_in_there_is_no_still(studio: Stage) -> None:
    page = await studio.signed_in()
    page.http.cookie_jar.clear()
    assert (await asked(page, studio))[0] == 401


async def test_a_still_that_is_too_large_ends_the_link(studio: Stage) -> None:
    worker = await hired(studio)
    await worker.send(still(studio.conference, jpeg=JPEG + bytes(70_000)))
    assert await worker.close_code() == 4400
