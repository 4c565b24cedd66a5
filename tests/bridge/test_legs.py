"""One receiver's leg, in both implementations: transport-wide numbers, answers, order, pace."""

import socket

import pytest

from bridge import rtp
from bridge.codecs import OPUS, VP8
from bridge.hotpath import PACED_LIMIT, Protection
from bridge.hotpath_choice import choose
from bridge.metrics import Counters
from bridge.pacer import MAX_WAIT_S
from bridge.slot import Slot
from tests.fakes.streams import Camera, Microphone

EXTENSION = 3
PICTURES, SOUND, RTX = 0xA0, 0xB0, 0xC0


class Wire:
    """Keeps what it is sent."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.full = False
        self.sock = sock
        self.sent: list[bytes] = []

    def fileno(self) -> int:
        return -1 if self.sock is None else self.sock.fileno()

    def send(self, datagram: bytes, address, /) -> None:
        self.sent.append(datagram)
        if self.sock is not None:
            self.sock.sendto(datagram, address)


class Receiver:
    """A slot for pictures and one for sound on one leg."""

    def __init__(self, make, *, rtx=True, extension=EXTENSION, wire=None, address=("::1", 9)):
        self.now = 100.0
        self.counters = Counters()
        self.pending = 0
        self.path = make(self.counters, lambda: self.now, self._pending)
        self.wire = wire or Wire()
        self.leg = self.path.leg(self.now)
        self.leg.secure(Protection(lambda packet: packet + bytes(16)))
        self.leg.aim(self.wire, address)
        self.camera, self.microphone = Camera(1), Microphone(2)
        self.sources = (self.camera.source(), self.microphone.source())
        outlets = (
            self.leg.outlet(
                PICTURES,
                100,
                urgent=False,
                nack=True,
                rtx=(97, RTX) if rtx else None,
                extension=extension,
            ),
            self.leg.outlet(SOUND, 111, urgent=True, nack=False, extension=extension),
        )
        self.slots = [
            Slot(codec, outlet, first_sequence=10, first_timestamp=0)
            for codec, outlet in zip((VP8, OPUS), outlets, strict=True)
        ]

    def _pending(self) -> None:
        self.pending += 1

    def take(self, packets: list[bytes], of: int = 0) -> None:
        for packet in packets:
            self.sources[of].receive(self.now, packet)
            if self.slots[of].source is None:
                self.slots[of].begin(self.now, self.sources[of])
            self.path.forward(self.now, self.sources[of].packet, (self.slots[of],))

    def picture(self, parts=2, octets=0, keyframe=False) -> None:
        made = self.camera.frame(parts=parts, keyframe=keyframe)
        self.take([packet + bytes(octets) for packet in made])

    def flush(self) -> float | None:
        return self.path.flush(self.now)

    def streams(self) -> list[int]:
        return [rtp.parse(packet).ssrc for packet in self.wire.sent]

    def numbers(self) -> list[int | None]:
        return [rtp.transport_sequence(packet, EXTENSION) for packet in self.wire.sent]


@pytest.fixture(params=["python", "compiled"])
def make(request: pytest.FixtureRequest):
    return choose(request.param)


def test_one_number_runs_over_all_streams_of_a_leg_retransmissions_included(make):
    receiver = Receiver(make)
    receiver.picture()
    receiver.flush()
    receiver.take([receiver.microphone.frame()], of=1)
    assert receiver.slots[0].outlet.resend(receiver.now, [10, 11]) == 2
    receiver.flush()
    assert receiver.streams() == [PICTURES, PICTURES, SOUND, RTX, RTX]
    assert receiver.numbers() == [0, 1, 2, 3, 4]


def test_when_and_how_large_a_number_left_can_be_looked_up_over_its_wrap(make):
    receiver = Receiver(make)
    for _ in range(65_540 // 2):
        receiver.picture()
        receiver.flush()
        receiver.now += 0.01
    found = receiver.leg.sent(65_534, 6)
    assert [number for number, _, _ in found] == [65_534, 65_535, 0, 1, 2, 3]
    assert [at for _, at, _ in found] == sorted(at for _, at, _ in found)
    assert found[-1][1:] == (pytest.approx(receiver.now - 0.01), len(receiver.wire.sent[-1]))
    assert receiver.leg.sent(4, 10) == []


def test_retransmission_carries_the_original_number_before_its_payload(make):
    receiver = Receiver(make)
    receiver.picture()
    receiver.flush()
    first = receiver.wire.sent[0]
    receiver.slots[0].outlet.resend(receiver.now, [10, 500])
    receiver.flush()
    again = receiver.wire.sent[2]
    header, original = rtp.parse(again), rtp.parse(first)
    assert (header.payload_type, header.ssrc, header.marker) == (97, RTX, original.marker)
    assert header.timestamp == original.timestamp
    assert again[header.start :] == (10).to_bytes(2, "big") + first[original.start :]
    assert receiver.slots[0].outlet.resent == 1
    assert receiver.slots[0].outlet.packets == 2


def test_without_rtx_the_same_packet_goes_again_to_the_byte(make):
    receiver = Receiver(make, rtx=False)
    receiver.picture()
    receiver.flush()
    receiver.picture()
    receiver.flush()
    receiver.slots[0].outlet.resend(receiver.now, [11])
    receiver.flush()
    assert receiver.wire.sent[4] == receiver.wire.sent[1]
    # it was no new one
    receiver.picture()
    receiver.flush()
    assert receiver.numbers() == [0, 1, 2, 3, 1, 4, 5]


def test_without_rtx_nothing_goes_twice_that_has_not_left_once(make):
    receiver = Receiver(make, rtx=False)
    receiver.picture(parts=40, octets=1100)
    receiver.flush()
    left = len(receiver.wire.sent)
    assert left < 40
    waiting = 10 + 39
    assert receiver.slots[0].outlet.resend(receiver.now, [10 + left - 1, waiting]) == 1


def test_what_was_sent_before_a_switch_can_be_asked_for(make):
    receiver = Receiver(make)
    receiver.picture()
    receiver.flush()
    first = receiver.wire.sent[1]
    other = Camera(9)
    receiver.slots[0].end()
    receiver.camera, receiver.sources = other, (other.source(), receiver.sources[1])
    receiver.picture()
    receiver.flush()
    receiver.slots[0].outlet.resend(receiver.now, [11])
    receiver.flush()
    assert receiver.wire.sent[-1][20 + 2 : -16] == first[20:-16]


def test_sound_and_retransmissions_leave_before_pictures_and_streams_keep_their_order(make):
    receiver = Receiver(make)
    receiver.picture()
    receiver.flush()
    receiver.wire.sent.clear()
    receiver.picture(parts=4)
    receiver.take([receiver.microphone.frame(), receiver.microphone.frame()], of=1)
    receiver.slots[0].outlet.resend(receiver.now, [10])
    receiver.flush()
    assert receiver.streams() == [SOUND, SOUND, RTX, *[PICTURES] * 4]
    pictures = [rtp.parse(packet).sequence for packet in receiver.wire.sent[3:]]
    assert pictures == [12, 13, 14, 15]


def test_a_keyframe_is_spread_and_sound_overtakes_it(make):
    receiver = Receiver(make)
    receiver.picture(parts=40, octets=1100, keyframe=True)
    due = receiver.flush()
    assert 5 <= len(receiver.wire.sent) <= 15
    begin = receiver.now
    receiver.take([receiver.microphone.frame()], of=1)
    receiver.flush()
    assert receiver.streams()[-1] == SOUND
    while due is not None:
        receiver.now = due
        due = receiver.flush()
    assert receiver.now - begin <= MAX_WAIT_S
    assert len(receiver.wire.sent) == 41
    assert receiver.slots[0].outlet.packets == 40


def test_a_keyframe_to_many_is_spread_over_them_and_all_get_all(make):
    receivers = [Receiver(make) for _ in range(63)]
    one = receivers[0]
    for other in receivers[1:]:
        other.path = one.path
        other.leg = one.path.leg(one.now)
        other.leg.secure(Protection(lambda packet: packet))
        other.leg.aim(other.wire, ("::1", 9))
        outlet = other.leg.outlet(PICTURES, 100, urgent=False, nack=True)
        other.slots[0] = Slot(VP8, outlet, first_sequence=1, first_timestamp=0)
    for packet in one.camera.frame(parts=38, keyframe=True):
        one.sources[0].receive(one.now, packet + bytes(1150))
        for receiver in receivers:
            if receiver.slots[0].source is None:
                receiver.slots[0].begin(one.now, one.sources[0])
        slots = tuple(receiver.slots[0] for receiver in receivers)
        one.path.forward(one.now, one.sources[0].packet, slots)
    begin, due, most = one.now, one.flush(), 0
    before = sum(len(receiver.wire.sent) for receiver in receivers)
    most = before
    while due is not None:
        one.now = due
        due = one.flush()
        after = sum(len(receiver.wire.sent) for receiver in receivers)
        most, before = max(most, after - before), after
    assert most < 63 * 38 / 3
    assert one.now - begin <= 0.03
    assert {len(receiver.wire.sent) for receiver in receivers} == {38}


def test_what_finds_no_room_is_dropped_and_counted(make):
    receiver = Receiver(make)
    receiver.wire.full = True
    receiver.picture()
    receiver.flush()
    assert not receiver.wire.sent
    for _ in range(PACED_LIMIT // 128):
        receiver.picture(parts=128)
    assert receiver.leg.dropped == 2
    assert receiver.flush() is not None
    receiver.wire.full = False
    for _ in range(100):
        receiver.now += 0.01
        receiver.flush()
    assert len(receiver.wire.sent) == PACED_LIMIT


def test_nothing_leaves_before_the_keys_nor_after_the_end(make):
    receiver = Receiver(make)
    fresh = receiver.path.leg(0.0)
    slot = Slot(
        VP8, fresh.outlet(1, 100, urgent=False, nack=False), first_sequence=0, first_timestamp=0
    )
    fresh.aim(receiver.wire, ("::1", 9))
    receiver.slots[0] = slot
    receiver.picture()
    receiver.flush()
    assert (receiver.wire.sent, slot.outlet.failures) == ([], 2)
    fresh.secure(Protection(lambda packet: packet))
    receiver.picture()
    fresh.close()
    receiver.flush()
    receiver.picture()
    receiver.flush()
    assert receiver.wire.sent == []


def test_without_a_way_packets_are_dropped_until_there_is_one(make):
    receiver = Receiver(make)
    receiver.picture()
    receiver.leg.halt()
    receiver.picture()
    receiver.flush()
    assert (receiver.wire.sent, receiver.leg.dropped) == ([], 2)
    receiver.leg.aim(receiver.wire, ("::1", 9))
    receiver.picture()
    receiver.flush()
    assert len(receiver.wire.sent) == 2


def test_its_owner_is_told_once_until_it_has_flushed(make):
    receiver = Receiver(make)
    receiver.picture()
    assert receiver.pending == 1
    receiver.flush()
    receiver.picture()
    assert receiver.pending == 2


def test_time_in_the_node_is_counted_apart_for_bursts(make):
    receiver = Receiver(make)
    receiver.counters.latency.arrival = receiver.now - 0.003
    receiver.picture(keyframe=True)
    receiver.flush()
    receiver.picture(parts=3)
    receiver.flush()
    latency = receiver.counters.latency
    assert (sum(latency.counts), sum(latency.burst)) == (3, 2)
    assert latency.sum_s == pytest.approx(0.009)
    # what was asked for again was not held up here
    receiver.slots[0].outlet.resend(receiver.now, [10])
    receiver.flush()
    assert sum(latency.counts) + sum(latency.burst) == 5


# --- over real sockets ----------------------------------------------------------------------------


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request):
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as out,
        socket.socket(family, socket.SOCK_DGRAM) as back,
    ):
        for one in (out, back):
            one.bind((request.param, 0))
            one.setblocking(False)
        back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        yield out, back


def drained(sock: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(sock.recv(2048))
        except BlockingIOError:
            return found


def test_datagrams_of_one_size_and_of_others_arrive_whole_and_in_order(make, pair):
    out, back = pair
    receiver = Receiver(make, wire=Wire(out), address=back.getsockname())
    plain = Receiver(choose("python"), address=("::1", 9))
    for octets in (0, 300, 300, 20, 300, 1000):
        for one in (receiver, plain):
            one.picture(parts=3, octets=octets)
            one.flush()
        for one in (receiver, plain):
            one.now += 0.01
    assert drained(back) == plain.wire.sent
    assert len(plain.wire.sent) == 18


def test_more_than_a_batch_to_several_receivers_arrives(make, pair):
    out, back = pair
    receiver = Receiver(make, wire=Wire(out), address=back.getsockname())
    for _ in range(5):
        for n in range(60):
            receiver.take([receiver.microphone.frame() + bytes(n // 20)], of=1)
        receiver.flush()
    numbers = [rtp.parse(packet).sequence for packet in drained(back)]
    assert numbers == list(range(10, 310))
    if make is choose("compiled"):
        assert receiver.counters.packets_out == 300


def test_a_receiver_that_cannot_be_reached_costs_the_others_nothing():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back,
    ):
        for one in (out, back):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        wire = Wire(out)
        lost = Receiver(choose("compiled"), wire=wire, address=("127.0.0.1", 0))
        leg = lost.path.leg(lost.now)
        leg.secure(Protection(lambda packet: packet))
        leg.aim(wire, back.getsockname())
        there = Slot(
            OPUS, leg.outlet(1, 111, urgent=True, nack=False), first_sequence=0, first_timestamp=0
        )
        lost.sources[1].receive(lost.now, lost.microphone.frame())
        for slot in (lost.slots[1], there):
            slot.begin(lost.now, lost.sources[1])
        lost.path.forward(lost.now, lost.sources[1].packet, (lost.slots[1], there))
        lost.flush()
        assert len(drained(back)) == 1
        assert lost.counters.dropped["unreachable"] == 1
        assert lost.counters.packets_out == 1
