"""The worker link over a real socket: orders, facts, and every way to lose a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import msgspec
import pytest

from signaling.mixes import SHORT_S
from signaling.options import Options
from signaling.reconciler import SETTLE_S
from signaling.wire.commands import Start, StartRecording, StopRecording, Take, Unmute
from signaling.wire.figures import MixFigures
from signaling.wire.ids import Port, Scope, SessionId, SiteCode, SlotName
from signaling.wire.recordings import RecordingId, RecordingRow
from signaling.wire.samples import HealthReport
from signaling.wire.worker import MixFact, RecordFact
from signaling.workers import GRACE_S, SILENCE_S
from tests.fakes.bridge_node import FakeNode
from tests.fakes.clock import FakeClock
from tests.fakes.media_worker import FakeWorker
from tests.fakes.page import OFFER, Page
from tests.signaling.api.test_devices import devices
from tests.signaling.build import single
from tests.signaling.conftest import StartStage
from tests.signaling.figures import FIGURES
from tests.signaling.stage import NODE_TOKEN, Stage

WORKER_TOKEN = "worker-token-of-the-tests-0123456789"


@pytest.fixture
def staffed(options: Options) -> Options:
    return replace(options, worker_tokens=(WORKER_TOKEN,))


@pytest.fixture
async def studio(
    staffed: Options, start_stage: StartStage, clock: FakeClock
) -> AsyncIterator[Stage]:
    async with start_stage(staffed) as stage:
        clock.advance(SETTLE_S)
        yield stage


async def hired(stage: Stage, name: str = "worker-1") -> FakeWorker:
    worker = await FakeWorker(name).connect(stage.url, WORKER_TOKEN)
    stage.stack.push_async_callback(worker.disconnect)
    await worker.until(lambda: worker.orders is not None)
    return worker


def fact(stage: Stage, flowing: bool = True) -> RecordFact:
    return RecordFact(Scope(stage.conference), RecordingId("1-program"), flowing)


def row(page: Page) -> RecordingRow | None:
    found = page.rows.get("recording")
    assert found is None or isinstance(found, RecordingRow)
    return found


async def shows(page: Page, state: str, problem: str | None = None) -> None:
    await page.until(
        lambda: (
            (found := row(page)) is not None and (found.state, found.problem) == (state, problem)
        )
    )


@pytest.mark.parametrize("token", ["wrong", "", NODE_TOKEN, WORKER_TOKEN + "x"])
async def test_link_without_the_worker_token_is_refused(studio: Stage, token: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await FakeWorker().connect(studio.url, token)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 4400),
        ('{"type": "orders"}', 4400),
        ('{"type": "facts", "at": 1, "free_bytes": 1}', 4402),
    ],
)
async def test_link_must_begin_with_a_readable_hello(studio: Stage, frame: str, code: int) -> None:
    worker = await FakeWorker().connect(studio.url, WORKER_TOKEN, hello=False)
    await worker.send_text(frame)
    assert await worker.close_code() == code
    await worker.disconnect()


async def test_orders_follow_every_change_and_carry_a_token_that_opens_the_door(
    studio: Stage,
) -> None:
    node, worker, operator = await studio.node(), await hired(studio), await studio.window()
    assert worker.orders == []
    await operator.command(Start())
    await operator.command(StartRecording(["48"]))
    await worker.until(lambda: len(worker.orders or []) == 2)
    assert worker.orders is not None
    program, site = worker.orders
    assert (program.port, site.port, site.name) == ("rec/program", "rec/48", "Đà Nẵng")
    slots = "stage:1,floor:4"
    headers = {"Authorization": f"Bearer {program.token}", "Content-Type": "application/sdp"}
    async with operator.http.post(f"/whep?slots={slots}", data=OFFER, headers=headers) as response:
        assert response.status == 201
    async with operator.http.post("/whip", data=OFFER, headers=headers) as response:
        assert response.status == 403
    await node.until(lambda: ("rec/program", "stage:1") in node.table(studio.conference))

    await operator.command(StopRecording())

    await worker.until(lambda: worker.orders == [])
    await node.until(lambda: bool(node.closed))
    assert node.closed[0][1] == "not_wanted"
    async with operator.http.post(f"/whep?slots={slots}", data=OFFER, headers=headers) as response:
        assert response.status == 403


async def knock(page: Page, url: str, token: str) -> int:
    """The status of an offer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with page.http.post(url, data=OFFER, headers=headers) as response:
        return response.status


async def connected(node: FakeNode, port: str, direction: str) -> SessionId:
    """Its newest session of this port is up from now on."""
    session = node.of_port(port, direction)[-1].session
    await node.edge(session, "connected")
    return session


async def mixed(studio: Stage) -> tuple[FakeNode, FakeWorker, Page, SessionId]:
    """A live conference in which a player of Đà Nẵng is given the mix of its site, while that
    site's device has the seat; and the session that publishes it."""
    node, worker, operator = await studio.node(), await hired(studio), await studio.window()
    await studio.site("48")
    await operator.command(Start())
    assert worker.mixes == []
    told = await devices(studio)
    assert await knock(operator, told["whep"], told["play_token"]) == 201
    await worker.until(lambda: len(worker.mixes) == 2)
    published = None
    for mix in worker.mixes:
        assert await knock(operator, "/whep?slots=floor:4", mix.token) == 201
        assert await knock(operator, "/whip", mix.token) == 201
        published = await connected(node, mix.port, "publish")
    assert published is not None
    await node.until(lambda: heard(studio, node) == ("mix/48", "mic"))
    return node, worker, operator, published


def heard(studio: Stage, node: FakeNode) -> tuple[str, str] | None:
    """What the player of Đà Nẵng hears."""
    return node.table(studio.conference).get((Port("48/main"), SlotName("mix:1")))


async def test_a_mix_is_ordered_while_somebody_takes_one_sound(studio: Stage) -> None:
    node, worker, _, published = await mixed(studio)
    assert [one.port for one in worker.mixes] == ["mix/program", "mix/48"]
    table = node.table(studio.conference)
    assert table[Port("mix/48"), SlotName("floor:4")] == ("@floor/4", "mic")

    player = node.of_port("48/main", "receive")[0].session
    await node.edge(player, "closed", "deleted")

    await worker.until(lambda: worker.mixes == [])
    await node.until(lambda: (published, "not_wanted") in node.closed)


async def test_a_mix_whose_session_is_not_up_is_heard_by_nobody(studio: Stage) -> None:
    node, worker, operator, published = await mixed(studio)
    await node.edge(published, "closed", "lost")
    await node.until(lambda: heard(studio, node) == ("mix/program", "mic"))
    own = next(mix for mix in worker.mixes if mix.port == "mix/48")

    assert await knock(operator, "/whip", own.token) == 201

    stage = Port("48/main"), SlotName("stage:1")
    await operator.command(Take(single("01")))
    await node.until(lambda: node.table(studio.conference)[stage] == ("01/main", "camera"))
    assert heard(studio, node) == ("mix/program", "mic")
    await connected(node, own.port, "publish")
    await node.until(lambda: heard(studio, node) == ("mix/48", "mic"))


async def test_only_the_token_of_a_mix_publishes_and_only_while_it_is_wanted(
    studio: Stage,
) -> None:
    node, worker, operator, _ = await mixed(studio)
    tokens = {mix.port: mix.token for mix in worker.mixes}
    assert await knock(operator, "/whip", worker.stills[0].token) == 403
    assert await knock(operator, "/whip", tokens["mix/48"][:-2] + "xx") == 401
    await node.edge(node.of_port("48/main", "receive")[0].session, "closed", "deleted")
    await worker.until(lambda: worker.mixes == [])
    assert await knock(operator, "/whip", tokens["mix/48"]) == 403


async def judged(studio: Stage, wanted: MixFigures) -> None:
    """The mixes are known to be so."""
    watch = studio.server.services.workers.mixes
    async with asyncio.timeout(10):
        while watch.figures(studio.conference) != wanted:  # noqa: ASYNC110 - it tells no one
            await asyncio.sleep(0.01)


async def test_directors_are_told_of_mixes_that_are_missing(
    studio: Stage, clock: FakeClock
) -> None:
    _, worker, operator, _ = await mixed(studio)
    site = await studio.site("01")
    scope, figures = Scope(studio.conference), {SiteCode("01"): FIGURES}
    program = MixFact(scope, Port("mix/program"), flowing=True, voices=2)

    async def told(*facts: MixFact, wanted: MixFigures) -> None:
        """The operator, and no site, is told so when the worker says this."""
        await worker.tell(*facts)
        await judged(studio, wanted)
        operator.figures = site.figures = None
        studio.server.bus.publish(HealthReport(studio.conference, 1.0, {}, figures))
        await operator.until(lambda: operator.figures is not None)
        await site.until(lambda: site.figures is not None)
        assert operator.figures is not None
        assert site.figures is not None
        assert (operator.figures.mixes, site.figures.mixes) == (wanted, None)

    await told(program, wanted=MixFigures(2, 1))
    clock.advance(SHORT_S)
    await told(program, wanted=MixFigures(2, 1, missing=True))
    health = await studio.server.services.health()
    # anybody may ask
    assert studio.conference not in health.components["mixes"].detail
    assert not health.components["mixes"].ok
    await told(program, MixFact(scope, Port("mix/48"), flowing=True), wanted=MixFigures(2, 2))
    health = await studio.server.services.health()
    assert health.components["mixes"].ok


async def test_a_mix_beyond_what_the_worker_may_make_counts_as_missing(
    staffed: Options, start_stage: StartStage, clock: FakeClock
) -> None:
    async with start_stage(replace(staffed, max_mixes=0)) as stage:
        clock.advance(SETTLE_S)
        node, worker, operator = await stage.node(), await hired(stage), await stage.window()
        await stage.site("48")
        await operator.command(Start())
        told = await devices(stage)
        assert await knock(operator, told["whep"], told["play_token"]) == 201
        await worker.until(lambda: len(worker.mixes) == 1)
        [program] = worker.mixes
        assert await knock(operator, "/whip", program.token) == 201
        await connected(node, program.port, "publish")
        await node.until(lambda: heard(stage, node) == ("mix/program", "mic"))
        await worker.tell(MixFact(Scope(stage.conference), program.port, flowing=True))
        await judged(stage, MixFigures(2, 1))
        clock.advance(SHORT_S)
        await worker.tell(MixFact(Scope(stage.conference), program.port, flowing=True))
        await judged(stage, MixFigures(2, 1, missing=True))


async def test_without_its_worker_a_player_hears_the_first_position(studio: Stage) -> None:
    node, worker, _, published = await mixed(studio)
    await worker.disconnect()
    await node.until(lambda: heard(studio, node) == ("@floor/1", "mic"))
    assert (published, "worker_gone") in node.closed


async def test_after_a_restart_mixes_flow_on_until_all_nodes_have_told_who_listens(
    staffed: Options, start_stage: StartStage, clock: FakeClock
) -> None:
    async with start_stage(staffed) as stage:
        clock.advance(SETTLE_S)
        node, _, _, _ = await mixed(stage)
        await stage.server.stop()
    node_2 = FakeNode("node-2")
    [player] = node.of_port("48/main", "receive")
    node_2.sessions[player.session] = node.sessions.pop(player.session)
    stray = msgspec.structs.replace(player, session=SessionId("stray"), port=Port("99/main"))
    node.sessions[stray.session] = stray

    async with start_stage(staffed) as again:
        worker = await FakeWorker().connect(again.url, WORKER_TOKEN)
        again.stack.push_async_callback(worker.disconnect)
        await again.node(node)
        await node.until(lambda: bool(node.closed))
        await again.node(node_2)
        assert worker.orders is None
        clock.advance(SETTLE_S)
        await worker.until(lambda: worker.orders is not None)
        assert [one.port for one in worker.mixes] == ["mix/program", "mix/48"]
        assert node.closed == [(stray.session, "not_found")]


async def test_a_muted_site_has_no_route_to_its_recorder(studio: Stage) -> None:
    node, worker, operator = await studio.node(), await hired(studio), await studio.window()
    site = await studio.site("48")
    await operator.command(Start())
    await operator.command(StartRecording(["48"]))
    await worker.until(lambda: len(worker.orders or []) == 2)
    assert worker.orders is not None
    token = worker.orders[1].token
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    url = "/whep?slots=stage:1,floor:1"
    async with operator.http.post(url, data=OFFER, headers=headers) as response:
        assert response.status == 201
    await site.command(Unmute(SiteCode("48")))
    assert not node.table(studio.conference)
    await operator.command(Unmute(SiteCode("48")))
    await node.until(
        lambda: node.table(studio.conference).get(("rec/48", "floor:1")) == ("48/main", "mic")
    )


async def test_facts_become_what_pages_are_told(studio: Stage, clock: FakeClock) -> None:
    worker, operator, site = await hired(studio), await studio.window(), await studio.site("48")
    await operator.command(Start())
    await operator.command(StartRecording())
    await shows(operator, "starting")
    await worker.tell(fact(studio))
    await shows(operator, "recording")
    await shows(site, "recording")

    await worker.disconnect()

    clock.advance(GRACE_S)
    await shows(operator, "interrupted", "no_worker")
    await shows(site, "interrupted")


async def test_a_silent_worker_counts_as_gone_until_it_is_heard(
    studio: Stage, clock: FakeClock
) -> None:
    worker, operator = await hired(studio), await studio.window()
    await operator.command(Start())
    await operator.command(StartRecording())
    await worker.tell(fact(studio))
    await shows(operator, "recording")
    clock.advance(SILENCE_S + 0.1)
    await shows(operator, "interrupted", "no_worker")
    await worker.tell(fact(studio, flowing=False))
    await shows(operator, "waiting")


async def test_a_second_worker_waits_and_takes_over(studio: Stage) -> None:
    first, operator = await hired(studio), await studio.window()
    await operator.command(StartRecording())
    await first.until(lambda: len(first.orders or []) == 1)
    second = await hired(studio, "worker-2")
    assert second.orders == []
    await first.disconnect()
    await second.until(lambda: len(second.orders or []) == 1)


async def test_mixes_flow_on_when_the_worker_that_waits_is_gone(studio: Stage) -> None:
    node, worker, _, published = await mixed(studio)
    waiting = await hired(studio, "worker-2")
    await waiting.disconnect()
    async with asyncio.timeout(10):
        while len(studio.server.services.workers.links) > 1:  # noqa: ASYNC110 - it tells no one
            await asyncio.sleep(0.01)
    assert heard(studio, node) == ("mix/48", "mic")
    await worker.disconnect()
    await node.until(lambda: (published, "worker_gone") in node.closed)
    assert [reason for session, reason in node.closed if session == published] == ["worker_gone"]


async def test_a_newer_link_of_a_worker_replaces_the_older(studio: Stage) -> None:
    older, newer = await hired(studio), await hired(studio)
    assert await older.close_code() == 4410
    await newer.tell()


async def test_orders_are_repeated_so_that_none_can_be_lost(
    studio: Stage, clock: FakeClock
) -> None:
    worker = await hired(studio)
    count = worker.received
    clock.advance(11)
    await worker.until(lambda: worker.received > count)


async def test_a_worker_is_told_of_sessions_that_the_bridge_ended(studio: Stage) -> None:
    node, worker, operator = await studio.node(), await hired(studio), await studio.window()
    await operator.command(StartRecording())
    await worker.until(lambda: len(worker.orders or []) == 1)
    assert worker.orders is not None
    headers = {
        "Authorization": f"Bearer {worker.orders[0].token}",
        "Content-Type": "application/sdp",
    }
    url = "/whep?slots=stage:1,floor:4"
    async with operator.http.post(url, data=OFFER, headers=headers) as response:
        assert response.status == 201
    session = node.of_port("rec/program", "receive")[0].session
    await node.edge(session, "closed", "consent")
    await worker.until(lambda: bool(worker.closed_sessions))
    assert worker.closed_sessions[0].session == session
