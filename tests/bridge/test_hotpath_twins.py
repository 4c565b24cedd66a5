"""Both packet paths, through any course of events: the same datagrams, to the byte.

Each world has sources, slots and legs of its own, and real SRTP with the same keys.
"""

from __future__ import annotations

import pylibsrtp
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bridge import rtp
from bridge.codecs import OPUS, VP8
from bridge.hotpath import Protection
from bridge.hotpath_choice import PacketPath, choose
from bridge.metrics import Counters
from bridge.slot import Slot
from bridge.source import Source, Verdict
from bridge.transport import protection_of, roomy
from tests.fakes.streams import Camera, Encoder, Microphone

KEY = bytes(range(28))


def protection(kind: str) -> Protection:
    """SRTP as a channel has it: by address, by method only, or none at all."""
    if kind == "none":
        return Protection(lambda packet: packet)
    policy = pylibsrtp.Policy(
        key=KEY,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    policy.allow_repeat_tx = True
    session = roomy(pylibsrtp.Session(policy))
    return protection_of(session) if kind == "native" else Protection(session.protect)


class Wire:
    def __init__(self) -> None:
        self.full = False
        self.sent: list[tuple[bytes, object]] = []

    def fileno(self) -> int:
        return -1

    def send(self, datagram: bytes, address: object, /) -> None:
        self.sent.append((datagram, address))


class World:
    """Three receivers: RTX and transport-wide numbers, these numbers alone, and neither."""

    def __init__(self, which: PacketPath, kind: str, sources: list[Source]) -> None:
        self.now = 1000.0
        self.counters = Counters()
        self.path = choose(which)(self.counters, lambda: self.now, self._pending)
        self.told = 0
        self.wire = Wire()
        self.sources = sources
        self.carried: dict[int, list[Slot]] = {n: [] for n in range(len(sources))}
        self.wanted: dict[Slot, int] = {}
        self.legs, self.slots = [], []
        self.deadlines: list[float | None] = []
        for n, (rtx, extension) in enumerate([(True, 5), (False, 5), (False, 0)]):
            leg = self.path.leg(self.now)
            leg.secure(protection(kind))
            self.legs.append(leg)
            self.aim(n)
            for k, codec in enumerate([VP8, OPUS, VP8]):
                outlet = leg.outlet(
                    0x100 * n + k,
                    100 + k,
                    urgent=codec is OPUS,
                    nack=codec is VP8,
                    rtx=(97, 0x9000 + 0x100 * n + k) if rtx else None,
                    rtx_sequence=65_530,
                    extension=extension,
                )
                slot = Slot(
                    codec,
                    outlet,
                    first_sequence=32_767 - n,
                    first_timestamp=2**32 - 50_000,
                    first_picture_id=32_760,
                )
                self.slots.append(slot)

    def _pending(self) -> None:
        self.told += 1

    def aim(self, leg: int) -> None:
        self.legs[leg].aim(self.wire, ("192.0.2.1", 9000 + leg))

    def switch(self, slot: int, source: int) -> None:
        """At the source's next packet."""
        self.wanted[self.slots[slot]] = source

    def take(self, number: int, data: bytes) -> None:
        source = self.sources[number]
        verdict = source.receive(self.now, data)
        if verdict is Verdict.DROPPED:
            return
        if verdict is Verdict.RESTARTED:
            for slot in self.carried[number]:
                slot.end()
                self.wanted.setdefault(slot, number)
            self.carried[number] = []
            source.restart()
        if not source.packet.late:
            for slot in [one for one, wanted in self.wanted.items() if wanted == number]:
                del self.wanted[slot]
                slot.end()
                for others in self.carried.values():
                    if slot in others:
                        others.remove(slot)
                slot.begin(self.now, source)
                self.carried[number].append(slot)
        self.path.forward(self.now, source.packet, tuple(self.carried[number]))

    def flush(self) -> None:
        self.deadlines.append(self.path.flush(self.now))

    def figures(self) -> object:
        outlets = [slot.outlet for slot in self.slots]
        return (
            [(one.packets, one.octets, one.failures, one.resent, one.first) for one in outlets],
            [one.dropped for one in self.legs],
            [one.sent(number, 200) for one in self.legs for number in (0, 65_500)],
            self.told,
            self.deadlines,
            self.counters.latency.counts,
            self.counters.latency.burst,
            round(self.counters.latency.sum_s + self.counters.latency.burst_sum_s, 6),
        )


def publishers() -> list[Camera | Encoder | Microphone]:
    return [
        Camera(0, sequence=65_520, timestamp=2**32 - 40_000, picture=32_760, tl0_picture=250),
        Camera(1, picture_ids="short", tl0=False),
        Camera(2, picture_ids="none", tl0=False),
        Camera(3, picture_ids="long", tl0=False),
        Encoder(4),
        Microphone(5),
        Microphone(6, timestamp=2**32 - 3000),
    ]


COUNT = len(publishers())
packets = st.tuples(
    st.just("frame"),
    st.one_of(st.integers(0, 2), st.integers(0, COUNT - 1)),
    st.booleans(),
    st.sampled_from([1, 2, 3, 20, 60]),
    st.sampled_from([0, 30, 1100, 1325, 1340]),
    st.integers(0, 3),
)
nacks = st.tuples(
    st.just("nack"),
    st.sampled_from([0, 3, 6, 2, 5, 1]),
    st.sampled_from([2, 0, 5, 20, 60]),
    st.integers(1, 30),
)
events = st.lists(
    st.one_of(
        packets,
        packets,
        packets,
        st.tuples(st.just("switch"), st.integers(0, 8), st.integers(0, COUNT - 1)),
        nacks,
        nacks,
        st.tuples(
            st.just("pass"), st.sampled_from([0.0, 0.0004, 0.002, 0.011, 0.03, 0.03, 1.0, 3.0])
        ),
        st.tuples(st.just("flush")),
        st.tuples(st.just("pace"), st.integers(0, 2), st.sampled_from([2e5, 3e6, 1e8])),
        st.tuples(st.just("way"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("way"), st.integers(0, 2), st.just(True)),
        st.tuples(st.just("full"), st.booleans()),
        st.tuples(st.just("full"), st.just(False)),
        st.tuples(st.just("forget")),
        st.tuples(st.just("leap"), st.integers(0, COUNT - 1)),
    ),
    min_size=15,
    max_size=80,
)


def happen(world: World, course: list[tuple]) -> None:
    senders = publishers()
    for n in range(9):
        world.switch(n, 5 if n % 3 == 1 else n % 3)
    for one in course:
        match one:
            case ("frame", number, keyframe, parts, size, disorder):
                sender = senders[number]
                if isinstance(sender, Camera):
                    made = sender.frame(keyframe=keyframe, parts=parts)
                elif isinstance(sender, Encoder):
                    made = sender.frame(keyframe=keyframe)
                else:
                    made = [sender.frame()]
                if disorder == 1:
                    made.reverse()
                elif disorder == 2:
                    del made[1:2]
                world.counters.latency.arrival = world.now - 0.001 * disorder
                for packet in made:
                    world.take(number, packet + bytes(size))
                if disorder != 3:
                    world.flush()
            case ("switch", slot, number):
                world.switch(slot, number)
            case ("nack", slot, back, count):
                outlet = world.slots[slot].outlet
                last = (32_767 - slot // 3 + outlet.packets) & 0xFFFF
                lost = [(last - back + n) & 0xFFFF for n in range(count)]
                world.told += 1000 * outlet.resend(world.now, lost)
            case ("pass", seconds):
                world.now += seconds
            case ("flush",):
                world.flush()
            case ("pace", leg, bps):
                world.legs[leg].pace(bps)
            case ("way", leg, there):
                world.aim(leg) if there else world.legs[leg].halt()
            case ("full", full):
                world.wire.full = full
            case ("forget",):
                for slot in world.slots:
                    slot.outlet.forget(world.now)
            case ("leap", number):
                senders[number].sequence += 300
    world.now += 0.05
    world.flush()


@settings(max_examples=120)
@given(st.sampled_from(["native", "method", "none"]), events)
def test_both_do_the_same(kind: str, course: list[tuple]) -> None:
    worlds = [
        World(which, kind, [one.source() for one in publishers()])
        for which in ("python", "compiled")
    ]
    for world in worlds:
        happen(world, course)
    plain, compiled = worlds
    assert plain.wire.sent == compiled.wire.sent
    assert plain.figures() == compiled.figures()
    resent = sum(slot.outlet.resent for slot in plain.slots)
    event(f"resent: {min(resent, 1)}")
    event(f"paced: {any(one is not None for one in plain.deadlines)}")
    if kind == "none":
        no_number_is_given_twice(plain.wire.sent)


def no_number_is_given_twice(sent: list[tuple[bytes, object]]) -> None:
    """Two packets of one SSRC and number are the same to the byte (RFC 7714 §8.1)."""
    seen: dict[tuple[object, int, int], bytes] = {}
    for packet, address in sent:
        header = rtp.parse(packet)
        assert header is not None
        key = (address, header.ssrc, header.sequence)
        assert seen.setdefault(key, packet) == packet
