"""Publishing sessions over real sockets: whose packet it is, what is asked of the publisher."""

import struct

from bridge import rtcp
from tests.bridge.client import keyframe
from tests.bridge.house import asks_for_keyframe, nacked, ssrc


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
