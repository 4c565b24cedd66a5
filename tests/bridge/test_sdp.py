"""Offers: real ones of Chromium, faulty ones, and thousands of mutations."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sdp import MAX_LINES, MAX_LINES_OF_SECTION, MID_URI, read_offer
from signaling.wire.errors import WireError

OFFERS = {
    path.stem: path.read_bytes().decode()
    for path in sorted((Path(__file__).parent / "offers").glob("*.sdp"))
}
PUBLISH = OFFERS["chromium-publish"]
LINES = PUBLISH.split("\r\n")


def refused(text, direction="publish"):
    with pytest.raises(WireError) as caught:
        read_offer(text, direction)
    return caught.value


def without(prefix, text=PUBLISH):
    return "\r\n".join(line for line in text.split("\r\n") if not line.startswith(prefix))


def test_chromium_publish():
    offer = read_offer(PUBLISH, "publish")
    audio, video = offer.sections
    assert (audio.media, audio.mid, audio.sends, audio.receives) == ("audio", "0", True, False)
    assert audio.codecs[0].name == "opus"
    assert (audio.codecs[0].clock_rate, audio.codecs[0].channels) == (48000, 2)
    assert video.codecs[0].name == "vp8"
    assert {"nack pli", "goog-remb"} <= video.codecs[0].feedback
    assert video.extensions[MID_URI] == 4
    assert video.reduced_size
    assert offer.setup == "actpass"
    assert offer.fingerprints[0].algorithm == "sha-256"
    assert len(offer.remote.password) == 24


def test_rtx_ssrcs_are_not_media():
    video = read_offer(PUBLISH, "publish").sections[1]
    pair = next(line for line in LINES if line.startswith("a=ssrc-group:FID")).split()
    assert video.ssrcs == (int(pair[1]),)


def test_simulcast_offer_has_no_video_ssrc():
    assert read_offer(OFFERS["chromium-simulcast"], "publish").sections[1].ssrcs == ()


def test_chromium_receive():
    offer = read_offer(OFFERS["chromium-receive"], "receive")
    assert [one.media for one in offer.sections] == ["video", "video", "audio", "audio"]
    assert all(one.receives and not one.sends for one in offer.sections)


def test_bare_newlines_are_read_too():
    assert read_offer(PUBLISH.replace("\r\n", "\n"), "publish") == read_offer(PUBLISH, "publish")


def test_session_level_transport_attributes_count():
    names = ("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup")
    moved = [next(line for line in LINES if line.startswith(name)) for name in names]
    rest = [line for line in LINES if not line.startswith(names)]
    at = next(number for number, line in enumerate(rest) if line.startswith("m="))
    text = "\r\n".join(rest[:at] + moved + rest[at:])
    assert read_offer(text, "publish").remote == read_offer(PUBLISH, "publish").remote


@pytest.mark.parametrize("setup", ["active", "passive"])
def test_setup_is_read(setup):
    text = PUBLISH.replace("a=setup:actpass", f"a=setup:{setup}")
    assert read_offer(text, "publish").setup == setup


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "offer_malformed"),
        ("hello", "offer_malformed"),
        ("v=0\r\n", "offer_without_media"),
        ("v=0\r\n\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111", "offer_malformed"),
        ("v=0\r\nm=", "offer_malformed"),
        ("v=0\r\nm=audio nine UDP/TLS/RTP/SAVPF 111", "offer_malformed"),
        ("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel", "offer_without_media"),
        ("v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111", "offer_without_media"),
        ("v=0\r\nm=audio 9 RTP/AVP 0", "offer_without_media"),
        (without("a=rtcp-mux"), "offer_unusable"),
        (without("a=fingerprint"), "offer_unusable"),
        (without("a=ice-ufrag"), "offer_unusable"),
        (without("a=ice-pwd"), "offer_unusable"),
        (without("a=group"), "offer_unusable"),
        (PUBLISH.replace("BUNDLE 0 1", "BUNDLE 0"), "offer_unusable"),
        (PUBLISH.replace("BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1"), "offer_unusable"),
        (PUBLISH.replace("a=setup:actpass", "a=setup:holdconn"), "offer_unusable"),
        (PUBLISH.replace("s=-", "s=-\r\na=ice-lite"), "offer_unusable"),
        (PUBLISH.replace("fingerprint:sha-256", "fingerprint:sha-1"), "offer_unusable"),
        (PUBLISH.replace("a=mid:1", "a=mid:0"), "offer_malformed"),
        (PUBLISH.replace("a=mid:1", "a=mid:<b>"), "offer_malformed"),
        (PUBLISH.replace("a=ice-ufrag:", "a=ice-ufrag: "), "offer_malformed"),
        (PUBLISH.replace("opus/48000/2", "opus"), "offer_malformed"),
        (PUBLISH.replace("a=rtpmap:96", "a=rtpmap:960"), "offer_malformed"),
        (PUBLISH.replace("a=extmap:4 ", "a=extmap:x "), "offer_malformed"),
        (PUBLISH.replace("a=ssrc:", "a=ssrc:9999999999"), "offer_malformed"),
        (PUBLISH.replace("a=mid:1", "a=mid:1\0"), "offer_malformed"),
    ],
)
def test_faults_have_their_codes(text, code):
    assert refused(text).code == code


def section(index):
    return (
        f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{index}\r\na=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\n"
    )


@pytest.mark.parametrize(("direction", "limit"), [("publish", 4), ("receive", 160)])
def test_sections_are_limited(direction, limit):
    head = without("m=", PUBLISH.split("m=")[0]) + "\r\n".join(
        line for line in LINES if line.startswith(("a=ice-", "a=finger"))
    )
    head = head.replace("BUNDLE 0 1", "BUNDLE " + " ".join(map(str, range(500)))) + "\r\n"
    fitting = head + "".join(section(index) for index in range(limit))
    assert len(read_offer(fitting, direction).sections) == limit
    assert refused(fitting + section(limit), direction).code == "offer_too_many_sections"
    whole = head + "".join(section(index) for index in range(500))
    assert refused(whole, direction).code == "offer_too_many_sections"


def test_size_and_lines_are_limited():
    assert refused("v=0\r\n" + "a=x\r\n" * 200_000).code == "too_large"
    assert refused("v=0\r\n" + "a=x\r\n" * (MAX_LINES + 1)).code == "offer_malformed"
    long = PUBLISH + "a=x\r\n" * MAX_LINES_OF_SECTION
    assert "section" in refused(long).problem.detail


def test_ssrcs_of_a_section_are_limited():
    many = PUBLISH + "".join(f"a=ssrc:{number} cname:x\r\n" for number in range(100))
    assert refused(many).code == "offer_malformed"


def test_data_channel_beside_media_is_passed_over():
    offer = read_offer(
        PUBLISH + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n", "publish"
    )
    assert [one.usable for one in offer.sections] == [True, True, False]


@st.composite
def mutations(draw):
    lines = draw(st.sampled_from(list(OFFERS.values()))).split("\r\n")
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw(st.sampled_from(lines)))
            case 2:
                lines[at] = lines[at][: draw(st.integers(0, 20))]
            case 3:
                cut = draw(st.integers(0, 30))
                lines[at] = lines[at][:cut] + draw(st.text(max_size=4)) + lines[at][cut + 1 :]
            case 4:
                lines[at] = draw(st.text(max_size=30))
        if not lines:
            break
    return "\r\n".join(lines)


@settings(max_examples=300)
@given(mutations(), st.sampled_from(["publish", "receive"]))
def test_mutated_offers_are_read_or_refused(text, direction):
    try:
        offer = read_offer(text, direction)
    except WireError:
        return
    assert any(one.usable for one in offer.sections)


@given(st.text(max_size=300))
def test_junk_is_refused(text):
    refused(text)
    refused("v=0\n" + text)
