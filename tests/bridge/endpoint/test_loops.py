"""Loops play, start with their only keyframe, fit into packets, and come back from disk."""

import itertools
import struct
from pathlib import Path

import av
import pytest

from bridge.endpoint import cellcode, loops, senses

KEY = loops.LoopKey("48", "Thừa Thiên Huế", loops.tone_hz(48))


@pytest.fixture(scope="module")
def loop() -> loops.Loop:
    return loops.encode(KEY)


def test_encode_makes_one_keyframe_at_the_start(loop: loops.Loop) -> None:
    assert [index for index, frame in enumerate(loop.frames) if not frame[0] & 1] == [0]


def test_encode_shows_label_and_counter_in_every_frame(loop: loops.Loop) -> None:
    decoder = av.VideoCodecContext.create("vp8", "r")
    seen = []
    for frame in loop.frames:
        for picture in decoder.decode(av.Packet(frame)):
            assert (picture.width, picture.height) == (320, 180)
            seen.append(cellcode.read(picture.reformat(160, 90, "gray").to_ndarray()))
    assert seen == [("48", counter) for counter in range(len(loop.frames))]


def test_encode_stays_near_its_bitrate(loop: loops.Loop) -> None:
    bits_per_s = 8 * sum(map(len, loop.frames)) * loops.FRAMES_PER_S / len(loop.frames)
    assert 90_000 < bits_per_s < 160_000
    assert 5 <= len(loop.frames) / loops.FRAMES_PER_S <= 10


def test_the_high_layer_is_larger_and_costs_ten_times_as_much() -> None:
    loop = loops.encode(KEY, high=True)
    assert [index for index, frame in enumerate(loop.high) if not frame[0] & 1] == [0]
    decoder = av.VideoCodecContext.create("vp8", "r")
    shown = [one for frame in loop.high for one in decoder.decode(av.Packet(frame))]
    assert {(one.width, one.height) for one in shown} == {(640, 360)}
    read = [cellcode.read(one.reformat(320, 180, "gray").to_ndarray()) for one in shown]
    assert read == [("48", counter) for counter in range(len(loop.high))]
    bits_per_s = 8 * sum(map(len, loop.high)) * loops.FRAMES_PER_S / len(loop.high)
    assert 1_000_000 < bits_per_s < 1_500_000


@pytest.mark.parametrize("size", [1, 5, 1150, 1151, 4000, 20_000])
def test_fragments_fit_and_join_to_the_frame(size: int) -> None:
    frame = bytes(index % 251 for index in range(size))
    parts = loops.fragments(frame, 0x8005)
    assert all(len(part) + 12 + 16 <= 1_200 for part in parts)
    assert b"".join(part[4:] for part in parts) == frame
    assert [bool(part[0] & 0x10) for part in parts] == [True] + [False] * (len(parts) - 1)
    assert {part[2:4] for part in parts} == {b"\x80\x05"}, "picture id is 15 bits with M set"


def test_jump_to_the_start_can_be_decoded_at_once(loop: loops.Loop) -> None:
    eye, seen = senses.Eye(), []
    played = [*loop.frames[17:20], *loop.frames[:3]]
    for packet in packets(played):
        sighting = eye.look(packet)
        if sighting:
            seen.append(sighting)
    assert seen == [("48", 0, 320), ("48", 1, 320), ("48", 2, 320)]


def test_load_reads_back_what_it_encoded(tmp_path: Path) -> None:
    done: list[int] = []
    first = loops.load([KEY], tmp_path, done.append)
    [file] = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    assert loops.load([KEY], tmp_path) == first
    assert file.stat().st_mtime_ns == before, "the second time nothing is encoded"
    assert done == [1]


@pytest.mark.parametrize("damage", [b"", b"torn", bytes(40)])
def test_load_encodes_anew_when_the_cache_is_torn(tmp_path: Path, damage: bytes) -> None:
    first = loops.load([KEY], tmp_path)
    [file] = tmp_path.iterdir()
    file.write_bytes(damage)
    assert [loop.frames[:1] for loop in loops.load([KEY], tmp_path)] == [first[0].frames[:1]]
    assert loops._unpack(KEY, file.read_bytes()).frames


def test_tone_hz_differs_for_every_site() -> None:
    tones = [loops.tone_hz(index) for index in range(300)]
    assert min(b - a for a, b in itertools.pairwise(tones)) >= 20
    with pytest.raises(ValueError, match="index 300"):
        loops.tone_hz(300)


def packets(frames: list[bytes]) -> list[bytes]:
    """RTP packets of these frames, 90 kHz clock at 10 frames/s, sequence from 65530 on."""
    out: list[bytes] = []
    for index, frame in enumerate(frames):
        parts = loops.fragments(frame, index)
        for number, part in enumerate(parts):
            marker = 0x80 if number == len(parts) - 1 else 0
            sequence = (65530 + len(out)) & 0xFFFF
            out.append(struct.pack("!BBHII", 0x80, 96 | marker, sequence, index * 9000, 1) + part)
    return out
