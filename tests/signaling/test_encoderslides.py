"""An encoder's second picture is its slides: offered when it flows, over when it has ended."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from signaling.encoderslides import ENDED_S, EncoderSlides
from signaling.sampler import Sampler
from signaling.wire.commands import Scene, Start, Take
from signaling.wire.control import SessionInfo, SessionStats, Stats, StreamStats
from signaling.wire.ids import ConferenceId, DeviceId, Scope, SiteCode, SlotName
from signaling.wire.samples import SiteMedia
from tests.fakes.clock import FakeClock
from tests.signaling.api.test_devices import devices, knock
from tests.signaling.figures import stats_of
from tests.signaling.stage import Stage

INFO = SessionInfo("s", "c", "48/main", "publish", "connected", [])
SEAT = (ConferenceId("c"), SiteCode("48"))
DA_NANG = SiteCode("48")


def sending(info: SessionInfo, *tracks: str, bitrate_bps: float = 300_000.0) -> SessionStats:
    streams = [StreamStats("video", one, 30, 30_000, bitrate_bps) for one in tracks]
    return msgspec.structs.replace(stats_of(info), streams=streams)


def test_what_flows_is_offered_once() -> None:
    slides = EncoderSlides()
    both = sending(INFO, "camera", "slides")
    assert slides.look(0.0, SEAT, both, sharing=False) is True
    assert slides.look(1.0, SEAT, both, sharing=True) is None
    assert slides.look(2.0, SEAT, sending(INFO, "camera"), sharing=False) is None


def test_slides_end_after_their_last_packet_and_not_at_a_slow_one() -> None:
    slides = EncoderSlides()
    slides.look(0.0, SEAT, sending(INFO, "slides"), sharing=True)
    camera = sending(INFO, "camera")
    assert slides.look(ENDED_S - 0.1, SEAT, camera, sharing=True) is None
    assert slides.look(ENDED_S, SEAT, camera, sharing=True) is False


def test_an_encoder_that_is_silent_or_was_away_brings_its_slides_back() -> None:
    slides = EncoderSlides()
    slides.look(0.0, SEAT, sending(INFO, "camera", "slides"), sharing=True)
    silent = sending(INFO, "camera", "slides", bitrate_bps=0.0)
    assert slides.look(100.0, SEAT, silent, sharing=True) is None
    assert slides.look(101.0, SEAT, sending(INFO, "camera"), sharing=True) is None
    again = msgspec.structs.replace(INFO, session="t")
    assert slides.look(200.0, SEAT, sending(again, "camera"), sharing=True) is None
    assert slides.look(200.0 + ENDED_S, SEAT, sending(again, "camera"), sharing=True) is False


def test_after_a_restart_the_first_report_ends_nothing() -> None:
    slides = EncoderSlides()
    assert slides.look(1000.0, SEAT, sending(INFO, "camera"), sharing=True) is None
    assert slides.look(1000.0 + ENDED_S, SEAT, sending(INFO, "camera"), sharing=True) is False


async def test_an_operator_takes_the_slides_of_an_encoder(stage: Stage, clock: FakeClock) -> None:
    node, told = await stage.node(), await devices(stage)
    desk, viewer = await stage.window(), await stage.site("01")
    await desk.command(Start())
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert response.status == 201
    async with await viewer.offer("/whep?slots=stage:2") as response:
        assert response.status == 201
    (encoder,) = node.of_port("48/main", "publish")
    assert not stage.state.seats[DA_NANG].sharing

    await node.report(sending(encoder, "camera", "slides"))
    await desk.until(lambda: desk.rows["seat/48"].sharing)
    await desk.command(Take(Scene("single", (DA_NANG,), DA_NANG)))

    shown = ("01/main", SlotName("stage:1"))
    await node.until(lambda: node.table(stage.conference).get(shown) == ("48/main", "slides"))

    await node.report(sending(encoder, "camera"))
    clock.advance(ENDED_S)
    await node.report(sending(encoder, "camera"))
    await desk.until(lambda: not desk.rows["seat/48"].sharing)
    assert desk.rows["conference"].program.slides is None


async def test_slides_are_shared_for_the_device_that_has_the_seat_alone(
    stage: Stage, clock: FakeClock
) -> None:
    node, told = await stage.node(), await devices(stage)
    async with await knock(stage, told["whip"], told["publish_token"]) as response:
        assert response.status == 201
    (encoder,) = node.of_port("48/main", "publish")
    services = stage.server.services
    [session] = services.nodes.sessions(Scope(stage.conference))
    shared: list[DeviceId] = []

    def look(device: DeviceId) -> None:
        flowing = replace(session, device=device, stats=sending(encoder, "camera", "slides"))
        sampler = Sampler(
            *(stage.server.bus, clock, services.conferences, lambda: [flowing]),
            heard=lambda _owner, _site, _device: None,
            shares=lambda _owner, _site, device, _now: shared.append(device),
        )
        sampler.stats(session.node, Stats(0.0, 1.0, 0.001, 0, 0, 0, 0, {}, [], []))

    look(DeviceId("before"))
    assert shared == []
    assert session.device is not None
    look(session.device)
    assert shared == [session.device]


async def test_a_page_that_sends_slides_says_so_itself(stage: Stage) -> None:
    node, site, desk = await stage.node(), await stage.site("48"), await stage.window()
    async with await site.offer("/whip") as response:
        assert response.status == 201
    (session,) = node.of_port("48/main", "publish")

    with stage.server.bus.subscribe(SiteMedia) as media:
        await node.report(sending(session, "camera", "slides"))
        await media.get()
    await desk.heartbeat()

    assert not stage.state.seats[DA_NANG].sharing
