import pytest

from bridge import offers
from tests.bench.janusserver import answer_to, payload, with_candidate
from tests.bench.line import Certificates, Line

OFFER = """v=0\r
a=group:BUNDLE 0 1\r
m=audio 9 UDP/TLS/RTP/SAVPF 100\r
a=mid:0\r
a=rtpmap:100 opus/48000/2\r
m=video 9 UDP/TLS/RTP/SAVPF 101 102\r
a=mid:1\r
a=rtpmap:101 VP8/90000\r
a=rtpmap:102 rtx/90000\r
"""


@pytest.fixture
def line():
    made = Line("127.0.0.1", Certificates())
    yield made
    made.close()


def test_the_answer_takes_the_offered_payload_types_and_is_passive(line):
    answer = answer_to(OFFER, line)
    read = offers.read_answer(answer)
    assert [(one.media, one.accepted) for one in read.sections] == [
        ("audio", True),
        ("video", True),
    ]
    assert (read.credentials, read.address) == (line.credentials, line.address)
    assert read.passive
    assert "a=rtpmap:100 opus/48000/2\r\n" in answer
    assert "a=rtcp-fb:101 nack\r\n" in answer
    assert "102" not in answer.replace(line.certificate.fingerprint.value, "")


def test_payload_types_are_found_by_codec():
    assert payload(OFFER, "audio") == (100, "opus/48000/2")
    assert payload(OFFER, "video") == (101, "VP8/90000")


def test_the_candidate_is_in_the_first_section_only(line):
    offer = offers.publish_offer(
        line.credentials, line.certificate.fingerprint, [("audio", 1), ("video", 2)]
    )
    sdp = with_candidate(offer, ("198.18.0.1", 5000))
    assert sdp.count("a=candidate:") == 1
    assert sdp.index("a=candidate:1 1 udp 2130706431 198.18.0.1 5000") < sdp.index("m=video")
