"""Publishing sessions over real sockets: whose packet it is, what is asked of the publisher."""

import asyncio
import struct

from bridge import rtcp
from bridge.ceiling import BURST_S, CEILING_BPS
from tests.bridge.client import LAYERS, delta, keyframe, plain, retransmission
from tests.bridge.house import asks_for_keyframe, nacked, ssrc, wants_all


async def test_tracks_are_told_apart_by_ssrc_then_mid_then_payload_type(house):
    site = await house.publisher("48/main", ("audio", "video", "video"), ssrcs=(70, 71))
    operator = await house.receiver("op/1", "stage:2,floor:1")
    house.route(
        ("op/1", "stage:1", "48/main", "camera"),
        ("op/1", "stage:2", "48/main", "slides"),
        ("op/1", "floor:1", "48/main", "mic"),
    )
    site.rtp(71, 1, keyframe(1) + b"camera", 96)
    site.rtp(99, 1, keyframe(1) + b"slides", 96, mid="2")
    site.rtp(98, 1, b"mic", 111)
    site.rtp(97, 1, keyframe(1) + b"whose?", 96)
    await operator.until(lambda: len(operator.received) == 3)
    ends = {ssrc(one): one for one in operator.received}
    assert ends[operator.slots["0"]].endswith(b"camera")
    assert ends[operator.slots["1"]].endswith(b"slides")
    assert ends[operator.slots["2"]].endswith(b"mic")
    assert house.dropped("unknown_ssrc") == 1


async def test_unknown_payload_type_is_counted(house):
    site = await house.publisher("48/main", ("audio",), ssrcs=(70,))
    site.rtp(70, 1, b"x", 8)
    await house.counted("unknown_payload")
    assert house.stats("48/main", "publish").streams == []


async def test_new_ssrc_of_a_track_is_taken_but_not_in_haste(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(1, 1, b"one", 111)
    await operator.until(lambda: len(operator.received) == 1)
    for number in range(2, 50):
        site.rtp(number, 1, b"churn", 111)
    await house.counted("ssrc_churn", 48)


async def test_receivers_pli_reaches_the_publisher(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.received)
    site.control.clear()
    slot = operator.slot_ssrcs[0]
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), rtcp.PictureLoss(1, slot)]))
    await site.until(lambda: asks_for_keyframe(site, 5))
    assert house.stats("op/1", "receive").streams[0].keyframe_requests == 1


async def test_lost_packets_are_asked_of_the_publisher_and_take_their_place(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    for number in (1, 2, 5):
        site.rtp(5, number, keyframe(number) + b"%d" % number, 96, number * 3000)
    await site.until(lambda: nacked(site) == {3, 4})
    for number in (3, 4):
        site.rtp(5, number, keyframe(number) + b"%d" % number, 96, number * 3000)
    await operator.until(lambda: len(operator.received) == 5)
    in_order = sorted(operator.received, key=lambda one: struct.unpack_from("!H", one, 2))
    assert [one[-1:] for one in in_order] == [b"1", b"2", b"3", b"4", b"5"]


async def test_losses_of_two_pictures_are_asked_for_each_under_its_ssrc(house):
    site = await house.publisher("48/main", ("video", "video"), ssrcs=(5, 6))
    for source, lost in ((5, 3), (6, 8)):
        for number in (lost - 1, lost + 1):
            site.rtp(source, number, keyframe(number), 96, number * 3000)
    await site.until(lambda: nacked(site) == {3, 8})
    asked = {
        (one.media_ssrc, number)
        for compound in site.control
        for one in rtcp.parse(compound)
        if isinstance(one, rtcp.Nack)
        for number in one.lost
    }
    assert asked == {(5, 3), (6, 8)}


async def test_round_trip_outlives_a_reply_without_sense(house):
    site = await house.publisher("48/main", ("audio",))

    def asked():
        packets = [one for compound in site.control for one in rtcp.parse(compound)]
        return [one for one in packets if isinstance(one, rtcp.ReferenceTime)]

    await site.until(asked)
    question = asked()[0]
    for last in (rtcp.compact_ntp(question.ntp), 0):
        site.rtcp(rtcp.build([rtcp.ReferenceReply(1, ((question.ssrc, last, 0),))]))
    site.rtp(9, 1, b"the node has read what came before", 8)
    await house.counted("unknown_ssrc")
    rtt_s = house.stats("48/main", "publish").rtt_s
    assert rtt_s is not None
    assert 0 <= rtt_s < 10


async def simulcast(house, *slots):
    """A publisher of layers q and h, and a receiver of its camera in these slots."""
    site = await house.publisher("48/main", ("audio", "video"), lines=LAYERS)
    operator = await house.receiver("op/1", ",".join(slots))
    wants_all(operator)
    house.route(*[("op/1", one, "48/main", "camera") for one in slots])
    return site, operator


async def test_layers_are_told_apart_by_their_rid_which_is_said_no_more(house):
    site, operator = await simulcast(house, "stage:1", "thumb:1")
    for ssrc_, rid, pixels in ((5, "q", (320, 180)), (6, "h", (640, 360))):
        frame = keyframe(1, pixels=pixels) + rid.encode()
        site.rtp(ssrc_, 1, frame, 96, 3000, mid="1", rid=rid)
    await operator.until(lambda: len(operator.received) == 3)
    for ssrc_, rid in ((5, b"q"), (6, b"h")):
        site.rtp(ssrc_, 2, delta(2) + rid, 96, 6000)
    await operator.until(lambda: len(operator.received) == 5)
    stage, thumb = operator.slots["0"], operator.slots["1"]
    ends = {slot: {one[-1:] for one in operator.received[-2:] if ssrc(one) == slot}
            for slot in (stage, thumb)}  # fmt: skip
    assert ends == {stage: {b"h"}, thumb: {b"q"}}
    streams = house.stats("48/main", "publish").streams
    assert [(one.track, one.layer, one.width, one.height) for one in streams] == [
        ("camera", "q", 320, 180),
        ("camera", "h", 640, 360),
    ]
    assert [one.layers for one in house.wanted] == [["q", "h"]]
    assert house.node.layers_wanted() == house.wanted


async def test_layers_that_were_not_agreed_are_dropped(house):
    site, operator = await simulcast(house, "stage:1")
    for number in range(200):
        site.rtp(1000 + number, 1, keyframe(1), 96, mid="1", rid=f"x{number}")
    await house.counted("unknown_rid", 200)
    site.rtp(5, 1, keyframe(1), 96, mid="1", rid="q")
    await operator.until(lambda: operator.received)
    assert len(house.stats("48/main", "publish").streams) == 1


async def test_a_retransmission_fills_the_hole_and_others_are_passed_over(house):
    site, operator = await simulcast(house, "thumb:1")
    # before its layer's first packet, as padding, of what has come: none of them is of use
    early = retransmission(plain(5, 1, keyframe(1)), 97, 50, 1, "q")
    site.send(site.channel.protect_rtp(early))
    await house.counted("rtx_early")
    for number in (1, 2, 4):
        site.rtp(5, number, keyframe(number) + b"%d" % number, 96, 3000 * number, mid="1", rid="q")
    await operator.until(lambda: len(operator.received) == 3)
    site.rtp(50, 2, b"", 97)
    await house.counted("padding")
    again = retransmission(plain(5, 2, keyframe(2)), 97, 50, 3)
    site.send(site.channel.protect_rtp(again))
    await house.counted("rtx_unneeded")
    await site.until(lambda: nacked(site) == {3})
    lost = retransmission(plain(5, 3, keyframe(3) + b"3", timestamp=9000), 97, 50, 4)
    site.send(site.channel.protect_rtp(lost))
    await operator.until(lambda: len(operator.received) == 4)
    in_order = sorted(operator.received, key=lambda one: struct.unpack_from("!H", one, 2))
    assert [one[-1:] for one in in_order] == [b"1", b"2", b"3", b"4"]
    assert house.stats("48/main", "publish").streams[0].lost == 0


async def test_a_track_that_goes_back_to_its_ssrc_before_is_shown_again(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(1, 1, b"one", 111)
    await operator.until(lambda: len(operator.received) == 1)
    sent = await _until_taken(operator, site, 2, b"two", 1)
    sent = await _until_taken(operator, site, 1, b"back", sent)

    def counted():
        streams = house.stats("48/main", "publish").streams
        assert len(streams) == 1
        return streams[0].packets + house.dropped("ssrc_churn") == sent

    await house.until_stats(counted)  # every packet of both, once


async def _until_taken(operator, site, source, payload, sent):
    """Send on this SSRC as an encoder does, until the operator gets it; returns how many so far."""
    async with asyncio.timeout(10):
        while not any(one.endswith(payload) for one in operator.received):
            sent += 1
            site.rtp(source, sent, payload, 111, 960 * sent)
            await asyncio.sleep(0.02)
    return sent


async def test_a_small_picture_in_a_section_of_its_own_is_the_lowest_layer(house):
    site = await house.publisher("48/main", ("video", "video"), ssrcs=(5, 6), contents={1: "alt"})
    operator = await house.receiver("op/1", "stage:1,thumb:1")
    wants_all(operator)
    house.route(*[("op/1", one, "48/main", "camera") for one in ("stage:1", "thumb:1")])
    site.rtp(6, 1, keyframe(1) + b"small", 96)
    await operator.until(lambda: len(operator.received) == 2)
    site.rtp(5, 1, keyframe(1) + b"large", 96)
    await operator.until(lambda: len(operator.received) == 3)
    assert operator.received[-1].endswith(b"large")
    assert ssrc(operator.received[-1]) == operator.slots["0"]
    streams = house.stats("48/main", "publish").streams
    assert [(one.track, one.layer) for one in streams] == [("camera", "alt"), ("camera", "main")]
    assert house.wanted[-1].layers == ["alt", "main"]


async def test_a_publisher_beyond_the_ceiling_is_cut_and_told_apart(house):
    site = await house.publisher("48/main", ("audio", "video"))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    octets = 0
    for number in range(1, 4000):
        packet = (delta if number > 1 else keyframe)(number & 0x7FFF, 1100)
        octets += len(packet)
        site.rtp(5, number, packet, 96, number * 300, mid="1")
        if number % 50 == 0:
            await asyncio.sleep(0)
    await house.counted("over_ceiling")
    assert octets > 6 * BURST_S * CEILING_BPS / 8
    await operator.until(lambda: operator.received)
    # what was refused is not asked for again
    assert not nacked(site)
