"""DTLS-SRTP: both roles against each other and against aiortc's own transport."""

import asyncio
import inspect
import struct

import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from bridge.fingerprint import Fingerprint
from bridge.transport import (
    MAX_SSRCS,
    Certificate,
    HandshakeError,
    SecureChannel,
    SrtpError,
    is_dtls,
    is_rtcp,
)
from tests.bridge.foreign import CM, GCM, ForeignCertificate

RTP = bytes.fromhex("8060000100000002deadbeef") + b"picture" * 20
RTCP = bytes.fromhex("80c90001deadbeef")


class Pipe:
    """Two channels whose datagrams reach the other through the event loop, unless told to lose."""

    def __init__(self, server_prints=None, client_prints=None, server=None, client=None):
        server, client = server or Certificate(), client or Certificate()
        self.lose = 0
        self.sent = []
        self.closed = []
        self.server = SecureChannel(
            server,
            "server",
            client_prints or [client.fingerprint],
            lambda data: self.carry(data, "client"),
            lambda: self.closed.append("server"),
        )
        self.client = SecureChannel(
            client,
            "client",
            server_prints or [server.fingerprint],
            lambda data: self.carry(data, "server"),
            lambda: self.closed.append("client"),
        )

    def carry(self, data, to):
        self.sent.append(data)
        if self.lose:
            self.lose -= 1
        else:
            asyncio.get_running_loop().call_soon(getattr(self, to).feed, data)

    async def start(self):
        return await asyncio.gather(
            self.server.start(), self.client.start(), return_exceptions=True
        )


async def test_handshake_both_roles_then_packets_both_ways():
    pipe = Pipe()
    assert await pipe.start() == [None, None]
    assert pipe.server.connected
    assert pipe.client.connected
    for one, other in ((pipe.server, pipe.client), (pipe.client, pipe.server)):
        wire = one.protect_rtp(RTP)
        assert wire != RTP
        assert wire[:12] == RTP[:12]
        assert other.unprotect_rtp(wire) == RTP
        assert other.unprotect_rtcp(one.protect_rtcp(RTCP)) == RTCP


async def test_profile_is_aes_128_gcm():
    pipe = Pipe()
    await pipe.start()
    # GCM: 16 bytes of tag; AES-CM would add 10
    assert len(pipe.server.protect_rtp(RTP)) == len(RTP) + 16
    assert pipe.server._dtls.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"


async def test_lost_flights_are_sent_again():
    pipe = Pipe()
    pipe.lose = 1
    assert await pipe.start() == [None, None]
    assert pipe.client.unprotect_rtp(pipe.server.protect_rtp(RTP)) == RTP


async def test_datagrams_keep_to_the_mtu_and_are_dtls():
    pipe = Pipe()
    await pipe.start()
    assert all(len(datagram) <= 1200 and is_dtls(datagram) for datagram in pipe.sent)


async def test_wrong_fingerprint_is_refused_by_the_server():
    pipe = Pipe(client_prints=[Fingerprint("sha-256", ":".join(["00"] * 32))])
    server = asyncio.create_task(pipe.server.start())
    client = asyncio.create_task(pipe.client.start())
    with pytest.raises(HandshakeError, match="fingerprint"):
        await server
    assert pipe.server.state == "failed"
    pipe.client.close()
    await asyncio.gather(client, return_exceptions=True)


async def test_wrong_fingerprint_is_refused_by_the_client():
    pipe = Pipe(server_prints=[Fingerprint("sha-256", ":".join(["00"] * 32))])
    _, client = await pipe.start()
    assert isinstance(client, HandshakeError)
    assert not pipe.client.connected


async def test_fingerprint_of_an_unknown_hash_alone_is_refused():
    pipe = Pipe(server_prints=[Fingerprint("md2", "00:11")])
    _, client = await pipe.start()
    assert isinstance(client, HandshakeError)


async def test_silent_peer_times_out():
    certificate = Certificate()
    channel = SecureChannel(certificate, "client", [certificate.fingerprint], lambda data: None)
    with pytest.raises(HandshakeError, match=r"0\.05 s"):
        await channel.start(timeout_s=0.05)
    assert channel.state == "failed"


async def test_cancelled_start_frees_the_channel():
    certificate = Certificate()
    channel = SecureChannel(certificate, "client", [certificate.fingerprint], lambda data: None)
    task = asyncio.create_task(channel.start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert channel.state == "failed"
    assert channel._timer is None


async def test_close_during_handshake_ends_start():
    certificate = Certificate()
    channel = SecureChannel(certificate, "client", [certificate.fingerprint], lambda data: None)
    task = asyncio.create_task(channel.start())
    await asyncio.sleep(0)
    channel.close()
    with pytest.raises(HandshakeError):
        await task
    assert channel.state == "closed"


async def test_close_notify_closes_the_other_side():
    pipe = Pipe()
    await pipe.start()
    pipe.client.close()
    pipe.client.close()
    await asyncio.sleep(0)
    assert pipe.closed == ["server"]
    assert pipe.server.state == "closed"
    with pytest.raises(SrtpError, match="rtp_before_dtls"):
        pipe.server.protect_rtp(RTP)


async def test_packets_before_the_handshake_are_refused():
    channel = Pipe().server
    for call in (channel.unprotect_rtp, channel.unprotect_rtcp):
        with pytest.raises(SrtpError) as caught:
            call(RTP)
        assert caught.value.reason == "rtp_before_dtls"


async def test_forged_replayed_and_malformed_packets_are_told_apart():
    pipe = Pipe()
    await pipe.start()
    wire = pipe.client.protect_rtp(RTP)
    forged = wire[:-1] + bytes([wire[-1] ^ 1])
    cases = [(forged, "srtp_auth"), (wire[:9], "malformed"), (b"\x80" * 1600, "malformed")]
    for packet, reason in cases:
        with pytest.raises(SrtpError) as caught:
            pipe.server.unprotect_rtp(packet)
        assert caught.value.reason == reason
    assert pipe.server.unprotect_rtp(wire) == RTP
    with pytest.raises(SrtpError) as caught:
        pipe.server.unprotect_rtp(wire)
    assert caught.value.reason == "srtp_replay"
    control = pipe.client.protect_rtcp(RTCP)
    pipe.server.unprotect_rtcp(control)
    with pytest.raises(SrtpError) as caught:
        pipe.server.unprotect_rtcp(control)
    assert caught.value.reason == "srtp_replay"


async def test_streams_of_a_channel_are_bounded_and_forged_ones_do_not_count():
    pipe = Pipe()
    await pipe.start()

    def wire(ssrc, sequence=1):
        return pipe.client.protect_rtp(
            struct.pack("!BBHII", 0x80, 96, sequence, 0, ssrc) + b"picture"
        )

    for ssrc in range(2 * MAX_SSRCS):
        packet = wire(ssrc)
        with pytest.raises(SrtpError, match="srtp_auth"):
            pipe.server.unprotect_rtp(packet[:-1] + bytes([packet[-1] ^ 1]))
    for ssrc in range(MAX_SSRCS):
        pipe.server.unprotect_rtp(wire(ssrc))
    with pytest.raises(SrtpError, match="ssrc_limit"):
        pipe.server.unprotect_rtp(wire(MAX_SSRCS))
    with pytest.raises(SrtpError, match="ssrc_limit"):
        pipe.server.unprotect_rtcp(pipe.client.protect_rtcp(RTCP))
    pipe.server.unprotect_rtp(wire(7, sequence=2))


async def test_junk_does_not_disturb_a_connected_channel():
    pipe = Pipe()
    await pipe.start()
    for junk in (b"", b"\x16", b"\x16\xfe\xfd" + b"\xff" * 40, bytes(range(20, 64)) * 20):
        pipe.server.feed(junk)
    assert pipe.server.unprotect_rtp(pipe.client.protect_rtp(RTP)) == RTP


async def test_junk_does_not_disturb_a_handshake():
    pipe = Pipe()
    server = asyncio.create_task(pipe.server.start())
    await asyncio.sleep(0)
    for junk in (b"", b"\x16", b"\x16\xfe\xfd" + b"\xff" * 40):
        pipe.server.feed(junk)
    await pipe.client.start()
    await server
    assert pipe.server.connected


class Ice:
    """What aiortc's DTLS transport needs of an ICE transport."""

    role = "controlling"
    state = "completed"

    def __init__(self, deliver):
        self.inbox = asyncio.Queue()
        self.deliver = deliver

    async def _recv(self):
        return await self.inbox.get()

    async def _send(self, data):
        self.deliver(data)


@pytest.mark.parametrize("role", ["server", "client"])
async def test_handshake_with_aiortc(role):
    ours, theirs = Certificate(), RTCCertificate.generateCertificate()
    prints = [Fingerprint(one.algorithm, one.value) for one in theirs.getFingerprints()]
    ice = Ice(lambda data: channel.feed(data))
    channel = SecureChannel(ours, role, prints, ice.inbox.put_nowait)
    peer = RTCDtlsTransport(ice, [theirs])
    peer._set_role("client" if role == "server" else "server")
    parameters = RTCDtlsParameters([RTCDtlsFingerprint(*ours.fingerprint)])
    await asyncio.gather(channel.start(), peer.start(parameters))
    assert peer.state == "connected"
    assert peer._rx_srtp.unprotect(channel.protect_rtp(RTP)) == RTP
    assert channel.unprotect_rtp(peer._tx_srtp.protect(RTP)) == RTP
    channel.close()
    await peer.stop()


@pytest.mark.parametrize("theirs", ["server", "client"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize(
    ("profiles", "tag"),
    [((CM,), 10), ((GCM,), 16), ((CM, GCM), 16)],
    ids=["CM alone", "GCM alone", "CM first"],
)
async def test_peers_with_either_kind_of_key_in_either_role(theirs, kind, profiles, tag):
    pipe = Pipe(**{theirs: ForeignCertificate(kind, *profiles)})
    assert await pipe.start() == [None, None]
    ours, foreign = (pipe.client, pipe.server)[:: 1 if theirs == "server" else -1]
    if theirs == "server" and profiles[0] is CM:
        # the server chooses (RFC 5764 §4.1.1), and this one likes it least
        tag = 10
    wire = ours.protect_rtp(RTP)
    assert len(wire) == len(RTP) + tag
    assert foreign.unprotect_rtp(wire) == RTP
    assert ours.unprotect_rtp(foreign.protect_rtp(RTP)) == RTP
    with pytest.raises(SrtpError, match="srtp_replay"):
        foreign.unprotect_rtp(wire)


async def test_no_profile_in_common_is_refused():
    pipe = Pipe(client=ForeignCertificate("ecdsa", b"SRTP_AES128_CM_SHA1_32"))
    (error, _) = await pipe.start()
    assert isinstance(error, HandshakeError)


def test_demultiplexing_by_first_byte():
    assert not is_rtcp(RTP)
    assert is_rtcp(RTCP)
    assert not is_dtls(RTP)
    assert is_dtls(b"\x16" + bytes(12))
    assert not is_dtls(b"")


def test_private_names_of_aiortc_are_as_expected():
    """The canary: these are what an upgrade of aiortc or pylibsrtp may take away."""
    signature = inspect.signature(RTCCertificate._create_ssl_context)
    assert list(signature.parameters) == ["self", "srtp_profiles"]
    import pylibsrtp

    assert "authentication failure" in pylibsrtp.ERRORS
    assert sum(text.startswith("replay check failed") for text in pylibsrtp.ERRORS) == 2
