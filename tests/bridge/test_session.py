"""A session's transport over real sockets: paths, handshakes, and foreign packets."""

import asyncio

import pytest

from tests.bridge.client import Client, plain
from tests.bridge.foreign import CM, ForeignCertificate
from tests.bridge.house import House


async def test_passive_peer_is_met_as_dtls_client(house):
    site = await house.publisher("48/main", ("audio",), setup="passive")
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


@pytest.mark.parametrize("setup", ["active", "passive"])
async def test_media_flow_between_peers_with_rsa_keys_and_aes_cm_alone(house, setup):
    old = ForeignCertificate("rsa", CM)
    site = await house.publisher("48/main", ("audio",), setup=setup, certificate=old)
    operator = await house.receiver("op/1", "floor:1", setup=setup, certificate=old)
    modern = await house.receiver("op/2", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"), ("op/2", "floor:1", "48/main", "mic"))
    site.rtp(5, 1, b"sound", 111)
    for receiver in (operator, modern):
        await receiver.until(lambda receiver=receiver: receiver.received)
        assert receiver.received[0].endswith(b"sound")


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


async def test_address_in_use_is_not_taken_by_valid_checks_of_another_session(house):
    site = await house.publisher("48/main", ("audio",))
    other = await house.publisher("49/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    # an insider who sends with a false source: his own check, from the site's address
    own, other.transport = other.transport, site.transport
    other.check()
    await house.counted("address_taken")
    other.transport = own
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)
    assert operator.received[0].endswith(b"sound")
    assert house.dropped("srtp_auth") == 0


async def test_nominated_check_that_is_sent_again_from_elsewhere_moves_nothing(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    captured = []
    operator.tap = captured.append
    operator.check()
    thief, loot = await eavesdropper(house)
    thief.sendto(captured[0])
    await house.counted("stun_replay")
    assert loot.all == []
    # one that never reached us is new here; but the thief, who knows no password, cannot answer
    own, operator.transport = operator.transport, thief
    operator.check()
    operator.transport = own
    async with asyncio.timeout(10):
        while not loot.is_asked():
            await loot.heard.get()
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)
    site.rtp(5, 2, b"more", 111)
    await operator.until(lambda: len(operator.received) == 2)
    assert [one for one in loot.all if one[0] >= 128] == []
    thief.close()


async def test_captured_media_from_elsewhere_open_nothing_and_are_counted(house):
    site = await house.publisher("48/main", ("audio",))
    insider = await house.publisher("49/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    captured = []
    site.tap = captured.append
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)
    thief, loot = await eavesdropper(house)
    thief.sendto(captured[0])
    await house.counted("unknown_peer")
    insider.send(captured[0])
    await house.counted("srtp_auth")
    site.send(captured[0])
    await house.counted("srtp_replay")
    site.rtp(5, 2, b"more", 111)
    await operator.until(lambda: len(operator.received) == 2)
    assert loot.all == []
    thief.close()


class Loot(asyncio.DatagramProtocol):
    """What somebody gets who belongs to no session."""

    def __init__(self):
        self.all, self.heard = [], asyncio.Queue()

    def datagram_received(self, data, address):
        self.all.append(data)
        self.heard.put_nowait(data)

    def is_asked(self):
        """The bridge has sent a check of its own."""
        return any(one[:2] == b"\x00\x01" for one in self.all)


async def eavesdropper(house):
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(Loot, remote_addr=house.node.addresses[0])


async def test_receiver_that_moves_is_served_after_its_check(house):
    site = await house.publisher("48/main", ("audio",))
    operator = await house.receiver("op/1", "floor:1")
    house.route(("op/1", "floor:1", "48/main", "mic"))
    await operator.bind()
    operator.answers.clear()
    operator.check()
    await operator.until(lambda: operator.questions)
    site.rtp(5, 1, b"sound", 111)
    await operator.until(lambda: operator.received)


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


class Forward(asyncio.SelectorEventLoop):
    """A loop whose time a test can move on."""

    ahead_s = 0.0

    def time(self):
        return super().time() + self.ahead_s


def test_peer_that_falls_silent_is_lost_and_then_its_consent_is_over():
    async def scenario():
        loop = asyncio.get_running_loop()
        house = House()
        site = await house.publisher("48/main", ("audio",))
        other = await house.publisher("49/main", ("audio",))
        loop.ahead_s += 6
        await house.until(lambda: ("48/main", "publish", "lost", "silent") in house.edges)
        other.answers.clear()
        loop.ahead_s += 20
        other.check()
        await other.until(lambda: other.answers)
        loop.ahead_s += 5
        over = ("48/main", "publish", "closed", "consent_expired")
        await house.until(lambda: over in house.edges)
        assert [one.port for one in house.node.sessions()] == ["49/main"]
        # the address is forgotten with the session: nothing that comes from there is taken
        site.rtp(5, 1, b"too late", 111)
        site.check()
        await house.counted("unknown_peer", 2)
        assert len(site.answers) == 1
        for client in house.clients:
            client.close()
        house.node.close()

    with asyncio.Runner(loop_factory=Forward) as runner:
        runner.run(scenario())
