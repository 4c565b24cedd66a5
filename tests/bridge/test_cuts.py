"""Where a stream of H.264 may be cut, and what a keyframe lacks there."""

import pytest

from bridge.codecs import H264Payload, parse_h264
from bridge.cuts import Cuts

SETS = bytes.fromhex("6742c0158c8d40a0cbcf37010d010784423500"), b"\x68\xce\x3c\x80"
KEY, BARE, REST = H264Payload(True, True), H264Payload(True, False), H264Payload(False, False)


def walk(cuts: Cuts, *packets: tuple[int, H264Payload, bool]) -> str:
    """Of each packet (timestamp, what it is, whether it follows): lacks sets, starts, goes on."""
    told = ""
    for timestamp, cut, follows in packets:
        if cuts.lacks(timestamp, cut, follows):
            told += "L"
            cuts.keyframe_at = timestamp
        elif cuts.begins(timestamp, cut):
            told += "S" if cuts.starts(cut) else "n"
        else:
            told += "."
    return told


@pytest.mark.parametrize(
    ("offered", "packets", "told"),
    [
        # with its sets, also after they have come once more behind the first slice
        (SETS, [(1, KEY, False), (1, BARE, True), (2, REST, True), (3, KEY, True)], "S..S"),
        # only in the offer
        (SETS, [(1, BARE, False), (1, BARE, True), (2, BARE, False)], "L.L"),
        # nowhere
        ((), [(1, BARE, False), (2, BARE, True)], "SS"),
        # every now and then
        (SETS, [(1, KEY, False), (2, BARE, True), (3, BARE, True), (4, KEY, True)], "SLLS"),
        # lost: they are expected again, and once more until nothing is missing
        (SETS, [(1, KEY, False), (2, BARE, False), (3, BARE, False), (4, BARE, True)], "SnnL"),
        # lost in the middle: the picture's other set came
        (SETS, [(1, KEY, False), (2, REST, False), (2, BARE, True)], "S.n"),
    ],
)
def test_what_a_keyframe_lacks(
    offered: tuple[bytes, ...], packets: list[tuple[int, H264Payload, bool]], told: str
) -> None:
    assert walk(Cuts(offered), *packets) == told


def test_a_stream_that_begins_anew_may_have_the_same_timestamp_again() -> None:
    cuts = Cuts(())
    assert walk(cuts, (1, KEY, True), (1, KEY, True)) == "S."
    cuts.restart()
    assert walk(cuts, (1, KEY, True)) == "S"


def test_sizes_come_with_parameter_sets_and_nothing_else() -> None:
    cuts = Cuts(())
    delimiter, picture = b"\x09\xf0", b"\x65\x88\x80"
    for unit, size in ((delimiter, None), (SETS[0], (320, 180)), (SETS[0], None), (picture, None)):
        assert parse_h264(unit, 0, len(unit)) is not None
        assert cuts.read(unit, 0, len(unit)) == size
