"""A published stream made uniform: holes closed, duplicates dropped, restarts noticed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import rtp
from bridge.codecs import H264, OPUS
from bridge.source import MAX_GAP, MAX_PAUSE_S, Source, Verdict
from tests.fakes.streams import Camera, Encoder, Microphone


def _sequences(source: Source, packets: list[bytes]) -> list[int | None]:
    """The number that each packet gets, None if it is dropped."""
    return [
        source.packet.sequence if source.receive(0.0, packet) is Verdict.TAKEN else None
        for packet in packets
    ]


def test_receive_strips_extensions_and_padding() -> None:
    source = Source(OPUS, 1, 111)
    packet = rtp.build(111, 5, 6, 1, b"sound", marker=True, extensions=[(1, b"x")], padding=3)
    assert source.receive(1.0, packet) is Verdict.TAKEN
    assert source.packet.tail == b"sound"
    assert (source.packet.marker, source.packet.timestamp) == (0x80, 6)
    assert source.media_at == 1.0


def test_receive_closes_the_hole_of_padding_only_packets() -> None:
    camera = Camera(1)
    source = camera.source()
    packets = [*camera.frame(keyframe=True), camera.padding(), camera.padding(), *camera.frame()]
    first, second, *rest = _sequences(source, packets)
    assert (first, second) == (1001, 1002)
    assert rest == [None, None, 1003, 1004]
    assert source.dropped == {"padding": 2}


def test_receive_gives_a_late_packet_its_place_before_and_after_padding() -> None:
    microphone = Microphone(1)
    source = microphone.source()
    a, b, pad, c, d, e = [
        microphone.frame(),
        microphone.frame(),
        microphone.padding(),
        microphone.frame(),
        microphone.frame(),
        microphone.frame(),
    ]
    assert _sequences(source, [a, pad, c, e, b, d]) == [2001, None, 2003, 2005, 2002, 2004]
    assert source.packet.late


def test_receive_never_gives_a_number_twice_when_padding_overtakes() -> None:
    microphone = Microphone(1)
    source = microphone.source()
    a, b, pad, c = [
        microphone.frame(),
        microphone.frame(),
        microphone.padding(),
        microphone.frame(),
    ]
    assert _sequences(source, [a, pad, b, c]) == [2001, None, 2002, 2003]


def test_receive_leaves_a_hole_where_late_padding_was() -> None:
    microphone = Microphone(1)
    source = microphone.source()
    a, pad, b, c = [
        microphone.frame(),
        microphone.padding(),
        microphone.frame(),
        microphone.frame(),
    ]
    assert _sequences(source, [a, b, pad, c]) == [2001, 2003, None, 2004]


def test_receive_drops_duplicates_junk_and_foreign_payload_types() -> None:
    microphone = Microphone(1)
    source = microphone.source()
    packet = microphone.frame()
    foreign = rtp.build(13, 9, 9, microphone.ssrc, b"noise")
    assert _sequences(source, [packet, packet, b"junk", foreign]) == [2001, None, None, None]
    assert source.dropped == {"duplicate": 1, "malformed": 1, "payload_type": 1}


def test_receive_drops_a_late_packet_from_before_the_first() -> None:
    camera = Camera(1)
    source = camera.source()
    early, late = camera.frame(), camera.frame(keyframe=True)
    assert _sequences(source, [late[0], early[1], late[1]])[1] is None
    assert source.dropped == {"late": 1}


@pytest.mark.parametrize("bits", [7, 15])
def test_picture_ids_are_extended_over_their_wrap(bits: int) -> None:
    camera = Camera(
        1, picture=(1 << bits) - 3, picture_ids="short" if bits == 7 else "long", tl0=False
    )
    source = camera.source()
    pictures = []
    for n in range(6):
        for packet in camera.frame(keyframe=n == 0):
            assert source.receive(n * 0.1, packet) is Verdict.TAKEN
            pictures.append(source.packet.picture)
    start = (1 << bits) - 2
    assert pictures == [start + n // 2 for n in range(12)]
    assert source.packet.descriptor & 0x8080 == 0x8080
    assert source.packet.tl0_picture == -1


def test_frames_of_a_publisher_without_picture_ids_are_counted() -> None:
    camera = Camera(1, picture_ids="none", tl0=False)
    source = camera.source()
    frames = [camera.frame(keyframe=True), camera.frame(), camera.frame(), camera.frame()]
    one, two, three, four = frames
    arrivals = [*one, two[0], *three, two[1], *four]
    pictures = []
    for n, packet in enumerate(arrivals):
        assert source.receive(n * 0.05, packet) is Verdict.TAKEN
        pictures.append(source.packet.picture)
    assert pictures == [0, 0, 1, 2, 2, 1, 3, 3]
    assert source.packet.descriptor & 0x8080 == 0x8080


def test_keyframes_are_noticed_and_counted_once() -> None:
    camera = Camera(1)
    source = camera.source()
    starts = []
    for packet in [*camera.frame(keyframe=True), *camera.frame(), *camera.frame(keyframe=True)]:
        source.receive(0.0, packet)
        starts.append(source.packet.starts_keyframe)
    assert starts == [True, False, False, False, True, False]
    assert source.keyframes == 2


def _running() -> tuple[Camera, Source]:
    camera = Camera(1, sequence=60_000, picture=32_000)
    source = camera.source()
    for packet in camera.frame(keyframe=True):
        source.receive(0.0, packet)
    return camera, source


def _gap(camera: Camera) -> None:
    camera.sequence += MAX_GAP + 1


def _new_pictures(camera: Camera) -> None:
    camera.picture -= 50


def _same_picture(camera: Camera) -> None:
    camera.picture -= 1


def _clock_back(camera: Camera) -> None:
    camera.timestamp -= 20_000


def _clock_ahead(camera: Camera) -> None:
    camera.timestamp += 90_000 * 10


def _other_descriptor(camera: Camera) -> None:
    camera.picture_ids = "short"


@pytest.mark.parametrize(
    "change", [_gap, _new_pictures, _same_picture, _clock_back, _clock_ahead, _other_descriptor]
)
def test_a_stream_that_jumps_is_restarted_and_goes_on(change) -> None:
    camera, source = _running()
    change(camera)
    packets = camera.frame()
    last = source.last_sequence
    assert source.receive(0.1, packets[0]) is Verdict.RESTARTED
    assert source.last_sequence == last  # runs end where they stood
    source.restart()
    assert source.packet.sequence == source.last_sequence > last
    assert source.receive(0.1, packets[1]) is Verdict.TAKEN


def test_a_stream_that_pauses_for_long_is_restarted() -> None:
    camera, source = _running()
    assert source.receive(MAX_PAUSE_S + 1, camera.frame()[0]) is Verdict.RESTARTED


def test_a_short_pause_with_a_running_clock_is_no_restart() -> None:
    camera, source = _running()
    camera.timestamp += 30 * 90_000
    assert source.receive(30.0, camera.frame()[0]) is Verdict.TAKEN


def test_a_sequence_that_starts_anew_is_restarted_with_its_second_packet() -> None:
    camera, source = _running()
    camera.sequence = 10
    first, second, third = camera.frame(parts=3)
    assert source.receive(0.1, first) is Verdict.DROPPED
    assert source.receive(0.1, second) is Verdict.RESTARTED
    source.restart()
    assert source.receive(0.1, third) is Verdict.TAKEN
    assert source.dropped == {"sequence": 1}


def test_late_packets_of_before_a_restart_are_dropped() -> None:
    camera, source = _running()
    lost = camera.frame()
    camera.picture -= 50
    assert source.receive(0.1, camera.frame()[0]) is Verdict.RESTARTED
    source.restart()
    assert [source.receive(0.2, packet) for packet in lost] == [Verdict.DROPPED] * 2


def test_a_late_packet_with_a_picture_of_the_future_is_dropped() -> None:
    camera, source = _running()
    camera.picture += 2000
    (liar,) = camera.frame(parts=1)
    camera.picture -= 2000
    assert source.receive(0.1, camera.frame()[0]) is Verdict.TAKEN
    assert source.receive(0.1, liar) is Verdict.DROPPED
    assert source.dropped == {"late": 1}


@given(st.lists(st.binary(max_size=40), max_size=20), st.booleans())
def test_junk_never_raises_and_is_counted(datagrams: list[bytes], video: bool) -> None:
    source = Camera(1).source() if video else Microphone(1).source()
    taken = 0
    for n, data in enumerate(datagrams):
        head = bytes((0x80, source.payload_type))
        verdict = source.receive(n * 0.01, head + data)
        if verdict is Verdict.RESTARTED:
            source.restart()
        taken += verdict is not Verdict.DROPPED
    assert taken + sum(source.dropped.values()) == len(datagrams)


@settings(deadline=None)
@given(st.data())
def test_no_number_is_given_twice_however_packets_are_mixed(data: st.DataObject) -> None:
    """Sound and padding in any order: numbers differ, and keep the order of what was sent."""
    microphone = Microphone(1, sequence=data.draw(st.sampled_from([0, 100, 65_500, 65_535])))
    kinds = data.draw(st.lists(st.booleans(), min_size=1, max_size=40))
    sent = [
        (n, microphone.frame() if sound else microphone.padding()) for n, sound in enumerate(kinds)
    ]
    offsets = data.draw(st.lists(st.integers(0, 6), min_size=len(sent), max_size=len(sent)))
    shuffled = sorted(sent, key=lambda pair: pair[0] + offsets[pair[0]])
    source = microphone.source()
    numbers: dict[int, int] = {}
    for n, packet in shuffled:
        if source.receive(0.0, packet) is Verdict.TAKEN:
            numbers[n] = source.packet.sequence
    ordered = [numbers[n] for n in sorted(numbers)]
    assert ordered == sorted(set(ordered))


def _starts(source: Source, packets: list[bytes]) -> list[bool]:
    starts = []
    for packet in packets:
        if source.receive(0.0, packet) is Verdict.RESTARTED:
            source.restart()
        starts.append(source.packet.starts_keyframe)
    return starts


def test_a_keyframe_of_h264_starts_with_its_parameter_sets() -> None:
    encoder = Encoder(1)
    source = encoder.source()
    packets = [*encoder.frame(keyframe=True), *encoder.frame(), *encoder.frame(keyframe=True)]
    assert _starts(source, packets) == [True, False, False, False, False, True, *[False] * 3]
    assert source.keyframes == 2
    assert source.packet.picture == -1


def test_a_keyframe_of_h264_whose_parameter_sets_were_lost_is_no_start() -> None:
    encoder = Encoder(1)
    source = encoder.source()
    assert any(_starts(source, encoder.frame(keyframe=True)))
    _, *rest = encoder.frame(keyframe=True)
    assert not any(_starts(source, rest))
    assert any(_starts(source, encoder.frame(keyframe=True)))


def test_a_keyframe_of_h264_starts_with_parameter_sets_that_were_overtaken() -> None:
    encoder = Encoder(1)
    source = encoder.source()
    _starts(source, encoder.frame(keyframe=True))
    sets, *rest = encoder.frame(keyframe=True)
    assert not any(_starts(source, rest))
    assert _starts(source, [sets]) == [True]
    assert source.packet.late


def test_a_keyframe_of_h264_without_parameter_sets_is_given_those_that_came_before() -> None:
    encoder = Encoder(1)
    source = encoder.source()
    sets = [packet[12:] for packet in encoder.frame(keyframe=True)[:2]]
    encoder.sequence -= 4
    encoder.frames -= 1
    assert any(_starts(source, encoder.frame(keyframe=True)))
    _starts(source, encoder.frame())
    first, second = encoder.frame(keyframe=True, sets=False)
    at = source.last_sequence
    assert source.receive(1.0, first) is Verdict.PRECEDED
    packet = source.packet
    assert (packet.sequence, packet.starts_keyframe, packet.marker) == (at + 1, True, 0)
    assert packet.tail == b"\x78" + b"".join(len(one).to_bytes(2, "big") + one for one in sets)
    timestamp = packet.timestamp
    source.proceed()
    assert (packet.sequence, packet.timestamp) == (at + 2, timestamp)
    assert (packet.starts_keyframe, packet.tail) == (False, first[12:])
    assert _sequences(source, [second]) == [at + 3]
    assert source.keyframes == 2


def test_parameter_sets_of_an_offer_serve_from_the_first_keyframe_on() -> None:
    encoder = Encoder(1)
    sps, pps = bytes.fromhex("6742c0158c8d40a0cbcf37010d010784423500"), b"\x68\xce\x3c\x80"
    source = Source(H264, encoder.ssrc, encoder.payload_type, sets=(sps, pps))
    for _ in range(2):
        first, second = encoder.frame(keyframe=True, sets=False)
        assert source.receive(1.0, first) is Verdict.PRECEDED
        assert sps in source.packet.tail
        source.proceed()
        assert source.receive(1.0, second) is Verdict.TAKEN
    assert (source.width, source.height) == (320, 180)


def test_parameter_sets_that_may_have_been_lost_are_not_made_up() -> None:
    """The publisher repeats them, and what is missing may hold others."""
    encoder = Encoder(1)
    source = encoder.source()
    _starts(source, encoder.frame(keyframe=True))
    encoder.sequence += 1
    bare = encoder.frame(keyframe=True, sets=False)
    assert not any(_starts(source, bare))


def test_an_encoder_of_h264_whose_parameter_sets_nobody_knows_starts_at_its_pictures() -> None:
    encoder = Encoder(1)
    source = encoder.source()
    bare = [encoder.frame(keyframe=True, sets=False) for _ in range(2)]
    assert [_starts(source, packets) for packets in bare] == [[True, False]] * 2


def test_the_size_of_h264_is_that_of_its_newest_parameter_sets() -> None:
    source = Encoder(1).source()
    for number, (sps, size) in enumerate(
        [
            ("6742c0158c8d40a0cbcf37010d010784423500", (320, 180)),
            ("6742c0208c8d402802dd37010d010784423500", (1280, 720)),
        ]
    ):
        unit = bytes.fromhex(sps)
        stap = b"\x78" + len(unit).to_bytes(2, "big") + unit + b"\x00\x04\x68\xce\x3c\x80"
        source.receive(0.0, rtp.build(108, 1 + number, 9000 * number, source.ssrc, stap))
        assert (source.width, source.height) == size


@given(st.data())
def test_no_number_is_given_twice_where_parameter_sets_are_put_in(data: st.DataObject) -> None:
    """Pictures with and without sets, and padding, in any order: numbers keep the order sent."""
    encoder = Encoder(1, sequence=data.draw(st.sampled_from([0, 100, 65_500, 65_535])))
    kinds = data.draw(st.lists(st.sampled_from("kbdp"), min_size=1, max_size=20))
    sent: list[bytes] = []
    for kind in kinds:
        if kind == "p":
            encoder.sequence += 1
            at = encoder.sequence, encoder.timestamp
            sent.append(rtp.build(encoder.payload_type, *at, encoder.ssrc, b"", padding=9))
        else:
            sent += encoder.frame(keyframe=kind in "kb", sets=kind == "k")
    late = st.integers(0, 6)
    offsets = data.draw(st.lists(late, min_size=len(sent), max_size=len(sent)))
    source = encoder.source()
    numbers: dict[float, int] = {}
    for index in sorted(range(len(sent)), key=lambda index: (index + offsets[index], index)):
        verdict = source.receive(0.0, sent[index])
        if verdict is Verdict.PRECEDED:
            numbers[index - 0.5] = source.packet.sequence
            source.proceed()
        if verdict is not Verdict.DROPPED:
            numbers[index] = source.packet.sequence
    ordered = [numbers[index] for index in sorted(numbers)]
    assert ordered == sorted(set(ordered))


def test_receive_drops_h264_that_is_cut_off() -> None:
    source = Encoder(1).source()
    packet = rtp.build(108, 1, 1, source.ssrc, b"\x78\x00\x09\x67")
    assert source.receive(0.0, packet) is Verdict.DROPPED
    assert source.dropped == {"malformed": 1}
