"""SDP fragments: what trickles in, and the answer to an ICE restart."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fragment import MAX_LINES, read_fragment, write_fragment
from bridge.ice import Credentials
from signaling.wire.codec import MAX_FRAGMENT
from signaling.wire.errors import WireError

CANDIDATES = (
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
    "a=candidate:3471623853 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
    "a=end-of-candidates\r\n"
)


def test_a_fragment_is_read():
    fragment = read_fragment(CANDIDATES)
    assert fragment.credentials == Credentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert fragment.candidates == 2
    assert fragment.media == "m=audio 9 UDP/TLS/RTP/SAVPF 111 63"
    assert fragment.mid == "a=mid:0"
    assert read_fragment(CANDIDATES.replace("\r\n", "\n")) == fragment


def test_the_end_of_candidates_alone_is_a_fragment():
    assert read_fragment("a=end-of-candidates\r\n").credentials is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0\r\n",
        "candidate",
        "a=mid:0\r\n\r\na=x\r\n",
        "a=ice-ufrag:EsAw\r\n",
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
        "a=ice-ufrag:Es\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
        "a=ice-ufrag:EsAw\r\na=ice-pwd:short\r\n",
        "a=x\x00\r\n",
        "a=x\r\n" * (MAX_LINES + 1),
    ],
)
def test_what_is_none_is_malformed(text):
    with pytest.raises(WireError) as caught:
        read_fragment(text)
    assert caught.value.code == "fragment_malformed"


def test_a_fragment_has_a_size():
    with pytest.raises(WireError) as caught:
        read_fragment("a=" + "x" * MAX_FRAGMENT)
    assert caught.value.code == "too_large"


@given(st.text(st.sampled_from("am=:\r\n 019xice-ufragpwd"), max_size=200))
def test_junk_raises_nothing_else(text):
    with contextlib.suppress(WireError):
        read_fragment(text)


def test_a_restart_is_answered_for_the_section_that_asked():
    told = write_fragment(
        read_fragment(CANDIDATES),
        Credentials("ours", "o" * 24),
        ["a=candidate:1 1 udp 2130706431 192.0.2.9 9000 typ host"],
    )
    assert told.split("\r\n") == [
        "a=ice-lite",
        "a=ice-options:trickle ice2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
        "a=mid:0",
        "a=ice-ufrag:ours",
        "a=ice-pwd:oooooooooooooooooooooooo",
        "a=candidate:1 1 udp 2130706431 192.0.2.9 9000 typ host",
        "a=end-of-candidates",
        "",
    ]
    assert read_fragment(told).credentials == Credentials("ours", "o" * 24)
