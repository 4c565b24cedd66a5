"""The way in, in Python and compiled, for whatever a publisher sends: the same comes out."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from hypothesis import event, given, settings
from hypothesis import strategies as st

from bridge import rtp
from tests.fakes.wayin import Sender, both


@dataclass
class Stream:
    """The numbers of one SSRC."""

    ssrc: int
    payload_type: int
    sequence: int
    timestamp: int
    picture: int = 0x7FF0

    def packet(self, one: dict) -> bytes:
        self.sequence += one["sequence"]
        self.timestamp += one["timestamp"]
        self.picture += one["picture"]
        extensions = [(3, struct.pack("!H", self.sequence & 0xFFFF))] if one["numbered"] else []
        if one["level"] is not None:
            extensions.append((1, bytes((one["level"],))))
        payload = bytes(one["size"])
        if self.payload_type == 96:
            payload = descriptor(one, self.picture) + one["begins"] + payload
        packet = rtp.build(
            one["payload_type"] or self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
            payload,
            marker=one["marker"],
            extensions=extensions,
            padding=one["padding"],
        )
        return damaged(packet, one["damage"])


def descriptor(one: dict, picture: int) -> bytes:
    bits, begins = one["bits"], one["begins"]
    flags = (0x80 if bits else 0) | (0x60 if one["tl0"] is not None else 0)
    start = 0x10 if begins else 0
    if not flags:
        return bytes((start,))
    ids = {0: b"", 7: bytes((picture & 0x7F,)), 15: struct.pack("!H", 0x8000 | picture & 0x7FFF)}
    layer = b"" if one["tl0"] is None else bytes((one["tl0"], 0x20))
    return bytes((0x80 | start, flags)) + ids[bits] + layer


def damaged(packet: bytes, how: str) -> bytes:
    match how:
        case "two_byte":
            return packet.replace(b"\xbe\xde", b"\x10\x00", 1)
        case "sources":
            return bytes((packet[0] | 2,)) + packet[1:12] + bytes(8) + packet[12:]
        case "cut":
            return packet[: 12 + len(packet) % 9]
        case "words":
            return packet[:15] + b"\x40" + packet[16:]
        case _:
            return packet


USUAL = {
    "stream": 0, "sequence": 1, "timestamp": 3000, "picture": 1, "bits": 15, "tl0": 250,
    "begins": b"\x11abc", "numbered": True, "level": 20, "size": 30, "marker": True, "padding": 0,
    "payload_type": None, "damage": "", "fate": "sent",
}  # fmt: skip
KEYFRAME = USUAL | {"begins": b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xb4\x00"}


ODD = {
    "sequence": [0, 2, 3, -1, -2, 40, 300, 30_000],
    "timestamp": [0, 960, 1_000_000, -3000, 2**31],
    "picture": [0, 2, -1, 9000],
    "bits": [7, 0],
    "tl0": [None, 3],
    # later packets of a picture, a keyframe, one whose start is cut off, an empty one
    "begins": [b"", KEYFRAME["begins"], b"\x10"],
    "numbered": [False],
    "level": [None, 0, 127, 200],
    "size": [0, 1100],
    "marker": [False],
    "padding": [4],
    "payload_type": [97],
    "damage": ["two_byte", "sources", "cut", "words"],
    "fate": ["sent twice", "forged", "flood"],
}
"""What a packet may have that is not as usual; most have one or two such things."""
odd = st.one_of([st.fixed_dictionaries({key: st.sampled_from(ODD[key])}) for key in ODD])
packets = st.builds(
    lambda stream, one, other: USUAL | {"stream": stream} | one | other,
    st.sampled_from([0, 0, 0, 1, 1, 2]),
    st.one_of(st.just({}), odd),
    st.one_of(st.just({}), st.just({}), odd),
)
events = st.lists(
    st.one_of(
        packets,
        packets,
        packets,
        st.just(KEYFRAME),
        st.sampled_from([0.001, 0.02, 0.02, 0.3, 3.0, 70.0]),
        st.sampled_from(["watch", "leave"]),
    ),
    min_size=10,
    max_size=80,
)


async def happen(course: list, nack: bool) -> None:
    sender = Sender()
    worlds = both(nack=nack)
    streams = [
        Stream(0x1000, 96, 65_520, 2**32 - 9000),
        Stream(0x2000, 111, 65_500, 2**32 - 3000),
        Stream(0x3000, 96, 5, 77),
    ]
    for one in [KEYFRAME, USUAL | {"stream": 1}, *course]:
        match one:
            case float():
                for world in worlds:
                    world.now += one
            case str():
                for world in worlds:
                    world.route(watched=one == "watch")
            case _:
                datagrams = []
                for _ in range(60 if one["fate"] == "flood" else 1):
                    datagram = sender.datagram(streams[one["stream"]].packet(one))
                    if datagram is not None:
                        datagrams.append(datagram)
                if one["fate"] == "sent twice":
                    datagrams *= 2
                if one["fate"] == "forged" and datagrams:
                    datagrams = [datagrams[0][:-1] + bytes((datagrams[0][-1] ^ 1,))]
                for world in worlds:
                    for datagram in datagrams:
                        world.receive(datagram, world.now - 0.001)
                    world.flush()
    plain, compiled = worlds
    assert plain.sent == compiled.sent
    assert plain.figures() == compiled.figures()
    event(f"sent: {min(len(plain.sent), 3)}")
    for world in worlds:
        world.close()


@settings(max_examples=150)
@given(events, st.booleans())
def test_both_ways_in_do_the_same(course: list, nack: bool) -> None:
    asyncio.run(happen(course, nack))


async def test_a_stream_may_begin_before_its_first_number() -> None:
    sender, worlds = Sender(), both()
    padding = rtp.build(96, 5, 9000, 0x1000, b"", padding=4)
    # overtaken by it, so these lie below 0
    early = [Stream(0x1000, 96, -40 + n, 9000, 100 + n).packet(KEYFRAME) for n in range(40)]
    for datagram in map(sender.datagram, [padding, *early]):
        assert datagram is not None
        for world in worlds:
            world.receive(datagram, world.now)
            world.flush()
    plain, compiled = worlds
    assert plain.sent == compiled.sent
    assert len(plain.sent) > 30
    for world in worlds:
        world.close()


async def test_most_packets_take_the_short_way() -> None:
    """Else the property above would compare Python with itself."""
    sender, (_, world) = Sender(), both()
    stream = Stream(0x1000, 96, 10, 9000)
    long_way: list[bytes] = []
    receive = world.publisher.receive_rtp

    def noted(now: float, arrival: float, packet: bytes) -> None:
        long_way.append(packet)
        receive(now, arrival, packet)

    world.publisher.receive_rtp = noted
    for one in (KEYFRAME, *[USUAL] * 50, KEYFRAME, *[USUAL] * 50):
        world.now += 0.04
        world.receive(sender.datagram(stream.packet(one)) or b"", world.now)
        world.flush()
    assert len(world.sent) == 102
    assert len(long_way) == 2
    world.close()
