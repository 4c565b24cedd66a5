"""Answers, judged line by line and by aiortc as an independent reader."""

import itertools

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from hypothesis import given, settings

from bridge.answer import Local, answer_publish, answer_receive
from bridge.codecs import H264, OPUS, PROGRAM_CODECS, VP8
from bridge.fingerprint import Fingerprint
from bridge.ice import Candidate, Credentials
from bridge.sdp import read_offer
from signaling.wire.errors import WireError
from signaling.wire.ids import parse_slots
from tests.bridge.test_sdp import OFFERS, PUBLISH, mutations

LOCAL = Local(
    7,
    Credentials("ours", "o" * 24),
    Fingerprint("sha-256", ":".join(["AB"] * 32)),
    [
        Candidate("udp", "192.0.2.1", 9000),
        Candidate("udp", "2001:db8::1", 9001),
        Candidate("tcp", "192.0.2.1", 9002),
    ],
)
RECEIVE = OFFERS["chromium-receive"]


def publish(text, video=VP8):
    return answer_publish(read_offer(text, "publish"), LOCAL, video)


def receive(text, slots, video=VP8):
    return answer_receive(
        read_offer(text, "receive"), LOCAL, parse_slots(slots), itertools.count(1), video
    )


def sections(answer):
    return answer.split("\r\nm=")[1:]


def test_publish_takes_first_audio_and_first_two_videos():
    video = "m=video" + PUBLISH.split("m=video")[1]
    text = PUBLISH
    for mid in ("2", "3"):
        ssrc = {"2": "11", "3": "12"}[mid]
        more = [line for line in video.split("\r\n") if not line.startswith("a=ssrc")]
        text += "\r\n".join(more).replace("a=mid:1", f"a=mid:{mid}") + f"a=ssrc:{ssrc} cname:x\r\n"
    answer, tracks = publish(text.replace("BUNDLE 0 1", "BUNDLE 0 1 2 3"))
    assert [(one.mid, one.track) for one in tracks] == [
        ("0", "mic"),
        ("1", "camera"),
        ("2", "slides"),
    ]
    assert [one.payload_type for one in tracks] == [111, 96, 96]
    assert tracks[2].ssrcs == (11,)
    assert tracks[1].mid_extension == 4
    assert [one.twcc_extension for one in tracks] == [3, 3, 3]
    assert all(one.nack for one in tracks[1:])
    assert ["a=recvonly" in one for one in sections(answer)] == [True, True, True, False]
    assert "a=inactive" in sections(answer)[3]
    assert "a=group:BUNDLE 0 1 2 3\r\n" in answer


def test_only_a_microphone_states_its_level():
    _, tracks = publish(PUBLISH)
    assert [(one.track, one.level_extension) for one in tracks] == [("mic", 1), ("camera", None)]
    _, tracks = publish(PUBLISH.replace("ssrc-audio-level", "csrc-audio-level"))
    assert tracks[0].level_extension is None


def test_silence_is_left_out_and_errors_are_corrected_both_ways():
    for answer in (publish(PUBLISH)[0], receive(RECEIVE, "floor:2")[0]):
        sound = [one for one in sections(answer) if one.startswith("audio")]
        assert all("a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;" in one for one in sound)


def test_publish_answer_says_only_what_is_done():
    answer, _ = publish(PUBLISH)
    audio, video = sections(answer)
    assert audio.startswith("audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
    assert "useinbandfec=1;usedtx=1;stereo=0" in audio
    assert video.startswith("video 9 UDP/TLS/RTP/SAVPF 96 97\r\n")
    assert "a=fmtp:97 apt=96\r\n" in video
    assert "a=rtcp-fb:96 nack pli\r\n" in video
    assert "a=fmtp:96 x-google-start-bitrate=800\r\n" in video
    for section in (audio, video):
        # one counter over all packets of the transport: in both or in none
        assert "transport-cc\r\n" in section
        assert "transport-wide-cc-extensions-01\r\n" in section
    assert "rtx" not in audio
    assert "rid" not in answer


def test_layers_are_taken_as_offered():
    answer, tracks = publish(OFFERS["chromium-simulcast"])
    video = sections(answer)[1]
    assert "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n" in video
    assert "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n" in video
    assert "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n" in video
    camera = tracks[1]
    assert camera.layers == ("q", "h")
    assert (camera.rid_extension, camera.repaired_extension, camera.rtx) == (10, 11, 97)
    assert camera.ssrcs == ()
    mic = tracks[0]
    assert (mic.layers, mic.rid_extension, mic.rtx) == (("",), None, None)


def test_layers_are_taken_only_if_packets_can_name_them():
    text = OFFERS["chromium-simulcast"].replace("sdes:rtp-stream-id", "sdes:other")
    answer, tracks = publish(text)
    assert "rid" not in sections(answer)[1].replace("repaired", "")
    assert tracks[1].layers == ("",)


def test_a_layer_of_another_codec_is_not_taken():
    text = OFFERS["chromium-simulcast"].replace("a=rid:q send", "a=rid:q send pt=102")
    assert publish(text)[1][1].layers == ("",)


def test_layers_may_be_told_by_ssrc():
    text = "\r\n".join(one for one in PUBLISH.split("\r\n") if not one.startswith("a=ssrc"))
    text += "".join(f"a=ssrc:{number} cname:x\r\n" for number in (1, 2, 3, 4))
    text += "a=ssrc-group:SIM 1 2\r\na=ssrc-group:FID 1 3\r\na=ssrc-group:FID 2 4\r\n"
    camera = publish(text)[1][1]
    assert (camera.layers, camera.ssrcs, camera.repairs) == (("0", "1"), (1, 2), {3: 1, 4: 2})


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["", ""], [("camera", ""), ("slides", "")]),
        (["", "alt"], [("camera", "main"), ("camera", "alt")]),
        (["alt", ""], [("camera", "alt"), ("camera", "main")]),
        (["slides", ""], [("slides", ""), ("camera", "")]),
        (["alt"], [("camera", "")]),
        (["alt", "alt"], [("camera", ""), ("slides", "")]),
        (["", "alt", "slides"], [("camera", "main"), ("camera", "alt"), ("slides", "")]),
        (["", "alt", ""], [("camera", "main"), ("camera", "alt"), ("slides", "")]),
    ],
)
def test_sections_are_what_their_content_says(contents, expected):
    head, video = PUBLISH.split("m=video")
    lines = [one for one in video.split("\r\n") if not one.startswith("a=ssrc")]
    text = head.replace("BUNDLE 0 1", "BUNDLE 0 1 2 3")
    for mid, content in enumerate(contents, 1):
        section = "m=video" + "\r\n".join(lines).replace("a=mid:1", f"a=mid:{mid}")
        text += section + (f"a=content:{content}\r\n" if content else "")
    _, tracks = publish(text)
    assert [(one.track, one.layers[0]) for one in tracks[1:]] == expected


def test_transport_lines():
    answer, _ = publish(PUBLISH)
    assert "\r\na=ice-lite\r\n" in answer
    assert answer.count("a=setup:passive") == 2
    assert answer.count("a=ice-ufrag:ours") == 2
    for section in sections(answer):
        assert "a=candidate:1 1 udp 2130706431 192.0.2.1 9000 typ host\r\n" in section
        assert "2001:db8::1 9001 typ host" in section
        passive = "1 tcp 1520434687 192.0.2.1 9002 typ host tcptype passive\r\n"
        assert f"a=candidate:3 {passive}" in section
        assert section.count("a=end-of-candidates") == 1


def test_passive_offer_is_answered_active():
    answer, _ = publish(PUBLISH.replace("a=setup:actpass", "a=setup:passive"))
    assert answer.count("a=setup:active") == 2


def test_receive_matches_slots_in_offer_order_per_media():
    answer, received = receive(RECEIVE, "stage:2,floor:2")
    assert [(one.mid, one.slot, one.ssrc, one.rtx) for one in received] == [
        ("0", "stage:1", 1, (97, 2)),
        ("1", "stage:2", 3, (97, 4)),
        ("2", "floor:1", 5, None),
        ("3", "floor:2", 6, None),
    ]
    video, *_, audio = sections(answer)
    assert video.startswith("video 9 UDP/TLS/RTP/SAVPF 96 97\r\n")
    assert "a=fmtp:97 apt=96\r\n" in video
    assert "a=ssrc-group:FID 1 2\r\n" in video
    assert "a=rtcp-fb:96 nack\r\n" in video
    assert "nack" not in audio
    for one, text in zip(received, sections(answer), strict=True):
        assert "a=sendonly" in text
        assert f"a=ssrc:{one.ssrc} cname:" in text
        assert f"a=msid:{one.slot.replace(':', '-')} " in text


def test_receive_answers_further_sections_inactive():
    answer, received = receive(RECEIVE, "stage:1,mix:1")
    assert [one.mid for one in received] == ["0", "2"]
    assert ["a=inactive" in one for one in sections(answer)] == [False, True, False, True]
    # a plain player gets one stream with picture and sound
    assert answer.count("a=msid:program ") == 2


@pytest.mark.parametrize("slots", ["stage:3", "floor:3", "thumb:2,stage:1"])
def test_more_slots_than_sections_are_refused(slots):
    with pytest.raises(WireError) as caught:
        receive(RECEIVE, slots)
    assert caught.value.code == "slots_invalid"


def test_no_slots_are_refused():
    with pytest.raises(WireError) as caught:
        answer_receive(read_offer(RECEIVE, "receive"), LOCAL, [], itertools.count(1))
    assert caught.value.code == "slots_invalid"


def test_wrong_direction_is_refused():
    with pytest.raises(WireError) as caught:
        publish(RECEIVE)
    assert caught.value.code == "offer_without_media"
    with pytest.raises(WireError) as caught:
        receive(PUBLISH, "stage:1")
    assert caught.value.code == "offer_without_media"


def test_what_is_not_bundled_is_not_answered_bundled():
    group = "a=group:BUNDLE 0\r\n"
    text = PUBLISH.partition("m=video")[0].replace("a=group:BUNDLE 0 1\r\n", group)
    assert group in publish(text)[0]
    assert "a=group:" not in publish(text.replace(group, ""))[0]


def test_foreign_codecs_alone_are_refused_and_beside_ours_rejected():
    text = PUBLISH.replace("opus/48000/2", "speex/8000")
    answer, tracks = publish(text)
    assert [one.track for one in tracks] == ["camera"]
    assert sections(answer)[0].startswith("audio 0 ")
    assert "a=group:BUNDLE 1\r\n" in answer
    with pytest.raises(WireError) as caught:
        publish(text.partition("m=video")[0].replace("BUNDLE 0 1", "BUNDLE 0"))
    assert caught.value.code == "offer_no_codec"
    assert "speex" in caught.value.problem.detail


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_picture_in_another_codec_is_refused_by_both_names(codec):
    offered, names = ("VP8", "VP7") if codec == "VP8" else ("H264", "H263")
    text = OFFERS["chromium-publish"].replace(f" {offered}/90000", f" {names}/90000")
    with pytest.raises(WireError) as caught:
        publish(text, PROGRAM_CODECS[codec])
    assert caught.value.code == "offer_other_codec"
    assert caught.value.problem.params["codec"] == codec
    assert names.lower() in caught.value.problem.params["offered"]
    text = OFFERS["chromium-receive"].replace(f" {offered}/90000", f" {names}/90000")
    with pytest.raises(WireError) as caught:
        receive(text, "stage:1", PROGRAM_CODECS[codec])
    assert caught.value.code == "offer_other_codec"


def h264(*parameters):
    """An offer of the given payload types' parameters, from 100 on."""
    head, _, video = PUBLISH.partition("m=video")
    gone = (" ", "a=rtpmap", "a=fmtp", "a=rtcp-fb")
    lines = [line for line in video.split("\r\n") if line and not line.startswith(gone)]
    for payload_type, said in enumerate(parameters, start=100):
        lines += [f"a=rtpmap:{payload_type} H264/90000", f"a=rtcp-fb:{payload_type} nack pli"]
        lines += [f"a=fmtp:{payload_type} {said}"] if said else []
    types = " ".join(str(100 + index) for index in range(len(parameters)))
    return head + "\r\n".join([f"m=video 9 UDP/TLS/RTP/SAVPF {types}", *lines, ""])


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (["packetization-mode=0;profile-level-id=42e01f", "packetization-mode=1"], 101),
        (["packetization-mode=1;profile-level-id=640c1f", "packetization-mode=1"], 101),
        (
            [
                "packetization-mode=1;profile-level-id=42001f",
                "packetization-mode=1;profile-level-id=42e01f",
            ],
            101,
        ),
        (
            [
                "packetization-mode=1;profile-level-id=4D001F",
                "packetization-mode=1;profile-level-id=42C01F",
            ],
            101,
        ),
        (["packetization-mode=1;profile-level-id=f4001f"], 100),
        (["", "profile-level-id=junk"], 100),
    ],
)
def test_of_h264_the_profile_that_most_decode_is_taken(offered, taken):
    answer, tracks = publish(h264(*offered), H264)
    assert tracks[1].codec is H264
    assert tracks[1].payload_type == taken
    assert f"a=rtpmap:{taken} H264/90000\r\n" in answer
    assert f"a=rtcp-fb:{taken} nack pli\r\n" in answer


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (
            "profile-level-id=42E01F;packetization-mode=1;level-asymmetry-allowed=1",
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f;",
        ),
        (
            "packetization-mode=1; profile-level-id=42e00b; sprop-parameter-sets=Z0,aM",
            "packetization-mode=1;profile-level-id=42e00b;",
        ),
        ("", ""),
    ],
)
def test_the_configuration_of_h264_is_answered_as_offered(offered, answered):
    answer, _ = publish(h264(offered), H264)
    assert f"a=fmtp:100 {answered}x-google-start-bitrate=800\r\n" in answer


def test_parameter_sets_of_an_offer_are_taken_where_there_is_one_picture():
    sets = "sprop-parameter-sets=Z0LAFYyNQKDLzzcBDQEHhEI1AA==,aM48gA=="
    offer = h264(f"packetization-mode=1;{sets};profile-level-id=42c015")
    answer, tracks = publish(offer, H264)
    assert [one[0] & 0x1F for one in tracks[1].sets] == [7, 8]
    assert "sprop" not in answer
    several = offer + "a=rid:q send\r\na=rid:f send\r\na=simulcast:send q;f\r\n"
    _, tracks = publish(several, H264)
    assert tracks[1].sets == ()


def test_receivers_of_h264_get_it_alone():
    answer, received = receive(RECEIVE, "stage:1,floor:1", H264)
    assert [one.codec for one in received] == [H264, OPUS]
    assert sections(answer)[0].startswith("video 9 UDP/TLS/RTP/SAVPF 108 109\r\n")
    assert "profile-level-id=42e01f\r\n" in sections(answer)[0]
    assert "VP8" not in answer


def test_data_channel_is_rejected():
    line = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
    answer, _ = publish(PUBLISH + line)
    assert sections(answer)[2].startswith("application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n")


async def test_aiortc_accepts_both_answers():
    for direction in ("sendonly", "recvonly"):
        peer = RTCPeerConnection()
        peer.addTransceiver("audio", direction=direction)
        peer.addTransceiver("video", direction=direction)
        await peer.setLocalDescription(await peer.createOffer())
        if direction == "sendonly":
            answer, _ = publish(peer.localDescription.sdp)
        else:
            answer, _ = receive(peer.localDescription.sdp, "stage:1,floor:1")
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert peer.signalingState == "stable"
        await peer.close()


@settings(max_examples=200)
@given(mutations())
def test_whatever_is_read_is_answered_or_refused(text):
    try:
        answer, _ = publish(text)
    except WireError:
        return
    assert answer.count("\r\nm=") == len(read_offer(text, "publish").sections)
    assert all(line[1] == "=" for line in answer.rstrip("\r\n").split("\r\n"))


def test_receivers_are_asked_for_feedback_on_their_line():
    answer, slots = receive(RECEIVE, "stage:1,floor:1")
    assert [one.twcc_extension for one in slots] == [4, 4]
    taken = [one for one in sections(answer) if "a=sendonly" in one]
    assert len(taken) == 2
    for section in taken:
        assert "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc" in section
        assert " transport-cc\r\n" in section
    # an extension that nobody reports on, and one that needs the long form, are left out
    for text in (
        RECEIVE.replace(" transport-cc", " ccm tmmbr"),
        RECEIVE.replace("extmap:4 ", "extmap:15 "),
    ):
        answer, slots = receive(text, "stage:1,floor:1")
        assert [one.twcc_extension for one in slots] == [None, None]
        assert "transport-wide-cc" not in answer
