"""Whose SSRC it is: by offer, by what packets say of themselves, by payload type."""

from hypothesis import given
from hypothesis import strategies as st

from bridge import rtp
from bridge.agreed import PublishedTrack
from bridge.codecs import OPUS, VP8
from bridge.latching import Latched, latch

MIC = PublishedTrack("0", "mic", OPUS, 111, (), 4, 3, nack=False)
CAMERA = PublishedTrack(
    "1", "camera", VP8, 96, (), 4, 3, True, None, ("q", "h", "f"), 10, 11, rtx=97
)
SLIDES = PublishedTrack("2", "slides", VP8, 96, (80,), 4, 3, True, rtx=97, repairs={81: 80})
ALT = PublishedTrack("3", "camera", VP8, 96, (90,), 4, 3, nack=True, layers=("alt",))
SIM = PublishedTrack(
    "4", "camera", VP8, 96, (1, 2), None, None, True, None, ("0", "1"), rtx=97, repairs={3: 1, 4: 2}
)


def find(tracks, payload_type=96, ssrc=7, **extensions):
    ids = {"mid": 4, "rid": 10, "repaired": 11}
    said = [(ids[name], value.encode()) for name, value in extensions.items()]
    packet = rtp.build(payload_type, 1, 1, ssrc, b"\0\1x", extensions=said)
    return latch(tracks, packet, rtp.parse(packet))


def test_a_layer_is_known_by_its_rid():
    tracks = [MIC, CAMERA, SLIDES]
    assert find(tracks, mid="1", rid="h") == Latched(CAMERA, "h", False)
    # without mid only one section has layers of these names
    assert find(tracks, rid="f") == Latched(CAMERA, "f", False)


def test_retransmissions_carry_the_repaired_rid_alone_and_may_come_first():
    tracks = [MIC, CAMERA, SLIDES]
    assert find(tracks, 97, repaired="q") == Latched(CAMERA, "q", True)
    assert find([CAMERA], 97, mid="1", repaired="f") == Latched(CAMERA, "f", True)
    assert find([CAMERA], 97, rid="f") == "unknown_rid"


def test_unknown_layers_are_none():
    assert find([MIC, CAMERA], mid="1", rid="x") == "unknown_rid"
    assert find([MIC, CAMERA], mid="1") == "unknown_rid"
    assert find([CAMERA, SLIDES], rid="x") == "unknown_ssrc"


def test_what_the_offer_declares_needs_no_extension():
    assert find([CAMERA, SLIDES], ssrc=80) == Latched(SLIDES, "", False)
    assert find([CAMERA, SLIDES], 97, ssrc=81) == Latched(SLIDES, "", True)
    assert find([SIM], ssrc=2) == Latched(SIM, "1", False)
    assert find([SIM], 97, ssrc=3) == Latched(SIM, "0", True)
    assert find([SIM, ALT], ssrc=90) == Latched(ALT, "alt", False)


def test_a_declared_ssrc_does_not_change_its_payload_type():
    assert find([SLIDES], 97, ssrc=80) == "unknown_payload"
    assert find([SLIDES], 96, ssrc=81) == "unknown_payload"
    assert find([SLIDES], 111, ssrc=80) == "unknown_payload"


def test_a_payload_type_of_one_section_is_enough():
    assert find([MIC, CAMERA], 111) == Latched(MIC, "", False)
    assert find([MIC, SLIDES]) == Latched(SLIDES, "", False)
    assert find([MIC, SLIDES], 97) == Latched(SLIDES, "", True)
    assert find([MIC, SLIDES], 8) == "unknown_ssrc"
    assert find([MIC, SLIDES], 8, mid="2") == "unknown_payload"
    assert find([ALT, SLIDES]) == "unknown_ssrc"


@given(
    st.binary(min_size=12, max_size=60),
    st.lists(st.sampled_from([MIC, CAMERA, SLIDES, ALT, SIM]), max_size=4, unique_by=id),
)
def test_whatever_comes_is_latched_or_not(packet, tracks):
    header = rtp.parse(packet)
    if header is not None:
        found = latch(tracks, packet, header)
        assert isinstance(found, str) or found.layer in found.track.layers
