"""The node over real sockets: routes between sessions, figures, refusals, aiortc as a peer."""

import asyncio
import socket
import struct

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from bridge import rtcp
from bridge.mediasocket import MediaAddress
from bridge.node import AT_ONCE
from signaling.wire.control import (
    CloseSession,
    Done,
    Refused,
    SessionOpened,
)
from signaling.wire.ids import parse_slots
from tests.bridge.client import Client, TcpClient, delta, keyframe
from tests.bridge.house import House, asks_for_keyframe, payload_type, ssrc
from tests.service import free_port


async def test_packets_reach_the_slots_that_routes_name(house):
    site = await house.publisher("48/main")
    operator = await house.receiver("op/1", "stage:2,floor:1")
    house.route(("op/1", "stage:2", "48/main", "camera"), ("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 100, keyframe(7), 96)
    site.rtp(6, 200, b"sound", 111)
    await operator.until(lambda: len(operator.received) == 2)
    by_ssrc = {ssrc(one): one for one in operator.received}
    assert set(by_ssrc) == {operator.slots["1"], operator.slots["2"]}
    assert by_ssrc[operator.slots["2"]].endswith(b"sound")
    assert by_ssrc[operator.slots["1"]].endswith(keyframe(7)[4:])
    assert {payload_type(one) for one in operator.received} == {96, 111}


async def test_switch_asks_for_a_keyframe_and_cuts_on_it(house):
    red = await house.publisher("1/main", ("video",))
    blue = await house.publisher("2/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "1/main", "camera"))
    blue.rtp(5, 1000, delta(9) + b"blue", 96)
    red.rtp(5, 1, keyframe(1) + b"red", 96)
    await operator.until(lambda: len(operator.received) == 1)
    house.route(("op/1", "stage:1", "2/main", "camera"))
    await blue.until(lambda: asks_for_keyframe(blue, 5))
    red.rtp(5, 2, delta(2) + b"red", 96, 3000)
    await operator.until(lambda: len(operator.received) == 2)
    assert operator.received[1].endswith(b"red")
    blue.rtp(5, 1001, keyframe(10) + b"blue", 96, 3000)
    await operator.until(lambda: len(operator.received) == 3)
    assert operator.received[2].endswith(b"blue")
    sequences = [struct.unpack_from("!H", one, 2)[0] for one in operator.received]
    assert sequences[2] - sequences[0] == 2
    assert len({ssrc(one) for one in operator.received}) == 1


async def test_routes_wait_for_ports_and_outlive_sessions(house):
    house.route(("op/1", "floor:1", "48/main", "mic"))
    operator = await house.receiver("op/1", "floor:1")
    site = await house.publisher("48/main", ("audio",))
    site.rtp(6, 1, b"one", 111)
    await operator.until(lambda: len(operator.received) == 1)
    again = await house.publisher("48/main", ("audio",))
    await house.until(lambda: ("48/main", "publish", "closed", "replaced") in house.edges)
    again.rtp(9, 500, b"two", 111)
    await operator.until(lambda: len(operator.received) == 2)
    assert operator.received[1].endswith(b"two")


async def test_publisher_gets_reports_and_receiver_gets_sender_reports(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.control)
    packets = rtcp.parse(operator.control[0])
    assert isinstance(packets[0], rtcp.SenderReport)
    assert packets[0].ssrc == operator.slot_ssrcs[0]
    assert packets[0].packets == 1
    find = [rtcp.ReceiverReport, rtcp.MaximumBitrate, rtcp.ReferenceTime]

    def reported():
        kinds = {type(one) for compound in site.control for one in rtcp.parse(compound)}
        blocks = [
            block.ssrc
            for compound in site.control
            for one in rtcp.parse(compound)
            if isinstance(one, rtcp.ReceiverReport)
            for block in one.blocks
        ]
        return kinds.issuperset(find) and 5 in blocks

    await site.until(reported)


async def test_figures_of_both_directions(house):
    site = await house.publisher("48/main", ("audio", "video"))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    site.rtp(5, 3, keyframe(2), 96, 3000)
    await operator.until(lambda: operator.control)
    packets = rtcp.parse(operator.control[0])
    block = rtcp.ReportBlock(
        ssrc=operator.slot_ssrcs[0],
        fraction_lost=64,
        lost=3,
        highest_sequence=9,
        jitter=900,
        lsr=rtcp.compact_ntp(packets[0].ntp),
        dlsr=0,
    )
    before = house.stats("op/1", "receive")
    assert before.rtt_s is None
    site.rtp(5, 4, delta(3), 96, 6000)
    operator.rtcp(rtcp.build([rtcp.ReceiverReport(1, (block,))]))
    async with asyncio.timeout(10):
        while (after := house.stats("op/1", "receive")).rtt_s is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    assert after.rtt_s < 60
    assert after.streams[0].lost == 3
    assert after.streams[0].jitter_s == pytest.approx(0.01)
    published = house.stats("48/main", "publish")
    assert published.state == "connected"
    assert published.consent_age_s is not None
    assert published.media_age_s is not None
    assert [(one.track, one.packets, one.keyframes) for one in published.streams] == [
        ("camera", 3, 2)
    ]


async def test_second_announced_address_works_too():
    house = House(announce=(("127.0.0.1", 0), ("127.0.0.2", 0)))
    client = Client("publish", ["audio"])
    reply = house.open("48/main", "publish", client.offer())
    swapped = reply.answer.replace("candidate:1 1", "candidate:9 1").replace(
        "candidate:2 1", "candidate:1 1"
    )
    await client.connect(swapped)
    assert client.address[0] == "127.0.0.2"
    assert client.channel.connected
    client.close()
    house.node.close()


async def test_addresses_of_ipv6_and_behind_nat_are_announced_as_peers_know_them():
    house = House(
        announce=(
            MediaAddress("127.0.0.1", 0, ("203.0.113.7", "127.0.0.1"), tcp_port=0),
            MediaAddress("::1", 0),
        )
    )
    (_, udp), (_, udp6) = house.node.addresses
    [tcp] = {one.port for one in house.node.candidates if one.transport == "tcp"}
    assert list(house.node.candidates) == [
        ("udp", "203.0.113.7", udp),
        ("udp", "127.0.0.1", udp),
        ("udp", "::1", udp6),
        ("tcp", "203.0.113.7", tcp),
        ("tcp", "127.0.0.1", tcp),
    ]
    house.node.close()


async def test_media_flow_over_ipv6():
    house = House(announce=[MediaAddress("::1", 0, tcp_port=0)])
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1", TcpClient)
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)
    mapped = {answer.attributes["XOR-MAPPED-ADDRESS"][0] for answer in site.answers}
    assert mapped == {"::1"}
    for client in house.clients:
        client.close()
    house.node.close()


async def test_an_address_that_cannot_be_bound_leaves_none_bound(house):
    [taken] = house.node.addresses
    free = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    with pytest.raises(OSError, match="in use"):
        House(announce=[MediaAddress(*free, tcp_port=free[1]), taken])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(free)


async def test_close_is_done_twice_and_tells_the_peer(house):
    site = await house.publisher("48/main", ("audio",))
    for request in (91, 92):
        reply = house.node.handle(CloseSession(request, site.session, "kicked"))
        assert reply == Done(request)
    assert house.edges[-1] == ("48/main", "publish", "closed", "kicked")
    await site.until(lambda: site.channel.state == "closed")


async def test_closing_the_node_frees_everything(house):
    await house.publisher("48/main")
    before = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    house.node.close()
    await asyncio.sleep(0)
    after = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    assert after <= before
    assert house.node.sessions() == []
    address = house.node.addresses[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(address)


async def test_offers_are_refused_with_their_code(house):
    offer = Client("publish", ["audio"]).offer()
    cases = [
        ("nonsense", "publish", (), "offer_malformed"),
        (offer.replace("a=rtcp-mux\r\n", ""), "publish", (), "offer_unusable"),
        (offer, "receive", ("floor:1",), "offer_without_media"),
        (Client("receive", ["audio"]).offer(), "receive", ("stage:1",), "slots_invalid"),
        (Client("publish", ["audio"] * 500).offer(), "publish", (), "offer_too_many_sections"),
    ]
    for text, direction, slots, code in cases:
        reply = house.open("48/main", direction, text, slots)
        assert isinstance(reply, Refused)
        assert reply.code == code
    assert house.node.sessions() == []


async def test_full_node_refuses():
    house = House(max_sessions=1)
    house.open("1/main", "publish", Client("publish", ["audio"]).offer())
    reply = house.open("2/main", "publish", Client("publish", ["audio"]).offer())
    assert (type(reply), reply.code) == (Refused, "bridge_full")
    house.node.close()


async def test_rtcp_junk_is_survived(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    for client in (site, operator):
        for junk in (b"\x81\xc8\xff\xff" + bytes(8), b"\x81\xce\x00\x01" + bytes(8)):
            client.rtcp(junk)
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.received)


async def test_aiortc_publishes_and_aiortc_receives(house):
    sender, receiver = RTCPeerConnection(), RTCPeerConnection()
    try:
        sender.addTrack(VideoStreamTrack())
        receiver.addTransceiver("video", direction="recvonly")
        tracks = []
        receiver.on("track", tracks.append)
        for port, peer, direction, slots in (
            ("48/main", sender, "publish", []),
            ("op/1", receiver, "receive", parse_slots("stage:1")),
        ):
            await peer.setLocalDescription(await peer.createOffer())
            reply = house.open(port, direction, peer.localDescription.sdp, slots)
            assert isinstance(reply, SessionOpened), reply
            await peer.setRemoteDescription(RTCSessionDescription(reply.answer, "answer"))
        house.route(("op/1", "stage:1", "48/main", "camera"))
        async with asyncio.timeout(20):
            frame = await tracks[0].recv()
        assert (frame.width, frame.height) == (640, 480)
    finally:
        await asyncio.gather(sender.close(), receiver.close())


async def test_media_is_counted_by_kind_and_stays_counted_when_sessions_close(house):
    def traffic():
        return {(one.direction, one.media): one.packets for one in house.node.stats().traffic}

    site = await house.publisher("48/main")
    operator = await house.receiver("op/1", "stage:1,floor:1")
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 100, keyframe(7), 96)
    for number in (1, 2):
        site.rtp(6, number, b"sound", 111)
    await operator.until(lambda: len(operator.received) == 3)
    counted = {("in", "audio"): 2, ("in", "video"): 1, ("out", "audio"): 2, ("out", "video"): 1}
    assert traffic() == counted
    octets = {(one.direction, one.media): one.bytes for one in house.node.stats().traffic}
    assert octets["in", "audio"] == octets["out", "audio"] == 2 * len(b"sound")

    for client in (site, operator):
        house.node.handle(CloseSession(1, client.session))
    assert house.node.sessions() == []
    assert traffic() == counted
    again = await house.publisher("48/main")
    again.rtp(6, 3, b"sound", 111)
    await house.until_stats(lambda: traffic()["in", "audio"] == 3)


async def test_what_ends_while_a_report_is_made_is_counted_once_and_the_rest_reported(house):
    site = await house.publisher("48/main", ("audio",))
    for number in (1, 2):
        site.rtp(6, number, b"sound", 111)
    await house.until_stats(lambda: sum(one.packets for one in house.node.stats().traffic) == 2)
    later = []
    for number in range(AT_ONCE + 1):
        waiting = Client("publish", ("audio",))
        house.clients.append(waiting)
        later.append(house.open(f"{number}/main", "publish", waiting.offer()).session)

    report = asyncio.create_task(house.node.report())
    await asyncio.sleep(0)
    assert not report.done(), "the first sessions' figures are taken"
    house.node.handle(CloseSession(1, site.session))
    house.node.handle(CloseSession(2, later[-1]))

    made = await report
    assert [one.session for one in made.sessions] == later[:-1]
    assert [(one.media, one.packets) for one in made.traffic if one.packets] == [("audio", 2)]
    assert house.node.stats().traffic == made.traffic


async def test_feedback_and_latency_are_counted(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"))
    before = house.node.stats()
    assert set(before.feedback) == {"pli", "fir", "nack", "remb", "twcc"}
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.received)
    slot = operator.slot_ssrcs[0]
    operator.rtcp(
        rtcp.build(
            [
                rtcp.ReceiverReport(1),
                rtcp.FullIntra(1, ((slot, 1),)),
                rtcp.Nack(1, slot, (7,)),
                rtcp.MaximumBitrate(1, 1_000_000, (slot,)),
            ]
        )
    )
    await house.until_stats(lambda: house.node.stats().feedback["fir"] > before.feedback["fir"])
    # the PLI is the node's own: the operator asked by FIR
    await house.until_stats(lambda: house.node.stats().feedback["pli"] > before.feedback["pli"])
    after = house.node.stats()
    grown = {kind: after.feedback[kind] - before.feedback[kind] for kind in ("fir", "nack", "twcc")}
    assert grown == {"fir": 1, "nack": 1, "twcc": 0}
    assert after.feedback["remb"] > before.feedback["remb"]
    await site.until(lambda: asks_for_keyframe(site, 5))
    # the one packet was a keyframe's
    assert sum(after.latency_burst) == sum(before.latency_burst) + 1
    assert after.latency_burst_sum_s > before.latency_burst_sum_s
    assert sum(after.latency) == sum(before.latency)


async def test_tables_of_conferences_that_are_over_are_forgotten(house):
    for _ in range(3):
        operator = await house.receiver("op/1", "stage:1")
        house.route(("op/1", "stage:1", "48/main", "camera"))
        house.route()
        # its session may get another route at any time
        assert [one.scope for one in house.node.tables()] == ["c"]
        house.node.handle(CloseSession(1, operator.session))
        assert house.node.tables() == []
        house.edges.clear()
    house.route(("op/1", "stage:1", "48/main", "camera"))
    operator = await house.receiver("op/1", "stage:1")
    house.node.handle(CloseSession(1, operator.session))
    # whoever has a route may come back
    assert [one.scope for one in house.node.tables()] == ["c"]
    house.route()
    assert house.node.tables() == []
