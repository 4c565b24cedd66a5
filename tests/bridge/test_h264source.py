"""A published stream of H.264 made uniform: a keyframe starts with its parameter sets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import rtp
from bridge.h264source import H264Source
from bridge.source import Source, Verdict
from tests.fakes.streams import Encoder


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
    assert source.receive(1.0, second) is Verdict.TAKEN
    assert packet.sequence == at + 3
    assert source.keyframes == 2


def test_parameter_sets_of_an_offer_serve_from_the_first_keyframe_on() -> None:
    encoder = Encoder(1)
    sps, pps = bytes.fromhex("6742c0158c8d40a0cbcf37010d010784423500"), b"\x68\xce\x3c\x80"
    source = H264Source(encoder.ssrc, encoder.payload_type, sets=(sps, pps))
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


@settings(deadline=None)
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
