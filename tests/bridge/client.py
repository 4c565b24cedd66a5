"""A packet-level WHIP or WHEP client for the node's tests; its checks are built by aioice."""

import asyncio
import re
import secrets
import struct

from aioice import stun as peer

from bridge import rtp
from bridge.fingerprint import Fingerprint
from bridge.transport import Certificate, SecureChannel

LAYERS = (
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "a=rid:q send",
    "a=rid:h send",
    "a=simulcast:send q;h",
)
CODECS = {
    "audio": (111, "opus/48000/2"),
    "video": (96, "VP8/90000"),
}
LEVEL = ("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",)
REPAIR = ("a=rtcp-fb:96 nack", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96")


class Client(asyncio.DatagramProtocol):
    """One session. `received` collects plain RTP and RTCP packets; `arrived` is set by each."""

    candidate = r"a=candidate:1 1 udp \d+ (\S+) (\d+) typ host\r"

    def __init__(
        self,
        direction,
        sections,
        ssrcs=(),
        setup="actpass",
        lines=(),
        contents=None,
        certificate=None,
    ):
        self.direction, self.sections, self.setup = direction, sections, setup
        self.ssrcs, self.lines = list(ssrcs), lines
        self.contents = contents or {}
        self.certificate = certificate or Certificate()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.received, self.control = [], []
        self.answers, self.questions = [], []
        self.arrived = asyncio.Event()
        self.channel = None
        self.transport = None
        self.lost = False
        self.tap = lambda datagram: None

    def offer(self):
        kind = "sendonly" if self.direction == "publish" else "recvonly"
        mids = " ".join(str(index) for index in range(len(self.sections)))
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for index, media in enumerate(self.sections):
            payload_type, codec = CODECS[media]
            lines += [
                f"m={media} 9 UDP/TLS/RTP/SAVPF {payload_type}" + " 97" * (media == "video"),
                "c=IN IP4 0.0.0.0",
                f"a=mid:{index}",
                f"a={kind}",
                "a=rtcp-mux",
                f"a=rtpmap:{payload_type} {codec}",
                *(REPAIR if media == "video" else ()),
                "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
                *(LEVEL if media == "audio" else ()),
                f"a=ice-ufrag:{self.ufrag}",
                f"a=ice-pwd:{self.password}",
                "a=fingerprint:{} {}".format(*self.certificate.fingerprint),
                f"a=setup:{self.setup}",
                *(self.lines if media == "video" else ()),
            ]
            if index in self.contents:
                lines.append(f"a=content:{self.contents[index]}")
            if index < len(self.ssrcs):
                lines.append(f"a=ssrc:{self.ssrcs[index]} cname:test")
        return "\r\n".join(lines) + "\r\n"

    async def connect(self, answer):
        """Check the path, then shake hands."""
        await self.open(answer)
        self.check()
        await self.until(lambda: self.answers)
        await self.channel.start()

    async def open(self, answer):
        """Bind a socket and read the answer, but send nothing yet."""

        def value(name):
            return re.search(rf"a={name}:(\S+)(?: (\S+))?\r\n", answer).groups()

        self.remote_ufrag, self.remote_password = value("ice-ufrag")[0], value("ice-pwd")[0]
        ssrcs = re.findall(r"a=ssrc:(\d+)", answer)
        self.slot_ssrcs = list(dict.fromkeys(map(int, ssrcs)))
        self.slots = {}
        for section in answer.split("m=")[1:]:
            first = re.search(r"a=ssrc:(\d+)", section)
            if first:
                self.slots[re.search(r"a=mid:(\S+)", section)[1]] = int(first[1])
        host, port = re.search(self.candidate, answer).groups()
        self.address = (host, int(port))
        role = "client" if value("setup")[0] == "passive" else "server"
        self.channel = SecureChannel(
            self.certificate, role, [Fingerprint(*value("fingerprint"))], self.send
        )
        await self.bind()

    async def bind(self):
        """Take a fresh local address."""
        loop = asyncio.get_running_loop()
        if self.transport is not None:
            self.transport.close()
        self.transport, _ = await loop.create_datagram_endpoint(
            lambda: self, remote_addr=self.address
        )

    def check(self, password=None, nominate=True, username=None):
        attributes = {
            "USERNAME": username or f"{self.remote_ufrag}:{self.ufrag}",
            "PRIORITY": 1,
            "ICE-CONTROLLING": 1,
        }
        if nominate:
            attributes["USE-CANDIDATE"] = None
        message = peer.Message(peer.Method.BINDING, peer.Class.REQUEST, attributes=attributes)
        message.add_message_integrity((password or self.remote_password).encode())
        self.send(bytes(message))

    def respond(self, question):
        """As a full agent answers the bridge's own check."""
        assert question.attributes["USERNAME"] == f"{self.ufrag}:{self.remote_ufrag}"
        assert "ICE-CONTROLLED" in question.attributes
        assert question.check_message_integrity(self.password.encode())
        answer = peer.Message(
            peer.Method.BINDING, peer.Class.RESPONSE, question.transaction_id,
            {"XOR-MAPPED-ADDRESS": self.address},
        )  # fmt: skip
        answer.add_message_integrity(self.password.encode())
        self.send(bytes(answer))

    def rtp(self, ssrc, sequence, payload, payload_type=96, timestamp=0, **more):
        """Send a plain packet, protected."""
        self.send(
            self.channel.protect_rtp(
                plain(ssrc, sequence, payload, payload_type, timestamp, **more)
            )
        )

    def rtcp(self, compound):
        self.send(self.channel.protect_rtcp(compound))

    def send(self, datagram):
        self.tap(datagram)
        self.transport.sendto(datagram)

    def datagram_received(self, data, address):
        if data[0] < 4:
            message = peer.parse_message(data)
            if message.message_class is peer.Class.REQUEST:
                self.questions.append(message)
                self.respond(message)
            else:
                assert message.check_message_integrity(self.remote_password.encode())
                self.answers.append(message)
        elif data[0] < 64:
            self.channel.feed(data)
        elif 191 < data[1] < 224:
            self.control.append(self.channel.unprotect_rtcp(data))
        else:
            self.received.append(self.channel.unprotect_rtp(data))
        self.arrived.set()

    def error_received(self, error):
        """The node may be gone."""

    def connection_lost(self, error):
        self.lost = True
        self.arrived.set()

    async def until(self, condition):
        """Wait for packets until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()

    def close(self):
        if self.channel is not None:
            self.channel.close()
        if self.transport is not None:
            self.transport.close()


class TcpClient(Client):
    """The same over ICE-TCP (RFC 6544, RFC 4571)."""

    candidate = r"a=candidate:\d+ 1 tcp \d+ (\S+) (\d+) typ host tcptype passive\r"

    async def bind(self):
        if self.transport is not None:
            self.transport.close()
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_connection(lambda: _Stream(self), *self.address)

    def send(self, datagram):
        self.transport.write(struct.pack("!H", len(datagram)) + datagram)


class _Stream(asyncio.Protocol):
    def __init__(self, client):
        self.client, self.stream = client, b""

    def connection_lost(self, error):
        self.client.connection_lost(error)

    def data_received(self, data):
        self.stream += data
        while len(self.stream) >= 2 and len(self.stream) >= 2 + int.from_bytes(self.stream[:2]):
            end = 2 + int.from_bytes(self.stream[:2])
            self.client.datagram_received(self.stream[2:end], None)
            self.stream = self.stream[end:]


def plain(
    ssrc, sequence, payload, payload_type=96, timestamp=0, marker=True, mid=None, rid=None,
    repaired=None,
):  # fmt: skip
    """An RTP packet; mid, rid and repaired rid are the extensions 4, 10 and 11."""
    said = [(4, mid), (10, rid), (11, repaired)]
    return rtp.build(
        payload_type,
        sequence,
        timestamp,
        ssrc,
        payload,
        marker=marker,
        extensions=[(number, value.encode()) for number, value in said if value is not None],
    )


def retransmission(packet, payload_type, ssrc, sequence, repaired=None):
    """The RTX packet (RFC 4588) of a packet without extensions."""
    header = rtp.parse(packet)
    return rtp.build(
        payload_type,
        sequence,
        header.timestamp,
        ssrc,
        packet[2:4] + packet[header.start :],
        marker=header.marker,
        extensions=[(11, repaired.encode())] if repaired else [],
    )


def keyframe(picture, size=20, pixels=(0, 0)):
    """A VP8 payload: one-packet keyframe with a 15-bit picture id (RFC 7741)."""
    return (
        bytes([0x90, 0x80])
        + struct.pack("!H", 0x8000 | picture)
        + b"\x10\x02\x00\x9d\x01\x2a"
        + struct.pack("<HH", *pixels)
        + bytes(size)
    )


def delta(picture, size=20):
    """A VP8 payload of a frame that needs the ones before."""
    return struct.pack("!BBH", 0x90, 0x80, 0x8000 | picture) + b"\x11" + bytes(size)
