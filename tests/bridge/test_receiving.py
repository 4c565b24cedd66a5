"""Receiving sessions over real sockets: what the receiver asks, and what it may not do."""

import struct

from bridge import rtcp, rtp
from bridge.hotpath import MAX_PACKET
from signaling.wire.control import CloseSession
from tests.bridge.client import delta, keyframe
from tests.bridge.house import asks_for_keyframe, ssrc


async def test_nack_is_answered_from_the_cache(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    for number in range(5):
        site.rtp(5, number, keyframe(number), 96, number * 3000)
    await operator.until(lambda: len(operator.received) == 5)
    lost = struct.unpack_from("!H", operator.received[2], 2)[0]
    slot = operator.slot_ssrcs[0]
    operator.rtcp(rtcp.build([rtcp.Nack(1, slot, (lost, lost + 500))]))
    await operator.until(lambda: len(operator.received) == 6)
    again = operator.received[5]
    # offered with rtx: same payload behind the original sequence number, under the SSRC of FID
    assert ssrc(again) == operator.slot_ssrcs[1]
    assert again[12:] == struct.pack("!H", lost) + operator.received[2][12:]


async def test_receiver_that_sends_media_is_counted(house):
    operator = await house.receiver("op/1", "floor:1")
    operator.rtp(1, 1, b"sound", 111)
    await house.counted("unexpected_rtp")


async def test_one_compound_is_one_wish_however_often_it_asks(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.received)
    slot = operator.slot_ssrcs[0]
    picture_losses = [rtcp.PictureLoss(1, slot)] * 50
    intras = [rtcp.FullIntra(1, tuple((slot, number) for number in range(50)))]
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), *picture_losses, *intras]))
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), rtcp.PictureLoss(1, slot + 9)]))
    operator.rtp(1, 1, b"the node has read what came before", 111)
    await house.counted("unexpected_rtp")
    assert house.stats("op/1", "receive").streams[0].keyframe_requests == 1


async def test_who_joins_late_gets_a_keyframe_asked_for(house):
    site = await house.publisher("48/main", ("video",))
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/2", "stage:1", "48/main", "camera"))
    first = await house.receiver("op/1", "stage:1")
    site.rtp(5, 1, keyframe(1), 96)
    await first.until(lambda: first.received)
    site.control.clear()
    late = await house.receiver("op/2", "stage:1")
    await site.until(lambda: asks_for_keyframe(site, 5))
    site.rtp(5, 2, delta(2), 96, 3000)
    site.rtp(5, 3, keyframe(3) + b"whole", 96, 6000)
    await late.until(lambda: late.received)
    assert late.received[0].endswith(b"whole")
    await first.until(lambda: len(first.received) == 3)


async def test_packet_that_outgrows_its_protection_is_counted_once_for_ever(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    # without a picture id; the slot's has two octets more and a flag octet for them
    whole = b"\x10" + b"\x10\x02\x00\x9d\x01\x2a"
    site.rtp(5, 1, whole + bytes(MAX_PACKET - 12 - len(whole)), 96)
    await house.counted("protect_failed")
    site.rtp(5, 2, whole, 96, 3000)
    await operator.until(lambda: operator.received)
    house.node.handle(CloseSession(99, operator.session, "kicked"))
    assert house.dropped("protect_failed") == 1


async def test_a_line_that_is_too_slow_for_a_picture_keeps_the_sound(house):
    site = await house.publisher("48/main", ("audio", "video"))
    operator = await house.receiver("op/1", "stage:1,floor:1")
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, keyframe(1), 96, mid="1")
    await operator.until(lambda: operator.received)
    stats = house.stats("op/1", "receive")
    assert (stats.budget_bps, stats.paused) == (None, [])

    # what comes is too much: its own estimate falls below it
    for number in range(2, 42):
        site.rtp(5, number, delta(number, 1000), 96, mid="1")
    await operator.until(lambda: len(operator.received) == 41)
    for bitrate_bps in (900_000, 100_000):
        remb = rtcp.MaximumBitrate(1, bitrate_bps, (operator.slot_ssrcs[0],))
        operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), remb]))
    await house.until_stats(lambda: house.stats("op/1", "receive").paused == ["stage:1"])
    assert house.stats("op/1", "receive").budget_bps == 100_000
    operator.received.clear()
    site.rtp(5, 42, keyframe(42), 96, mid="1")
    site.rtp(6, 1, b"sound", 111, mid="0")
    await operator.until(lambda: operator.received)
    assert [ssrc(one) for one in operator.received] == [operator.slots["1"]]

    remb = rtcp.MaximumBitrate(1, 9_000_000, (operator.slot_ssrcs[0],))
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), remb]))
    await house.until_stats(lambda: house.stats("op/1", "receive").paused == [])
    await site.until(lambda: asks_for_keyframe(site, 5))


async def test_a_receiver_that_reports_arrivals_gets_a_number_on_every_packet(house):
    site = await house.publisher("48/main", ("audio", "video"))
    offered = (
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=rtcp-fb:96 transport-cc",
    )
    operator = await house.receiver("op/1", "stage:1,floor:1", lines=offered)
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/1", "floor:1", "48/main", "mic"))
    for number in range(3):
        site.rtp(5, number, keyframe(number), 96, number * 3000, mid="1")
    await operator.until(lambda: len(operator.received) == 3)
    lost = struct.unpack_from("!H", operator.received[1], 2)[0]
    operator.rtcp(rtcp.build([rtcp.Nack(1, operator.slot_ssrcs[0], (lost,))]))
    await operator.until(lambda: len(operator.received) == 4)
    numbers = [rtp.transport_sequence(packet, 3) for packet in operator.received]
    assert numbers == [0, 1, 2, 3]
