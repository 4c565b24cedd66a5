"""The eye waits for keyframes and survives loss and junk; the ear tells tones from silence."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import rtp
from bridge.codecs import H264Payload, parse_h264
from bridge.endpoint import loops, senses
from tests.bridge.endpoint.test_loops import packets


@pytest.fixture(scope="module")
def loop() -> loops.Loop:
    return loops.encode(loops.LoopKey("07", "Hải Phòng", loops.tone_hz(7)))


def test_eye_sees_nothing_before_a_keyframe(loop: loops.Loop) -> None:
    eye = senses.Eye()
    assert [eye.look(packet) for packet in packets(list(loop.frames[5:15]))] == [None] * len(
        packets(list(loop.frames[5:15]))
    )


def test_eye_waits_for_next_keyframe_after_a_lost_packet(loop: loops.Loop) -> None:
    eye = senses.Eye()
    sent = packets([*loop.frames[:6], *loop.frames[:2]])
    boundary = [index for index, packet in enumerate(sent) if packet[1] & 0x80]
    del sent[boundary[2]]  # the end of frame 2
    seen = [sighting.counter for packet in sent if (sighting := eye.look(packet))]
    assert seen == [0, 1, 0, 1]


def test_eye_sees_a_picture_without_code_as_nobody() -> None:
    codec = av.VideoCodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = 320, 180, "yuv420p"
    codec.time_base = Fraction(1, 10)
    grey = av.VideoFrame.from_ndarray(np.full((270, 320), 128, dtype=np.uint8), format="yuv420p")
    frames = [bytes(packet) for packet in [*codec.encode(grey), *codec.encode(None)]]
    eye = senses.Eye()
    assert [eye.look(packet) for packet in packets(frames)] == [(None, None, 320)]


@given(st.binary(max_size=80))
def test_eye_and_ear_ignore_junk(junk: bytes) -> None:
    senses.Eye().look(junk)
    senses.Ear().listen(junk)


@given(st.binary(min_size=1, max_size=60))
def test_eye_survives_any_frame(data: bytes) -> None:
    eye = senses.Eye()
    for packet in packets([b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xb4\x00" + data, data]):
        eye.look(packet)


@pytest.mark.parametrize("index", [0, 1, 31, 62, 63, 99])
def test_ear_tells_the_tone_from_200_ms(index: int) -> None:
    wanted = loops.tone_hz(index)
    tones = loops.encode(loops.LoopKey("1", "x", wanted)).tones
    ear = senses.Ear()
    for number in range(11):
        ear.listen(audio(number, tones[(45 + number) % len(tones)]))
    heard = ear.heard()
    assert heard.tone_hz == pytest.approx(wanted, abs=5)
    assert not heard.silent
    assert ear.packets == 11


def test_ear_hears_silence_when_nothing_comes() -> None:
    assert senses.Ear().heard().silent


def test_ear_skips_what_is_no_opus(loop: loops.Loop) -> None:
    ear = senses.Ear()
    for number in range(12):
        ear.listen(audio(2 * number, b"\xff\xff\xff"))
        ear.listen(audio(2 * number + 1, loop.tones[number]))
    assert ear.heard().tone_hz == pytest.approx(loop.key.tone_hz, abs=5)


def test_sound_finds_no_tone_in_noise_or_in_two_tones() -> None:
    at = np.arange(9_600) / 48_000
    noise = np.random.default_rng(1).normal(0, 0.2, 9_600).astype(np.float32)
    assert senses.sound(noise).tone_hz is None
    both = 0.2 * (np.sin(2 * np.pi * 500 * at) + np.sin(2 * np.pi * 900 * at))
    assert senses.sound(both.astype(np.float32)).tone_hz is None
    assert not senses.sound(noise).silent


def test_sound_of_a_whisper_is_silence() -> None:
    at = np.arange(9_600) / 48_000
    assert senses.sound((0.002 * np.sin(2 * np.pi * 500 * at)).astype(np.float32)).silent


@pytest.mark.parametrize(
    "descriptor",
    [b"\x10", b"\x90\x80\x05", b"\x90\x80\x80\x05", b"\x90\xf0\x80\x05\x01\x20"],
    ids=["none", "7 bits", "15 bits", "temporal layers"],
)
def test_eye_reads_every_payload_descriptor(loop: loops.Loop, descriptor: bytes) -> None:
    header = struct.pack("!BBHII", 0x80, 0xE0, 7, 9, 1)
    assert senses.Eye().look(header + descriptor + loop.frames[0]) == ("07", 0, 320)


def test_eye_skips_header_extension_and_padding(loop: loops.Loop) -> None:
    header = struct.pack("!BBHII", 0xB0, 0xE0, 7, 9, 1) + b"\xbe\xde\x00\x01" + bytes(4)
    eye = senses.Eye()
    assert eye.look(header + b"\0\0\x03") is None
    header = header[:2] + b"\0\x08" + header[4:]
    assert eye.look(header + b"\x10" + loop.frames[0] + b"\0\0\x03") == ("07", 0, 320)


def audio(number: int, opus: bytes) -> bytes:
    return struct.pack("!BBHII", 0x80, 111, number, 960 * number, 1) + opus


def test_eye_reads_h264_from_its_keyframe_on() -> None:
    loop = loops.encode(loops.LoopKey("07", "Hải Phòng", 500, "H264"))
    eye, seen = senses.Eye("H264"), []
    frames = [loop.frames[1], *loop.frames[:4]]
    sequence = 0
    for number, frame in enumerate(frames):
        parts = loops.payloads(frame, 0, "H264")
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            sighting = eye.look(rtp.build(108, sequence, number * 9000, 1, part, marker=last))
            sequence += 1
            if sighting is not None:
                seen.append((sighting.label, sighting.counter))
    assert seen == [("07", 0), ("07", 1), ("07", 2), ("07", 3)]


def test_h264_keyframes_begin_with_their_parameter_sets_and_fit_into_packets() -> None:
    loop = loops.encode(loops.LoopKey("07", "Hải Phòng", 500, "H264"))
    kinds = [
        [cut is not None and cut.has_parameters for cut in _cuts(frame)] for frame in loop.frames
    ]
    assert kinds[0][0]
    assert not any(any(parts) for parts in kinds[1:])
    parts = loops.payloads(loop.frames[0], 0, "H264")
    assert max(map(len, parts)) <= loops.MAX_PAYLOAD + 2
    assert any(part[0] & 0x1F == 28 for part in parts)


def _cuts(frame: bytes) -> list[H264Payload | None]:
    return [parse_h264(part, 0, len(part)) for part in loops.payloads(frame, 0, "H264")]
