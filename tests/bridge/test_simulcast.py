"""Lines that tell of layers: what is read, and that junk is refused and never raises otherwise."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sdp import read_offer
from bridge.simulcast import MAX_LAYERS, Rid, read_content, read_rids
from signaling.wire.errors import WireError
from tests.bridge.test_sdp import OFFERS, PUBLISH

SEND = ["q send", "h send", "f send"]


def names(rids, simulcast):
    return [one.name for one in read_rids(rids, simulcast)]


def test_chromium_offers_two_layers():
    video = read_offer(OFFERS["chromium-simulcast"], "publish").sections[1]
    assert video.rids == (Rid("q", frozenset()), Rid("h", frozenset()))
    assert video.simulcast == ()
    assert video.content == frozenset()


@pytest.mark.parametrize(
    ("rids", "simulcast", "expected"),
    [
        (SEND, ["send q;h;f"], ["q", "h", "f"]),
        (SEND, ["send f;q"], ["f", "q"]),
        (SEND, ["send q,h;~f"], ["q", "f"]),
        (SEND, ["send q;x;f"], ["q", "f"]),
        (SEND, ["recv q;h"], []),
        ([*SEND, "1 recv"], ["send q;h recv 1"], ["q", "h"]),
        ([*SEND, "1 recv"], ["recv 1 send q;h"], ["q", "h"]),
        (SEND, [], []),
        ([], ["send q;h"], []),
        ([], [], []),
    ],
)
def test_layers_are_those_of_the_send_list(rids, simulcast, expected):
    assert names(rids, simulcast) == expected


def test_payload_types_are_read_and_other_restrictions_passed_over():
    found = read_rids(["q send max-width=320;pt=96,97", "h send max-fs=3600"], ["send q;h"])
    assert found == (Rid("q", frozenset({96, 97})), Rid("h", frozenset()))


@pytest.mark.parametrize(
    ("rids", "simulcast"),
    [
        (["q"], []),
        (["q both"], []),
        (["q send pt=x"], []),
        (["q send pt=" + "1," * 20], []),
        (["ä send"], []),
        (["a" * 17 + " send"], []),
        (["q send", "q send"], []),
        ([f"{number} send" for number in range(MAX_LAYERS + 1)], []),
        (SEND, ["send"]),
        (SEND, ["both q"]),
        (SEND, ["send q send h"]),
        (SEND, ["send q;h recv"]),
        (SEND, ["send q;;h"]),
        (SEND, ["send q;q"]),
        (SEND, ["send a;b;c;d;e"]),
        (SEND, ["send q;h", "send f"]),
        (SEND, ["send q;h\x7f"]),
    ],
)
def test_junk_is_refused(rids, simulcast):
    with pytest.raises(WireError) as caught:
        read_rids(rids, simulcast)
    assert caught.value.code == "offer_malformed"


@given(st.lists(st.text(max_size=30), max_size=6), st.lists(st.text(max_size=40), max_size=2))
def test_whatever_stands_there_is_read_or_refused(rids, simulcast):
    with contextlib.suppress(WireError):
        assert len(read_rids(rids, simulcast)) <= MAX_LAYERS


def test_content_has_words():
    assert read_content(None) == frozenset()
    assert read_content("alt,slides") == {"alt", "slides"}
    for junk in ("", "a b", "ä", ",".join("a" * 9), "x" * 40):
        with pytest.raises(WireError):
            read_content(junk)


def test_groups_of_ssrcs_are_read():
    base = "\r\n".join(one for one in PUBLISH.split("\r\n") if not one.startswith("a=ssrc"))
    lines = [f"a=ssrc:{number} cname:x" for number in range(1, 7)]
    groups = ["SIM 1 2 3", "FID 1 4", "FID 2 5", "FID 3 6"]
    text = base + "\r\n".join([*lines, *(f"a=ssrc-group:{one}" for one in groups)]) + "\r\n"
    video = read_offer(text, "publish").sections[1]
    assert video.simulcast == (1, 2, 3)
    assert video.ssrcs == (1, 2, 3)
    assert video.repairs == {4: 1, 5: 2, 6: 3}
    for junk in ("SIM", "SIM 1 1", "SIM 1 2 3 4 5", "SIM x"):
        with pytest.raises(WireError) as caught:
            read_offer(base + f"a=ssrc-group:{junk}\r\n", "publish")
        assert caught.value.code == "offer_malformed"
