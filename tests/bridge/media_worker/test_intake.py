"""A slot's packets as the bridge sends them, over a line that loses some: repaired, or left out."""

import random

from bridge import rtp
from bridge.media_worker.intake import KEYFRAME_AGAIN_S, Intake
from bridge.media_worker.reorder import HOLD_S
from bridge.receiveoffer import Stream as Slot
from signaling.wire.ids import SlotName
from tests.bridge.media_worker.packets import SSRC, Stream, delta, key

WALL = 1_700_000_000.0
PICTURE = Slot(SlotName("stage:1"), "VP8", 96, SSRC, (97, 78))
SOUND = Slot(SlotName("floor:1"), "opus", 111, SSRC, None)


def repair_of(packet):
    """RFC 4588 §4: the original's number before its payload, in a stream of its own."""
    header = rtp.parse(packet)
    payload = header.sequence.to_bytes(2, "big") + packet[header.start : header.end]
    return rtp.build(97, header.sequence * 7, header.timestamp, 78, payload, marker=header.marker)


class Line:
    """Ten pictures a second through a line; what it loses is known here alone."""

    def __init__(self):
        self.intake, self.stream, self.now = Intake(PICTURE), Stream(), 10.0
        self.sent, self.frames, self.number = {}, [], 0

    def send(self, data, lose=()):
        for index, packet in enumerate(self.stream.frame(self.number * 9000, data)):
            self.sent[rtp.parse(packet).sequence] = packet
            if index not in lose:
                self.intake.receive(self.now, WALL + self.now, packet)
        self.number += 1
        self.pass_(0.1)

    def pass_(self, seconds):
        for _ in range(round(seconds / 0.01)):
            self.now += 0.01
            self.frames += self.intake.take(self.now)

    def answer(self, *numbers):
        for number in numbers:
            self.intake.repair(self.now, WALL + self.now, repair_of(self.sent[number]))
        self.pass_(0.01)


def test_frames_come_with_the_times_of_their_moments():
    line = Line()
    for _ in range(5):
        line.send(key())
    times = [one.at - line.frames[0].at for one in line.frames]
    assert [round(at, 3) for at in times] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert (line.frames[0].slot, line.frames[0].codec) == ("stage:1", "VP8")


def test_what_is_only_handed_out_at_the_end_has_the_time_at_which_it_came():
    intake = Intake(SOUND)
    intake.receive(10.0, WALL, rtp.build(111, 7, 960, SSRC, b"x"))
    [frame] = intake.take(10.0 + 15.0)
    assert frame.at == WALL


def test_a_lost_packet_is_asked_for_and_its_repair_is_as_good():
    line = Line()
    line.send(key(5000))
    line.send(delta(5000), lose={2})
    [missing] = line.intake.missing(line.now, 0.0)
    assert len(line.frames) == 1
    line.answer(missing)
    assert len(line.frames) == 2
    assert (line.intake.lost, line.intake.skipped) == (0, 0)
    assert line.intake.missing(line.now, 0.0) == []


def test_what_nobody_can_send_again_costs_frames_to_the_next_keyframe_which_is_asked_for():
    line = Line()
    line.send(key())
    line.send(delta(5000), lose={1})
    for _ in range(8):
        line.send(delta())
    line.pass_(HOLD_S)
    assert line.intake.wants_keyframe(line.now)
    assert not line.intake.wants_keyframe(line.now + 0.01)
    line.send(delta())
    assert line.intake.wants_keyframe(line.now + KEYFRAME_AGAIN_S)
    line.send(key())
    line.send(delta())
    assert [one.frame.keyframe for one in line.frames] == [True, True, False]
    assert line.intake.lost == 1
    assert not line.intake.wants_keyframe(line.now + 1)


def test_at_ten_percent_loss_with_repair_nothing_is_missing():
    line, chance = Line(), random.Random(1)
    for number in range(100):
        lose = {index for index in range(8) if chance.random() < 0.1}
        line.send(key(4000) if number == 0 else delta(4000), lose if number else ())
        asked = line.intake.missing(line.now, 0.0)
        line.answer(*(one for one in asked if chance.random() > 0.1))
    for _ in range(20):
        line.pass_(0.07)
        line.answer(*line.intake.missing(line.now, 0.0))
    # a loss at the very end shows only when more comes
    assert len(line.frames) >= 99
    assert line.intake.lost == 0


def test_a_slot_without_a_source_asks_for_nothing():
    line = Line()
    assert not line.intake.wants_keyframe(0.0)
    line.send(key())
    line.pass_(5.0)
    assert not line.intake.wants_keyframe(line.now)
    line.intake.ask_keyframe()
    assert line.intake.wants_keyframe(line.now)


def test_sound_is_neither_asked_for_again_nor_waited_for_for_ever():
    intake, stream = Intake(SOUND), Stream(111)
    packets = [stream.packet(number * 960, b"x") for number in range(5)]
    for packet in (packets[0], packets[1], packets[3], packets[4]):
        intake.receive(0.0, WALL, packet)
    assert intake.missing(1.0, 0.0) == []
    assert not intake.wants_keyframe(0.0)
    assert len(intake.take(0.0)) == 2
    assert len(intake.take(HOLD_S)) == 2
    assert intake.lost == 1


def test_whatever_comes_is_survived():
    intake, noise = Intake(PICTURE), random.Random(9)
    for number in range(5000):
        data = noise.randbytes(noise.randrange(60))
        packet = data if noise.random() < 0.3 else b"\x80" + data
        now = number / 1000
        (intake.repair if noise.random() < 0.3 else intake.receive)(now, WALL, packet)
        intake.take(now)
        intake.missing(now, 0.0)
