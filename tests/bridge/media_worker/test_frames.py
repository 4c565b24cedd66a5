import random
import tracemalloc

import av
import pytest

from bridge import rtp
from bridge.media_worker.frames import MAX_FRAME, Pictures, Sound
from tests.bridge.media_worker.encoder import coded, payloads
from tests.bridge.media_worker.packets import Stream, delta, key


def fed(assembler, *packets):
    frames = []
    for packet in packets:
        if packet is None:
            assembler.gap()
            continue
        frame = assembler.put(packet, rtp.parse(packet))
        if frame is not None:
            frames.append(frame)
    return frames


def test_a_picture_is_put_together_from_its_packets():
    stream, data = Stream(), key(3000, 640, 360)
    [frame] = fed(Pictures("VP8"), *stream.frame(9000, data))
    assert (frame.timestamp, frame.keyframe, frame.size) == (9000, True, (640, 360))
    assert frame.data == data


def test_pictures_begin_with_a_keyframe():
    stream, pictures = Stream(), Pictures("VP8")
    assert pictures.starved
    frames = fed(
        *(pictures, *stream.frame(0, delta()), *stream.frame(1, key()), *stream.frame(2, delta()))
    )
    assert [frame.keyframe for frame in frames] == [True, False]
    assert (pictures.starved, pictures.skipped) == (False, 1)


def test_after_a_gap_nothing_comes_until_the_next_keyframe():
    stream, pictures = Stream(), Pictures("VP8")
    fed(pictures, *stream.frame(0, key()))
    torn = stream.frame(1, delta(3000))
    frames = fed(pictures, torn[0], None, *torn[2:], *stream.frame(2, delta()))
    assert frames == []
    assert pictures.starved
    [frame] = fed(pictures, None, *stream.frame(3, key()))
    assert frame.keyframe


def test_a_picture_that_was_lost_whole_takes_those_after_it_along():
    stream, pictures = Stream(), Pictures("VP8")
    fed(pictures, *stream.frame(0, key()))
    stream.frame(1, delta())
    assert fed(pictures, None, *stream.frame(2, delta()), *stream.frame(3, delta())) == []
    assert (pictures.starved, pictures.skipped) == (True, 2)


def test_a_picture_that_its_sender_never_finished_is_left_out():
    stream, pictures = Stream(), Pictures("VP8")
    fed(pictures, *stream.frame(0, key()))
    assert fed(pictures, stream.frame(1, delta(3000))[0], *stream.frame(2, delta())) == []
    assert pictures.starved
    assert fed(pictures, *stream.frame(3, key()))


def test_sound_is_a_frame_for_each_packet_and_padding_none():
    stream, sound = Stream(111), Sound()
    packets = stream.packet(0, b"a"), rtp.build(111, 1, 960, 1, b"", padding=4), None
    frames = fed(sound, *packets, stream.packet(1920, b"b"))
    assert [(frame.timestamp, frame.data) for frame in frames] == [(0, b"a"), (1920, b"b")]


@pytest.mark.parametrize(("width", "height"), [(320, 180), (640, 360), (176, 144)])
def test_h264_comes_out_as_files_and_decoders_want_it(width, height):
    stream, pictures = Stream(98), Pictures("H264")
    packets = []
    for number, nals in enumerate(coded(width, height)):
        parts = payloads(nals)
        packets += [
            stream.packet(number * 9000, part, marker=index == len(parts))
            for index, part in enumerate(parts, start=1)
        ]
    frames = fed(pictures, *packets)
    assert [frame.keyframe for frame in frames] == [True, False, False, True, False, False]
    assert frames[0].size == (width, height)
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = frames[0].config
    decoded = [one for frame in frames for one in decoder.decode(av.Packet(frame.data))]
    decoded += decoder.decode(None)
    assert [(one.width, one.height) for one in decoded] == [(width, height)] * 6


def test_h264_that_lost_its_beginning_is_left_out():
    stream, pictures = Stream(98), Pictures("H264")
    parts = payloads(coded(320, 180, 1)[0])
    packets = [
        stream.packet(0, part, marker=index == len(parts))
        for index, part in enumerate(parts, start=1)
    ]
    assert fed(pictures, None, *packets[2:]) == []
    assert fed(pictures, *packets)


def test_no_payload_breaks_an_assembler():
    noise = random.Random(3)
    for codec in ("VP8", "H264"):
        pictures, stream = Pictures(codec), Stream()
        for _ in range(20_000):
            payload = noise.randbytes(noise.choice((1, 2, 3, 5, 40)))
            packet = stream.packet(noise.randrange(3), payload, marker=noise.random() < 0.3)
            pictures.put(packet, rtp.parse(packet))


def test_a_unit_that_never_ends_is_not_kept_for_ever():
    stream, pictures = Stream(98), Pictures("H264")
    tracemalloc.start()
    try:
        first = stream.packet(0, b"\x7c\x85\x80", marker=False)
        assert fed(pictures, first) == []
        middle = b"\x7c\x05" + bytes(60_000)
        for _ in range(2 * MAX_FRAME // len(middle)):
            assert fed(pictures, stream.packet(0, middle, marker=False)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * MAX_FRAME
    assert fed(pictures, stream.packet(0, middle)) == []
    assert pictures.starved


def test_a_parameter_set_that_no_file_can_hold_is_none():
    stream, pictures = Stream(98), Pictures("H264")
    sps, pps, idr = b"\x67\x42\x00\x1f", b"\x68\xce", b"\x65\x88" + bytes(20)
    start = stream.packet(0, b"\x7c\x87" + sps[1:] + bytes(40_000), marker=False)
    end = stream.packet(0, b"\x7c\x47" + bytes(40_000), marker=False)
    rest = [stream.packet(0, pps, marker=False), stream.packet(0, idr)]
    assert fed(pictures, start, end, *rest) == []
    assert pictures.starved
