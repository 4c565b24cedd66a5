"""A published stream made uniform: holes closed, duplicates dropped, restarts noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import rtp
from bridge.codecs import OPUS
from bridge.source import MAX_GAP, MAX_PAUSE_S, Source, Verdict
from tests.fakes.streams import Camera, Microphone


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


def _running() -> tuple[Camera, Source]:
    camera = Camera(1, sequence=60_000, picture=32_000)
    source = camera.source()
    for packet in camera.frame(keyframe=True):
        source.receive(0.0, packet)
    return camera, source


def _gap(camera: Camera) -> None:
    camera.sequence += MAX_GAP + 1


def _clock_back(camera: Camera) -> None:
    camera.timestamp -= 20_000


def _clock_ahead(camera: Camera) -> None:
    camera.timestamp += 90_000 * 10


@pytest.mark.parametrize("change", [_gap, _clock_back, _clock_ahead])
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
