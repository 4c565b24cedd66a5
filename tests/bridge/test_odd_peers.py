"""Peers that are within their rights, or nearly: equal SSRCs, wraps, other pictures, others' harm.

Over real sockets, with both implementations of the packet path.
"""

import asyncio
import itertools
import re
import struct

import pytest

from bridge import rtcp, rtp
from bridge.keyframes import MIN_INTERVAL_S
from bridge.mediasocket import MediaAddress
from bridge.packetcache import RESENDS_BURST, RESENDS_PER_S
from signaling.wire.control import CloseSession, Refused
from tests.bridge.client import Client, TcpClient, delta, keyframe
from tests.bridge.house import House, keyframes_asked, payload_type, ssrc


@pytest.fixture(params=["python", "compiled"])
async def house(request):
    house = House(announce=[MediaAddress("127.0.0.1", 0, tcp_port=0)], packet_path=request.param)
    yield house
    for client in house.clients:
        client.close()
    house.node.close()


def shown(client, slot="0"):
    """The pictures and sounds of a slot, in order of their numbers."""
    headers = [(rtp.parse(one), one) for one in client.received if ssrc(one) == client.slots[slot]]
    first = headers[0][0].sequence if headers else 0
    headers.sort(key=lambda pair: pair[0].sequence - first & 0xFFFF)
    return headers


def steps(headers):
    """By how much number and timestamp go on from packet to packet."""
    return [
        (after.sequence - before.sequence & 0xFFFF, after.timestamp - before.timestamp & 0xFFFFFFFF)
        for (before, _), (after, _) in itertools.pairwise(headers)
    ]


# --- equal SSRCs ----------------------------------------------------------------------------------


async def test_publishers_of_one_ssrc_are_two(house):
    red = await house.publisher("1/main", ("video",))
    blue = await house.publisher("2/main", ("video",))
    operator = await house.receiver("op/1", "stage:2")
    house.route(("op/1", "stage:1", "1/main", "camera"), ("op/1", "stage:2", "2/main", "camera"))
    for number in range(1, 20):
        red.rtp(5, number, keyframe(number) + b"red", 96, 3000 * number)
        blue.rtp(5, number, keyframe(number) + b"blue", 96, 3000 * number)
    await operator.until(lambda: len(operator.received) == 38)
    assert all(packet.endswith(b"red") for _, packet in shown(operator, "0"))
    assert all(packet.endswith(b"blue") for _, packet in shown(operator, "1"))
    before = [keyframes_asked(one, 5) for one in (red, blue)]
    wish = rtcp.PictureLoss(1, operator.slots["1"])
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1), wish]))
    await blue.until(lambda: keyframes_asked(blue, 5) > before[1])
    assert keyframes_asked(red, 5) == before[0]


async def test_one_of_two_equal_ssrcs_may_move_or_go(house):
    red = await house.publisher("1/main", ("video",))
    blue = await house.publisher("2/main", ("video",))
    operator = await house.receiver("op/1", "stage:2")
    house.route(("op/1", "stage:1", "1/main", "camera"), ("op/1", "stage:2", "2/main", "camera"))
    red.rtp(5, 1, keyframe(1) + b"red")
    blue.rtp(5, 1, keyframe(1) + b"blue")
    await operator.until(lambda: len(operator.received) == 2)
    # from an address that nobody knows: authentication decides whose it is
    await blue.bind()
    blue.rtp(5, 2, keyframe(2) + b"blue moved", timestamp=3000)
    await operator.until(lambda: len(operator.received) == 3)
    assert shown(operator, "1")[-1][1].endswith(b"blue moved")
    house.node.handle(CloseSession(1, red.session))
    blue.rtp(5, 3, keyframe(3) + b"blue still", timestamp=6000)
    await operator.until(lambda: len(operator.received) == 4)
    assert shown(operator, "1")[-1][1].endswith(b"blue still")


# --- wraps ----------------------------------------------------------------------------------------


async def test_numbers_and_timestamps_wrap_and_nobody_sees_it(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    for number in range(40):
        picture = keyframe(number) if number == 0 else delta(number)
        site.rtp(
            5, 65_520 + number & 0xFFFF, picture, 96, 2**32 - 60_000 + 3000 * number & 2**32 - 1
        )
    await operator.until(lambda: len(operator.received) == 40)
    headers = shown(operator)
    assert steps(headers) == [(1, 3000)] * 39
    assert house.stats("48/main", "publish").streams[0].lost == 0
    # what lies behind the wrap of the source is found by the receiver's own numbers
    lost = tuple(header.sequence for header, _ in headers[10:25])
    operator.rtcp(rtcp.build([rtcp.Nack(1, operator.slots["0"], lost)]))
    await operator.until(lambda: len(operator.received) == 55)
    again = [rtp.parse(one) for one in operator.received[40:]]
    repeated = {
        struct.unpack_from("!H", one, header.start)[0]
        for header, one in zip(again, operator.received[40:], strict=True)
    }
    assert repeated == set(lost)


async def test_what_is_overtaken_at_the_wrap_keeps_its_place(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    order = [65_533, 65_534, 0, 65_535, 2, 1, 3]
    for number in order:
        site.rtp(6, number, b"%d" % number, 111, (number + 3 & 0xFFFF) * 960)
    await operator.until(lambda: len(operator.received) == len(order))
    found = [int(packet[header.start :]) for header, packet in shown(operator)]
    assert found == [65_533, 65_534, 65_535, 0, 1, 2, 3]


# --- other pictures -------------------------------------------------------------------------------


async def test_a_publisher_may_change_its_resolution(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    sizes = [(640, 360), (320, 180), (1280, 720)]
    for number, pixels in enumerate(sizes):
        site.rtp(5, 2 * number, keyframe(2 * number, pixels=pixels), 96, 6000 * number)
        site.rtp(5, 2 * number + 1, delta(2 * number + 1), 96, 6000 * number + 3000)
        await operator.until(lambda count=2 * number + 2: len(operator.received) == count)
        stream = house.stats("48/main", "publish").streams[0]
        assert (stream.width, stream.height) == pixels
    assert steps(shown(operator)) == [(1, 3000)] * 5


class OtherTypes(Client):
    """Its VP8 is 100 instead of 96."""

    def offer(self):
        text = super().offer().replace("SAVPF 96 97", "SAVPF 100 101")
        text = re.sub(r"(rtpmap:|rtcp-fb:|apt=)96", r"\g<1>100", text)
        return re.sub(r"(rtpmap:|fmtp:)97", r"\g<1>101", text)


async def test_a_payload_type_that_was_not_agreed_is_dropped_and_the_agreed_goes_on(house):
    site = await house.publisher("48/main", ("audio", "video"), ssrcs=[66, 77])
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(77, 1, keyframe(1))
    for number in range(2, 12):
        # an encoder that has gone over to something else under the same SSRC
        site.rtp(77, number, b"\x65\x88" + bytes(40), 102, 3000 * number)
    await house.counted("payload_type", 10)
    site.rtp(77, 12, keyframe(12) + b"agreed", 96, 36_000)
    await operator.until(lambda: len(operator.received) == 2)
    assert shown(operator)[-1][1].endswith(b"agreed")


async def test_who_comes_back_with_another_payload_type_is_shown_as_before(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1) + b"first")
    await operator.until(lambda: len(operator.received) == 1)
    house.edges.clear()
    site = await house.publisher("48/main", ("video",), kind=OtherTypes)
    site.rtp(9, 700, keyframe(4) + b"second", 100, 5)
    await operator.until(lambda: len(operator.received) == 2)
    assert shown(operator)[-1][1].endswith(b"second")
    assert {payload_type(one) for one in operator.received} == {96}
    assert [step for step, _ in steps(shown(operator))] == [1]


# --- others' harm ---------------------------------------------------------------------------------


async def test_receivers_that_ask_without_pause_starve_nobody(house):
    loop = asyncio.get_running_loop()
    site = await house.publisher("48/main", ("video",))
    greedy = [await house.receiver(f"op/{n}", "stage:1") for n in range(4)]
    ports = [*(f"op/{n}" for n in range(4)), "12/main"]
    house.route(*[(port, "stage:1", "48/main", "camera") for port in ports])
    site.rtp(5, 1, keyframe(1))
    for one in greedy:
        await one.until(lambda one=one: one.received)
    begin, before = loop.time(), keyframes_asked(site, 5)
    number = 1
    for _ in range(50):
        for one in greedy:
            for _ in range(20):
                one.rtcp(rtcp.build([rtcp.PictureLoss(1, one.slots["0"])]))
        number += 1
        # an encoder that obeys at once is asked most often
        site.rtp(5, number, keyframe(number), 96, 3000 * number)
        await asyncio.sleep(0.005)
    await house.until_stats(
        lambda: sum(
            one.streams[0].keyframe_requests
            for one in house.node.stats().sessions
            if one.direction == "receive"
        ) > 3000
    )  # fmt: skip
    passed_s = loop.time() - begin
    asked = keyframes_asked(site, 5) - before
    assert asked <= 4 + passed_s / MIN_INTERVAL_S
    # who comes in now waits no longer than anybody
    before = keyframes_asked(site, 5)
    late = await house.receiver("12/main", "stage:1")
    await site.until(lambda: keyframes_asked(site, 5) > before)
    site.rtp(5, number + 1, keyframe(number + 1) + b"for you", 96, 3000 * number + 3000)
    await late.until(lambda: any(one.endswith(b"for you") for one in late.received))


def arrivals(ssrc, base, count, reference, chunks, times=b""):
    """Transport-wide feedback, whatever it says."""
    body = struct.pack("!IIHHI", 1, ssrc, base, count, reference << 8)
    body += b"".join(struct.pack("!H", one) for one in chunks) + times
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body


def lies(ssrc):
    """What no receiver may truly say."""
    small, large = 0x2000, 0x4000
    for bitrate_bps in (0, 1, 2**63, (2**18 - 1) << 63):
        yield rtcp.build([rtcp.MaximumBitrate(1, bitrate_bps, (ssrc,))])
    leaps = b"\x7f\xff\x80\x00" * 100
    for reference in (0, 2**23, 2**24 - 1):
        yield arrivals(ssrc, 0, 65_535, reference, [0x1FFF] * 8)
        yield arrivals(ssrc, 0, 65_535, reference, [small | 0x1FFF] * 9)
        yield arrivals(ssrc, 0, 200, reference, [large | 200], leaps)
        yield arrivals(ssrc, 0, 200, reference, [small | 200], bytes(200))
        yield arrivals(ssrc, 65_500, 200, reference, [large | 200], leaps)
    for lost, trip in ((-(2**23), 1), (2**23 - 1, 2**32 - 1)):
        block = rtcp.ReportBlock(ssrc, 255, lost, 2**32 - 1, 2**32 - 1, trip, trip)
        yield rtcp.build([rtcp.ReceiverReport(1, (block,) * 31)])
    everything = b"".join(struct.pack("!HH", 17 * n & 0xFFFF, 0xFFFF) for n in range(300))
    yield struct.pack("!BBHII", 0x81, 205, 302, 1, ssrc) + everything
    yield struct.pack("!BBH", 0x80, 201, 0) * 330
    yield rtcp.build([rtcp.PictureLoss(1, ssrc)] * 110)
    yield struct.pack("!BBH", 0x9F, 203, 0) * 330


async def test_receiver_whose_feedback_is_lies_costs_the_others_nothing(house):
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    site = await house.publisher("48/main", ("video",))
    numbered = (
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=rtcp-fb:96 transport-cc",
    )
    liar = await house.receiver("op/1", "stage:1", lines=numbered)
    honest = await house.receiver("op/2", "stage:1")
    house.route(*[(port, "stage:1", "48/main", "camera") for port in ("op/1", "op/2")])
    site.rtp(5, 0, keyframe(0))
    for one in (liar, honest):
        await one.until(lambda one=one: one.received)
    for number in range(1, 40):
        for lie in lies(liar.slots["0"]):
            liar.rtcp(lie)
        site.rtp(5, number, delta(number), 96, 3000 * number)
        await honest.until(lambda count=number + 1: len(honest.received) == count)
    assert steps(shown(honest)) == [(1, 3000)] * 39
    # and what it said is forgotten as soon as it speaks the truth
    remb = rtcp.MaximumBitrate(1, 9_000_000, (liar.slots["0"],))
    liar.rtcp(rtcp.build([rtcp.ReceiverReport(1), remb]))
    liar.received.clear()

    async def pictures():
        for number in itertools.count(40):
            site.rtp(5, number, keyframe(number), 96, 3000 * number)
            await asyncio.sleep(0.05)

    showing = asyncio.create_task(pictures())
    await liar.until(lambda: any(ssrc(one) == liar.slots["0"] for one in liar.received))
    showing.cancel()
    assert faults == []


@pytest.mark.parametrize("how", ["deaf", "gone", "deaf over TCP", "gone over TCP"])
async def test_receiver_that_does_not_read_costs_the_others_nothing(house, how):
    site = await house.publisher("48/main", ("video",))
    kind = TcpClient if how.endswith("TCP") else Client
    lost = await house.receiver("op/1", "stage:1", kind)
    others = [await house.receiver(f"op/{n}", "stage:1") for n in range(2, 5)]
    house.route(*[(f"op/{n}", "stage:1", "48/main", "camera") for n in range(1, 5)])
    site.rtp(5, 0, keyframe(0))
    for one in (lost, *others):
        await one.until(lambda one=one: one.received)
    if how.startswith("deaf"):
        lost.transport.pause_reading()
    else:
        lost.transport.abort()
    for number in range(1, 501):
        site.rtp(5, number, delta(number & 0x7FFF, 1000), 96, 3000 * number)
        if number % 20 == 0:
            for one in others:
                await one.until(lambda one=one, number=number: len(one.received) == number + 1)
    assert all(steps(shown(one)) == [(1, 3000)] * 500 for one in others)


async def test_retransmissions_of_a_session_have_a_ceiling(house):
    loop = asyncio.get_running_loop()
    site = await house.publisher("48/main", ("video",))
    greedy = await house.receiver("op/1", "stage:1")
    other = await house.receiver("op/2", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/2", "stage:1", "48/main", "camera"))
    for number in range(400):
        site.rtp(5, number, (delta if number else keyframe)(number), 96, 3000 * number)
        if number % 20 == 0:
            await other.until(lambda number=number: len(other.received) >= number - 20)
    await greedy.until(lambda: len(greedy.received) == 400)
    numbers = [header.sequence for header, _ in shown(greedy)]
    begin = loop.time()
    for _ in range(40):
        greedy.rtcp(rtcp.build([rtcp.Nack(1, greedy.slots["0"], tuple(sorted(numbers)))]))
        await asyncio.sleep(0.021)
    site.rtp(5, 400, delta(400) + b"last", 96, 3000 * 400)
    for one in (greedy, other):
        await one.until(lambda one=one: any(x.endswith(b"last") for x in one.received))
    resent = sum(ssrc(one) != greedy.slots["0"] for one in greedy.received)
    assert 0 < resent <= RESENDS_BURST + RESENDS_PER_S * (loop.time() - begin)
    assert len(other.received) == 401


async def test_sections_and_streams_of_an_offer_have_a_ceiling(house):
    def refused(offer):
        reply = house.open("48/main", "publish", offer)
        assert isinstance(reply, Refused)
        return reply.code

    assert refused(Client("publish", ["video"] * 5).offer()) == "offer_too_many_sections"
    many = tuple(f"a=ssrc:{n} cname:test" for n in range(1, 18))
    assert refused(Client("publish", ["video"], lines=many).offer()) == "offer_malformed"
    groups = tuple(f"a=ssrc-group:FID {n} {n + 100}" for n in range(1, 18))
    assert refused(Client("publish", ["video"], lines=groups).offer()) == "offer_malformed"
    layers = ("a=rid:1 send", "a=rid:2 send", "a=rid:3 send", "a=rid:4 send", "a=rid:5 send")
    assert refused(Client("publish", ["video"], lines=layers).offer()) == "offer_malformed"
    assert house.node.sessions() == []


async def test_a_publisher_of_a_thousand_ssrcs_has_one_picture(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))

    def refused():
        return house.dropped("ssrc_churn") + house.dropped("ssrc_limit")

    for number in range(1000):
        site.rtp(1000 + number, number, keyframe(number))
        if number % 20 == 19:
            await house.until_stats(lambda number=number: refused() >= number - 10)
    stats = house.stats("48/main", "publish")
    assert len(stats.streams) == 1
    assert stats.streams[0].packets <= 10
    assert house.dropped("ssrc_limit") > 500
    await operator.until(lambda: operator.received)
