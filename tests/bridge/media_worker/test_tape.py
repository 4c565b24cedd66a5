import io
import itertools

import av
import pytest

from bridge import rtp
from bridge.media_worker import tape as tapes
from bridge.media_worker.frames import Frame, Pictures
from bridge.media_worker.intake import Received
from bridge.media_worker.tape import Append, Begin, End, Tape
from signaling.wire.ids import SlotName
from tests.bridge.media_worker.encoder import coded, payloads
from tests.bridge.media_worker.packets import Stream
from tests.bridge.media_worker.reel import (
    FLOOR,
    NAMES,
    STAGE,
    START,
    files,
    loop,
    pictures,
    played,
    sounds,
)

LOOP = loop()


def new(segment_s=600.0):
    return Tape(NAMES, "Hội nghị", segment_s)


def times(data, kind):
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.get({kind: 0})[0]
        return [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]


def test_times_in_the_file_are_those_of_the_frames():
    outputs = played(new(), list(pictures(LOOP, START + 0.05, 80)), list(sounds(LOOP, START, 400)))
    [(begin, data, end)] = files(outputs)
    assert begin.started_at == START
    assert [float(at) for at in times(data, "video")] == pytest.approx(
        [0.05 + number / 10 for number in range(80)], abs=0.001
    )
    assert [float(at) for at in times(data, "audio")] == pytest.approx(
        [number / 50 for number in range(400)], abs=0.001
    )
    assert end.duration_ms == 7980


def test_a_silence_and_a_gap_are_as_long_in_the_file():
    early, late = list(pictures(LOOP, START, 20)), list(pictures(LOOP, START + 5, 20))
    sound = [*sounds(LOOP, START, 50), *sounds(LOOP, START + 6, 50)]
    [(_, data, _)] = files(played(new(), early, late, sound))
    assert [round(float(at), 3) for at in times(data, "video")][19:21] == [1.9, 5.0]
    assert [round(float(at), 3) for at in times(data, "audio")][49:51] == [0.98, 6.0]


def test_frames_lie_in_the_order_of_their_times_though_one_track_comes_late():
    tape, late_s = new(), 0.5
    frames = [(one.at + late_s, one) for one in pictures(LOOP, START, 30)]
    frames += [(one.at, one) for one in sounds(LOOP, START, 150)]
    outputs, due = [], START
    for arrived, one in sorted(frames, key=lambda pair: pair[0]):
        tape.put(arrived - START, one)
        if arrived > due + 0.2:
            due = arrived
            outputs += tape.due(arrived - START)
    [(_, data, _)] = files([*outputs, *tape.close()])
    with av.open(io.BytesIO(data)) as container:
        found = [
            float(packet.pts * packet.time_base) for packet in container.demux() if packet.size
        ]
    assert found == sorted(found)


def test_times_of_a_track_never_stand_still_or_go_back():
    sound = list(sounds(LOOP, START, 100))
    shaken = [one._replace(at=one.at - 0.05 * (number % 3)) for number, one in enumerate(sound)]
    [(_, data, _)] = files(played(new(), shaken))
    found = times(data, "audio")
    assert all(after > before for before, after in itertools.pairwise(found))


def test_what_is_written_is_never_older_than_agreed():
    tape, written_ms = new(), 0
    frames = [*pictures(LOOP, START, 60), *sounds(LOOP, START, 300)]
    for received in sorted(frames, key=lambda one: one.at):
        tape.put(received.at - START, received)
        for output in tape.due(received.at - START):
            if isinstance(output, Append):
                written_ms = output.duration_ms
        behind_s = received.at - START - written_ms / 1000
        assert behind_s <= tapes.HOLD_S + 0.1


def test_a_long_recording_is_several_files_each_from_a_keyframe():
    outputs = played(new(3.0), list(pictures(LOOP, START, 200)), list(sounds(LOOP, START, 1000)))
    made = files(outputs)
    # the loop has a keyframe every six seconds
    assert [round(begin.started_at - START, 1) for begin, _, _ in made] == [0.0, 6.0, 12.0, 18.0]
    frames = 0
    for _, data, _ in made:
        with av.open(io.BytesIO(data)) as container:
            decoded = list(container.decode(video=0))
        assert decoded[0].time == 0
        frames += len(decoded)
    assert frames == 200


def test_at_the_end_of_a_file_a_keyframe_is_wanted_and_waited_for_but_not_for_ever():
    tape, outputs = new(2.0), []
    frames = [one for one in pictures(LOOP, START, 60) if one.at < START + 5.9]
    frames += [
        one._replace(frame=Frame(0, False, LOOP.frames[1])) for one in pictures(LOOP, START + 6, 40)
    ]
    asked = []
    for received in frames:
        tape.wants_keyframe = False
        tape.put(received.at - START, received)
        outputs += tape.due(received.at - START)
        asked.append(tape.wants_keyframe)
    assert not any(asked[10:28])
    assert any(asked[28:32])
    made = files([*outputs, *tape.close()])
    assert made[1][0].started_at - START == pytest.approx(2.0 + tapes.PATIENCE_S + 0.1)


def test_sound_alone_makes_files_too_and_the_first_picture_begins_another():
    outputs = played(new(), list(sounds(LOOP, START, 200)), list(pictures(LOOP, START + 1.99, 20)))
    (first, sound, _), (second, both, _) = files(outputs)
    assert [track.name for track in first.tracks] == ["sound 1"]
    assert [track.name for track in second.tracks] == ["picture", "sound 1"]
    assert second.tracks[0].size == (320, 180)
    assert len(times(sound, "audio")) == 100
    assert len(times(both, "audio")) == 100


def test_a_mix_is_a_track_once_there_is_one():
    mix = SlotName("mix:1")
    tape = Tape({STAGE: "picture", mix: "mix", FLOOR: "sound 1"}, "T", 600.0)
    late = list(sounds(LOOP, START + 2, 100, slot=mix))
    outputs = played(tape, list(pictures(LOOP, START, 40)), list(sounds(LOOP, START, 200)), late)
    (first, _, _), (second, data, _) = files(outputs)
    assert [track.name for track in first.tracks] == ["picture", "sound 1"]
    assert [track.name for track in second.tracks] == ["picture", "mix", "sound 1"]
    assert len(times(data, "audio")) == 100


def test_another_codec_begins_another_file():
    other = [
        Received(
            STAGE, "H264", one.at, Frame(0, True, b"\0\0\0\1\x65", (640, 360), b"\1\x42\0\x1f")
        )
        for one in pictures(LOOP, START + 2, 5)
    ]
    (first, _, _), (second, _, _) = files(played(new(), list(pictures(LOOP, START, 20)), other))
    assert first.tracks[0].codec == "VP8"
    assert (second.tracks[0].codec, second.tracks[0].config) == ("H264", b"\1\x42\0\x1f")


def test_h264_is_stored_so_that_others_decode_it_over_a_change_of_size():
    stream, pictures, tape = Stream(98), Pictures("H264"), new()
    nals = [*coded(320, 180, 6), *coded(640, 360, 6)]
    for number, one in enumerate(nals):
        parts = payloads(one)
        for index, part in enumerate(parts, start=1):
            packet = stream.packet(number * 9000, part, marker=index == len(parts))
            frame = pictures.put(packet, rtp.parse(packet))
            if frame is not None:
                tape.put(number / 10, Received(STAGE, "H264", START + number / 10, frame))
    [(begin, data, _)] = files(tape.close())
    assert begin.tracks[0].size == (640, 360)
    with av.open(io.BytesIO(data)) as container:
        shown = [(frame.time, frame.width) for frame in container.decode(video=0)]
    assert shown == [(pytest.approx(n / 10), 320 if n < 6 else 640) for n in range(12)]


def test_a_larger_picture_goes_on_in_the_same_file():
    larger = [
        one._replace(frame=Frame(0, one.frame.keyframe, one.frame.data, (640, 360)))
        for one in pictures(LOOP, START + 2, 20)
    ]
    assert len(files(played(new(), list(pictures(LOOP, START, 20)), larger))) == 1


def test_a_clock_that_was_set_back_begins_another_file():
    early = [one._replace(at=one.at - 3600) for one in sounds(LOOP, START + 2, 50)]
    tape = new()
    outputs = played(tape, list(sounds(LOOP, START, 100)))
    for number, one in enumerate(early):
        tape.put(10 + number / 50, one)
    outputs += tape.close()
    assert len(files(outputs)) == 2


def test_what_cannot_be_written_is_dropped_to_the_next_keyframe_and_bounded():
    tape = new()
    huge = bytes(4 * 1024 * 1024)
    for number in range(40):
        tape.put(0.0, Received(STAGE, "VP8", START + number, Frame(0, number == 0, huge)))
    assert 30 <= tape.dropped <= 33
    tape.due(100.0)
    tape.put(101.0, Received(STAGE, "VP8", START + 50, Frame(0, False, b"\1")))
    assert tape.dropped >= 31
    before = tape.dropped
    tape.put(101.0, Received(STAGE, "VP8", START + 51, Frame(0, True, b"\0", (320, 180))))
    tape.put(101.0, Received(STAGE, "VP8", START + 52, Frame(0, False, b"\1")))
    assert tape.dropped == before


def test_after_it_was_abandoned_a_new_file_begins():
    tape = new()
    for received in pictures(LOOP, START, 20):
        tape.put(received.at - START, received)
    assert any(isinstance(one, Begin) for one in tape.due(2.0))
    tape.abandon()
    assert tape.wants_keyframe
    for received in sounds(LOOP, START + 3, 5):
        tape.put(received.at - START, received)
    outputs = tape.close()
    assert [type(one) for one in outputs] == [Begin, Append, End]


def test_slots_that_nobody_named_are_not_recorded():
    tape = new()
    tape.put(0.0, next(sounds(LOOP, START, 1, slot="floor:4")))
    assert tape.close() == []
    assert FLOOR in NAMES
