import time

from bridge import rtp
from bridge.codecs import parse_vp8
from tests.bench.packets import AUDIO_BYTES, VIDEO_BYTES, AudioTrack, Count, VideoTrack, made_at_ns


def payload(packet):
    header = rtp.parse(packet)
    return parse_vp8(packet, header.start, header.end)


def test_a_video_packet_has_its_size_and_says_when_it_was_made():
    before = time.time_ns()
    packet = VideoTrack(96).packet(0.0)
    assert len(packet) == VIDEO_BYTES
    assert before <= made_at_ns(packet) <= time.time_ns()


def test_pictures_begin_with_a_keyframe_only_when_one_is_wanted():
    video = VideoTrack(96)
    starts = [payload(video.packet(at / 100)).starts_keyframe for at in range(12)]
    assert starts[0] is True
    assert not any(starts[1:])
    video.wants_keyframe = True
    assert any(payload(video.packet(1 + at / 100)).starts_keyframe for at in range(12))


def test_a_picture_is_all_packets_of_its_time_and_ends_with_the_marker():
    video = VideoTrack(96)
    packets = [rtp.parse(video.packet(at / 100)) for at in range(10)]
    assert [one.marker for one in packets] == [False] * 4 + [True] + [False] * 4 + [True]
    assert len({one.timestamp for one in packets}) == 2


def test_sequence_numbers_follow_each_other_in_both_tracks():
    for track in (VideoTrack(96), AudioTrack(111)):
        numbers = [rtp.parse(track.packet(at / 50)).sequence for at in range(4)]
        assert [(one - numbers[0]) & 0xFFFF for one in numbers] == [0, 1, 2, 3]
        assert track.packets == 4
    assert len(AudioTrack(111).packet(0.0)) == AUDIO_BYTES


def count(*sequences):
    counted = Count()
    for one in sequences:
        counted.take(one)
    return counted.packets, counted.holes


def test_holes_are_what_is_missing_between_the_numbers():
    assert count(5, 6, 7) == (3, 0)
    assert count(5, 8) == (2, 2)
    assert count(65_534, 65_535, 0, 1) == (4, 0)
    assert count(65_534, 1) == (2, 2)


def test_a_late_packet_fills_its_hole():
    assert count(5, 7, 6, 8) == (4, 0)
