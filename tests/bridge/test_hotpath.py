"""The packet path, in both implementations: each slot's own numbers, and nobody suffers for
another's leg."""

import pytest

from bridge import rtp
from bridge.codecs import OPUS, VP8
from bridge.hotpath import PAD_OCTETS
from bridge.hotpath_choice import choose
from bridge.slot import Slot
from tests.fakes.streams import Camera, Label, Microphone, ReceivingLeg


@pytest.fixture(params=["python", "compiled"])
def make(request: pytest.FixtureRequest):
    return choose(request.param)


def _slots(codec, legs: list[ReceivingLeg], **more) -> list[Slot]:
    return [
        Slot(
            codec,
            leg.leg.outlet(
                0xF0 + n,
                111 if codec is OPUS else 100 + n,
                urgent=codec is OPUS,
                nack=codec is VP8,
                **more,
            ),
            first_sequence=65_535 - n,
            first_timestamp=2**32 - 1 - n,
            first_picture_id=32_767 - n,
        )
        for n, leg in enumerate(legs)
    ]


def _forward(source, slots: list[Slot], legs: list[ReceivingLeg], packets: list[bytes]) -> None:
    for n, packet in enumerate(packets):
        source.receive(0.0, packet)
        if n == 0:
            for slot in slots:
                slot.begin(0.0, source)
        legs[0].path.forward(0.0, source.packet, slots)


@pytest.mark.parametrize("tl0", [True, False])
def test_each_slot_gets_the_picture_in_its_own_numbers_over_their_wrap(make, tl0: bool) -> None:
    camera = Camera(1, tl0=tl0)
    legs = [ReceivingLeg(make), ReceivingLeg(make)]
    packets = [*camera.frame(keyframe=True), *camera.frame()]
    _forward(camera.source(), _slots(VP8, legs), legs, packets)
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


def test_sound_is_forwarded_unchanged_but_for_the_header(make) -> None:
    microphone = Microphone(3)
    leg = ReceivingLeg(make)
    slots = _slots(OPUS, [leg])
    _forward(microphone.source(), slots, [leg], [microphone.frame(), microphone.frame()])
    assert [one.label for one in leg.received()] == [Label(3, 1, 0), Label(3, 2, 0)]
    octets = sum(len(packet) - 12 for packet in leg.packets)
    assert (slots[0].outlet.packets, slots[0].outlet.octets) == (2, octets)


def test_octets_count_the_payload_as_sent(make) -> None:
    camera = Camera(1, picture_ids="short")
    leg = ReceivingLeg(make)
    slots = _slots(VP8, [leg])
    _forward(camera.source(), slots, [leg], camera.frame(keyframe=True))
    sent = sum(len(packet) - 12 for packet in leg.packets)
    assert slots[0].outlet.octets == sent


@pytest.mark.parametrize("kind", ["sound", "picture", "picture with layers"])
def test_a_leg_that_fails_harms_no_other(make, kind: str) -> None:
    legs = [ReceivingLeg(make), ReceivingLeg(make, broken=True), ReceivingLeg(make)]
    if kind == "sound":
        microphone = Microphone(1)
        source, packets, codec = microphone.source(), [microphone.frame()], OPUS
    else:
        camera = Camera(1, tl0=kind == "picture with layers")
        source, packets, codec = camera.source(), camera.frame(keyframe=True, parts=1), VP8
    slots = _slots(codec, legs)
    _forward(source, slots, legs, packets)
    assert [len(leg.packets) for leg in legs] == [1, 0, 1]
    assert [slot.outlet.failures for slot in slots] == [0, 1, 0]


def test_a_late_packet_reaches_only_slots_that_had_begun_before_it(make) -> None:
    microphone = Microphone(1)
    source = microphone.source()
    legs = [ReceivingLeg(make), ReceivingLeg(make)]
    old, new = _slots(OPUS, legs)
    first, late, third = microphone.frame(), microphone.frame(), microphone.frame()
    _forward(source, [old], legs, [first])
    source.receive(0.0, third)
    new.begin(0.0, source)
    legs[0].path.forward(0.0, source.packet, [old, new])
    source.receive(0.0, late)
    legs[0].path.forward(0.0, source.packet, [old, new])
    assert [one.label.frame for one in legs[0].received()] == [1, 3, 2]
    assert [one.label.frame for one in legs[1].received()] == [3]
    # the hole that the late packet fills
    start = legs[0].received()[0].sequence
    assert [one.sequence - start for one in legs[0].received()] == [0, 2, 1]


def test_padding_goes_out_as_retransmissions_and_is_nothing_else(make) -> None:
    leg = ReceivingLeg(make)
    plain, padded = (
        leg.leg.outlet(ssrc, 96, urgent=False, nack=True, rtx=rtx, rtx_sequence=65_534, extension=5)
        for ssrc, rtx in [(1, None), (2, (97, 77))]
    )
    assert (plain.pads, padded.pads) == (False, True)
    assert plain.pad(0.0, 3) == 0
    assert padded.pad(0.0, 3) == 3
    leg.path.flush(0.0)
    headers = [rtp.parse(packet) for packet in leg.packets]
    assert [(one.ssrc, one.payload_type, one.sequence) for one in headers] == [
        (77, 97, 65_535),
        (77, 97, 0),
        (77, 97, 1),
    ]
    # all of it is padding, and the receiver reports each
    for number, (packet, header) in enumerate(zip(leg.packets, headers, strict=True)):
        assert packet[0] & 0x20
        assert packet[-1] == PAD_OCTETS
        assert len(packet) == 12 + 8 + PAD_OCTETS
        assert rtp.transport_sequence(packet, 5) == number
        assert header.start == header.end
    assert len(leg.leg.sent(0, 10)) == 3
    assert (padded.packets, padded.octets, padded.resent) == (0, 0, 0)
