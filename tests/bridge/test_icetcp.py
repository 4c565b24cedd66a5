"""Sessions over ICE-TCP, beside others over UDP: DTLS-SRTP, a path that closes, a slow reader."""

import functools

import pytest

from bridge.mediasocket import MediaAddress
from signaling.wire.control import CloseSession
from tests.bridge.client import TcpClient, delta, keyframe
from tests.bridge.house import House


@pytest.fixture
async def house():
    house = House(announce=[MediaAddress("127.0.0.1", 0, tcp_port=0)])
    yield house
    for client in house.clients:
        client.close()
    house.node.close()


async def test_media_flow_between_tcp_and_udp_both_ways(house):
    site = await house.publisher("48/main", ("audio",), TcpClient)
    other = await house.publisher("49/main", ("audio",))
    over_tcp = await house.receiver("op/1", "floor:1", TcpClient)
    over_udp = await house.receiver("op/2", "floor:1")
    house.route(("op/1", "floor:1", "49/main", "mic"), ("op/2", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"over TCP", 111)
    other.rtp(6, 1, b"over UDP", 111)
    await over_udp.until(lambda: over_udp.received)
    await over_tcp.until(lambda: over_tcp.received)
    assert over_udp.received[0].endswith(b"over TCP")
    assert over_tcp.received[0].endswith(b"over UDP")


async def test_tcp_peer_may_be_the_dtls_server(house):
    site = await house.publisher("48/main", ("audio",), TcpClient, setup="passive")
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


async def test_second_connection_is_nominated_and_the_first_may_go(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1", TcpClient)
    house.route(("op/1", "floor:1", "48/main", "mic"))
    first, operator.transport = operator.transport, None
    await operator.bind()
    operator.answers.clear()
    operator.check()
    await operator.until(lambda: operator.answers)
    first.close()
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


async def test_connection_that_broke_is_replaced_by_the_next_check(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1", TcpClient)
    house.route(("op/1", "floor:1", "48/main", "mic"))
    operator.transport.abort()
    await operator.bind()
    operator.answers.clear()
    operator.check(nominate=False)
    await operator.until(lambda: operator.answers)
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


async def test_wrong_password_gets_no_answer_and_opens_nothing(house):
    client = TcpClient("publish", ["audio"])
    house.clients.append(client)
    reply = house.open("48/main", "publish", client.offer())
    await client.open(reply.answer)
    client.check(password="x" * 22)
    await house.counted("stun_integrity")
    client.send(b"\x80" + bytes(20))
    await house.counted("unknown_peer")
    assert client.answers == []


async def test_session_that_is_closed_ends_its_connections(house):
    site = await house.publisher("48/main", ("audio",), TcpClient)
    house.node.handle(CloseSession(1, site.session))
    await site.until(lambda: site.lost)


def has(client, count):
    return len(client.received) == count


async def test_slow_receiver_loses_pictures_and_the_others_lose_nothing(house):
    site = await house.publisher("48/main", ("video",))
    slow = await house.receiver("op/1", "stage:1", TcpClient)
    quick = await house.receiver("op/2", "stage:1")
    house.route(("op/1", "stage:1", "48/main", "camera"), ("op/2", "stage:1", "48/main", "camera"))
    site.rtp(5, 0, keyframe(0, 1100))
    await slow.until(lambda: slow.received)
    slow.transport.pause_reading()
    numbers = iter(range(1, 20_000))
    while not house.dropped("tcp_backlog"):
        sent = [next(numbers) for _ in range(20)]
        for number in sent:
            site.rtp(5, number, delta(number, 1100), timestamp=number)
        await quick.until(functools.partial(has, quick, sent[-1] + 1))
    slow.transport.resume_reading()
    assert house.dropped("send_buffer") == 0
