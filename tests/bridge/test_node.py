"""The node over real sockets: packet-level clients, aiortc as an independent peer, and junk."""

import asyncio
import itertools
import socket
import struct

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from bridge import rtcp
from bridge.node import Node
from signaling.wire.control import (
    CloseSession,
    Done,
    OpenSession,
    Refused,
    Route,
    Routes,
    SessionOpened,
)
from signaling.wire.ids import parse_slots
from tests.bridge.client import Client, delta, keyframe, plain


class House:
    """A node, its edges, and clients that are closed with it."""

    def __init__(self, max_sessions=20, announce=(("127.0.0.1", 0),)):
        self.edges = []
        self.edge = asyncio.Event()
        self.node = Node(list(announce), max_sessions, self.on_edge)
        self.requests = itertools.count(1)
        self.revisions = itertools.count(1)
        self.clients = []

    def on_edge(self, edge):
        self.edges.append((edge.port, edge.direction, edge.state, edge.reason))
        self.edge.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                self.edge.clear()
                await self.edge.wait()

    def open(self, port, direction, offer, slots=()):
        request = next(self.requests)
        reply = self.node.handle(OpenSession(request, "c", port, direction, offer, list(slots)))
        assert reply.request == request
        return reply

    async def publisher(self, port, sections=("audio", "video"), **more):
        client = Client("publish", sections, **more)
        return await self._connected(client, port, ())

    async def receiver(self, port, slots, **more):
        slots = parse_slots(slots)
        sections = ["audio" if one.startswith(("floor", "cue")) else "video" for one in slots]
        return await self._connected(Client("receive", sections, **more), port, slots)

    async def _connected(self, client, port, slots):
        self.clients.append(client)
        reply = self.open(port, client.direction, client.offer(), slots)
        assert isinstance(reply, SessionOpened), reply
        client.session = reply.session
        await client.connect(reply.answer)
        await self.until(lambda: (port, client.direction, "connected", "") in self.edges)
        return client

    def route(self, *routes):
        message = Routes(
            next(self.requests), "c", 1, next(self.revisions), None, [Route(*one) for one in routes]
        )
        reply = self.node.handle(message)
        assert (reply.epoch, reply.revision) == (1, message.revision)

    def dropped(self, reason):
        return self.node.stats().dropped.get(reason, 0)

    async def counted(self, reason, at_least=1):
        """Wait until the node has dropped that many; it counts within milliseconds."""
        async with asyncio.timeout(10):
            while self.dropped(reason) < at_least:  # noqa: ASYNC110 - the node tells no one
                await asyncio.sleep(0.005)

    def stats(self, port, direction):
        found = [
            one
            for one in self.node.stats().sessions
            if (one.port, one.direction) == (port, direction)
        ]
        return found[0]


@pytest.fixture
async def house():
    house = House()
    yield house
    for client in house.clients:
        client.close()
    house.node.close()


def ssrc(packet):
    return struct.unpack_from("!I", packet, 8)[0]


def payload_type(packet):
    return packet[1] & 0x7F


# --- forwarding ---------------------------------------------------------------------------------


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


def asks_for_keyframe(client, source):
    return any(
        isinstance(one, rtcp.PictureLoss) and one.media_ssrc == source
        for compound in client.control
        for one in rtcp.parse(compound)
    )


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


def nacked(client):
    return {
        number
        for compound in client.control
        for one in rtcp.parse(compound)
        if isinstance(one, rtcp.Nack)
        for number in one.lost
    }


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


# --- whose packet -------------------------------------------------------------------------------


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


# --- reports ------------------------------------------------------------------------------------


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


# --- connections --------------------------------------------------------------------------------


async def test_passive_peer_is_met_as_dtls_client(house):
    site = await house.publisher("48/main", ("audio",), setup="passive")
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


async def test_publisher_that_moves_is_heard_at_once(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"before", 111)
    await operator.until(lambda: len(operator.received) == 1)
    await site.bind()
    site.send(plain(5, 2, b"forged with a known SSRC", 111))
    site.rtp(5, 2, b"after", 111)
    site.rtp(5, 3, b"later", 111)
    await operator.until(lambda: len(operator.received) == 3)
    assert [one[12:] for one in operator.received] == [b"before", b"after", b"later"]
    assert house.dropped("unknown_peer") == 1


async def test_address_that_another_session_took_is_ones_own_again_after_a_check(house):
    site = await house.publisher("48/main", ("audio",))
    other = await house.publisher("49/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    # the other's check, from the site's socket, is answered there
    password, transport = site.remote_password, other.transport
    site.remote_password, other.transport = other.remote_password, site.transport
    site.answers.clear()
    other.check()
    await site.until(lambda: site.answers)
    site.remote_password, other.transport = password, transport
    site.rtp(5, 1, b"lost", 111)
    await house.counted("srtp_auth")
    site.check()
    site.rtp(5, 2, b"sound", 111)
    await operator.until(lambda: operator.received)
    assert operator.received[0].endswith(b"sound")


async def test_receiver_that_moves_is_served_after_its_check(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    await operator.bind()
    operator.answers.clear()
    operator.check()
    await operator.until(lambda: operator.answers)
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


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


async def test_peer_that_says_goodbye_is_closed_at_once(house):
    site = await house.publisher("48/main", ("audio",))
    site.channel.close()
    await house.until(lambda: ("48/main", "publish", "closed", "peer_closed") in house.edges)
    assert house.node.sessions() == []


async def test_wrong_certificate_ends_the_session(house):
    client = Client("publish", ["audio"])
    house.clients.append(client)
    value = client.certificate.fingerprint.value
    offer = client.offer().replace(value, ":".join(["00"] * 32))
    reply = house.open("48/main", "publish", offer)
    connecting = asyncio.create_task(client.connect(reply.answer))
    await house.until(lambda: house.edges)
    assert house.edges[0][2] == "closed"
    assert "fingerprint" in house.edges[0][3]
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)


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


# --- refusals -----------------------------------------------------------------------------------


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


# --- junk ---------------------------------------------------------------------------------------


async def test_stun_with_wrong_integrity_is_counted_and_never_answered(house):
    client = Client("publish", ["audio"])
    house.clients.append(client)
    reply = house.open("48/main", "publish", client.offer())
    await client.open(reply.answer)
    client.check(password="x" * 22)
    client.check(username="nobody:here")
    await house.counted("stun_integrity")
    await house.counted("unknown_peer")
    client.check()
    await client.until(lambda: client.answers)
    assert len(client.answers) == 1


async def test_media_before_dtls_and_from_strangers_is_counted(house):
    client = Client("publish", ["audio"])
    house.clients.append(client)
    reply = house.open("48/main", "publish", client.offer())
    await client.open(reply.answer)
    client.send(plain(1, 1, b"early", 111))
    client.send(b"\x16" + bytes(20))
    await house.counted("unknown_peer", 2)
    client.check()
    await client.until(lambda: client.answers)
    client.send(plain(1, 1, b"early", 111))
    await house.counted("rtp_before_dtls")
    await client.channel.start()
    await house.until(lambda: house.edges)


async def test_forged_replayed_and_malformed_packets_are_counted(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    wire = site.channel.protect_rtp(plain(5, 1, b"sound", 111))
    site.send(wire[:-1] + bytes([wire[-1] ^ 1]))
    await house.counted("srtp_auth")
    site.send(wire)
    site.send(wire)
    await house.counted("srtp_replay")
    for junk in (b"\x80\x01", b"\xff" * 30, b"\x00" * 30, b"\x50" * 20):
        site.send(junk)
    await house.counted("malformed", 4)
    await operator.until(lambda: operator.received)
    assert len(operator.received) == 1
    site.rtp(5, 2, b"more", 111)
    await operator.until(lambda: len(operator.received) == 2)


async def test_receiver_that_sends_media_is_counted(house):
    operator = await house.receiver("op/1", "floor:1")
    operator.rtp(1, 1, b"sound", 111)
    await house.counted("unexpected_rtp")


async def test_rtcp_junk_is_survived(house):
    site = await house.publisher("48/main", ("video",))
    operator = await house.receiver("op/1", "stage:1")
    for client in (site, operator):
        for junk in (b"\x81\xc8\xff\xff" + bytes(8), b"\x81\xce\x00\x01" + bytes(8)):
            client.rtcp(junk)
    house.route(("op/1", "stage:1", "48/main", "camera"))
    site.rtp(5, 1, keyframe(1), 96)
    await operator.until(lambda: operator.received)


# --- aiortc as the other side -------------------------------------------------------------------


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
