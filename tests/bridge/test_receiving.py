"""Receiving sessions over real sockets: what the receiver asks, and what it may not do."""

import struct

from bridge import rtcp
from tests.bridge.client import keyframe
from tests.bridge.house import ssrc


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
