"""The fan-out: each slot's own numbers, and nobody suffers for another's leg."""

import pytest

from bridge import rtp
from bridge.codecs import OPUS, VP8
from bridge.hotpath import Fanout, PythonFanout
from bridge.slot import Slot
from tests.fakes.streams import Camera, Label, Microphone, ReceivingLeg


@pytest.fixture(params=[PythonFanout])
def fanout(request: pytest.FixtureRequest) -> Fanout:
    return request.param()


def _slots(codec, legs: list[ReceivingLeg]) -> list[Slot]:
    return [
        Slot(
            codec,
            ssrc=0xF0 + n,
            payload_type=111 if codec is OPUS else 100 + n,
            leg=leg,
            first_sequence=65_535 - n,
            first_timestamp=2**32 - 1 - n,
            first_picture_id=32_767 - n,
        )
        for n, leg in enumerate(legs)
    ]


def _forward(fanout: Fanout, source, slots: list[Slot], packets: list[bytes]) -> None:
    for n, packet in enumerate(packets):
        source.receive(0.0, packet)
        if n == 0:
            for slot in slots:
                slot.begin(0.0, source)
        fanout.forward(source.packet, slots)


@pytest.mark.parametrize("tl0", [True, False])
def test_each_slot_gets_the_picture_in_its_own_numbers_over_their_wrap(fanout, tl0: bool) -> None:
    camera = Camera(1, tl0=tl0)
    legs = [ReceivingLeg(), ReceivingLeg()]
    packets = [*camera.frame(keyframe=True), *camera.frame()]
    _forward(fanout, camera.source(), _slots(VP8, legs), packets)
    for n, leg in enumerate(legs):
        headers = [rtp.parse(packet) for packet in leg.packets]
        assert [header.sequence for header in headers] == [
            (65_535 - n + k) & 0xFFFF for k in range(4)
        ]
        start = 2**32 - 1 - n
        assert [header.timestamp for header in headers] == [
            start,
            start,
            (start + 9000) & 0xFFFFFFFF,
            (start + 9000) & 0xFFFFFFFF,
        ]
        assert {header.ssrc for header in headers} == {0xF0 + n}
        assert {header.payload_type for header in headers} == {100 + n}
        assert {header.profile for header in headers} == {0}
        received = leg.received()
        assert [one.picture & 0x7FFF for one in received] == [
            (32_767 - n + k) & 0x7FFF for k in (0, 0, 1, 1)
        ]
        assert (received[0].tl0_picture >= 0) is tl0
        assert [one.marker for one in received] == [False, True, False, True]
        assert [one.label for one in received] == [
            Label(1, frame, part) for frame in (1, 2) for part in (0, 1)
        ]


def test_sound_is_forwarded_unchanged_but_for_the_header(fanout) -> None:
    microphone = Microphone(3)
    leg = ReceivingLeg()
    slots = _slots(OPUS, [leg])
    _forward(fanout, microphone.source(), slots, [microphone.frame(), microphone.frame()])
    assert [one.label for one in leg.received()] == [Label(3, 1, 0), Label(3, 2, 0)]
    assert (slots[0].packets, slots[0].octets) == (2, sum(len(p) - 12 for p in leg.packets))


def test_octets_count_the_payload_as_sent(fanout) -> None:
    camera = Camera(1, picture_ids="short")
    leg = ReceivingLeg()
    slots = _slots(VP8, [leg])
    _forward(fanout, camera.source(), slots, camera.frame(keyframe=True))
    assert slots[0].octets == sum(len(packet) - 12 for packet in leg.packets)


@pytest.mark.parametrize("kind", ["sound", "picture", "picture with layers"])
def test_a_leg_that_raises_harms_no_other(fanout, kind: str) -> None:
    legs = [ReceivingLeg(), ReceivingLeg(broken=True), ReceivingLeg()]
    if kind == "sound":
        microphone = Microphone(1)
        source, packets, codec = microphone.source(), [microphone.frame()], OPUS
    else:
        camera = Camera(1, tl0=kind == "picture with layers")
        source, packets, codec = camera.source(), camera.frame(keyframe=True, parts=1), VP8
    slots = _slots(codec, legs)
    _forward(fanout, source, slots, packets)
    assert [len(leg.packets) for leg in legs] == [1, 0, 1]
    assert [slot.failures for slot in slots] == [0, 1, 0]


def test_a_late_packet_reaches_only_slots_that_had_begun_before_it(fanout) -> None:
    microphone = Microphone(1)
    source = microphone.source()
    legs = [ReceivingLeg(), ReceivingLeg()]
    old, new = _slots(OPUS, legs)
    first, late, third = microphone.frame(), microphone.frame(), microphone.frame()
    _forward(fanout, source, [old], [first])
    source.receive(0.0, third)
    new.begin(0.0, source)
    fanout.forward(source.packet, [old, new])
    source.receive(0.0, late)
    fanout.forward(source.packet, [old, new])
    assert [one.label.frame for one in legs[0].received()] == [1, 3, 2]
    assert [one.label.frame for one in legs[1].received()] == [3]
    # the hole that the late packet fills
    start = legs[0].received()[0].sequence
    assert [one.sequence - start for one in legs[0].received()] == [0, 2, 1]
