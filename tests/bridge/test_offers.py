"""Our offers are what the bridge reads, its answers are what we read, junk is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import offers, sdp
from bridge.answer import Local, answer_publish, answer_receive
from bridge.fingerprint import Fingerprint
from bridge.ice import Candidate, Credentials
from signaling.wire.ids import parse_slots, slot_media

OURS = Credentials("abcd1234", "p" * 32)
PRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))
ADDRESSES = [Candidate("udp", "127.0.0.1", 9000), Candidate("udp", "10.0.0.1", 9001)]
LOCAL = Local(7, Credentials("wxyz9876", "q" * 32), PRINT, ADDRESSES)


def test_publish_offer_is_read_as_a_microphone_and_a_camera() -> None:
    text = offers.publish_offer(OURS, PRINT, [("audio", 11), ("video", 22)])
    offer = sdp.read_offer(text, "publish")
    assert (offer.remote, offer.fingerprints, offer.setup) == (OURS, (PRINT,), "actpass")
    _, tracks = answer_publish(offer, LOCAL)
    assert [(track.track, track.payload_type, track.ssrcs) for track in tracks] == [
        ("mic", offers.OPUS, (11,)),
        ("camera", offers.VP8, (22,)),
    ]


def test_receive_offer_gives_each_slot_the_ssrc_that_we_read_for_it() -> None:
    slots = parse_slots("stage:2,floor:3,thumb:64")
    text = offers.receive_offer(OURS, PRINT, [slot_media(slot) for slot in slots])
    answered, held = answer_receive(
        sdp.read_offer(text, "receive"), LOCAL, slots, itertools.count(1000)
    )
    answer = offers.read_answer(answered)
    assert answer.credentials == LOCAL.credentials
    assert answer.fingerprint == PRINT
    assert answer.address == ("127.0.0.1", 9000)
    assert answer.passive
    by_slot = {one.slot: one.ssrc for one in held}
    read = {slot: one.ssrcs for slot, one in zip(slots, answer.sections, strict=True)}
    assert read == {slot: (ssrc,) for slot, ssrc in by_slot.items()}
    assert all(section.accepted for section in answer.sections)


def test_read_answer_sees_which_sections_were_not_taken() -> None:
    text = offers.receive_offer(OURS, PRINT, ["video", "video", "audio"])
    answered, _ = answer_receive(
        sdp.read_offer(text, "receive"), LOCAL, parse_slots("stage:1,floor:1"), itertools.count(5)
    )
    sections = offers.read_answer(answered).sections
    assert [section.accepted for section in sections] == [True, False, True]


def answer_lines() -> list[str]:
    text = offers.publish_offer(OURS, PRINT, [("audio", 11)])
    answered, _ = answer_publish(sdp.read_offer(text, "publish"), LOCAL)
    return answered.splitlines()


@pytest.mark.parametrize(
    "start",
    ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=candidate", "a=setup", "m="],
)
def test_read_answer_refuses_one_without(start: str) -> None:
    lines = [line for line in answer_lines() if not line.startswith(start)]
    with pytest.raises(offers.AnswerError):
        offers.read_answer("\r\n".join(lines))


@given(st.data())
def test_read_answer_raises_nothing_else(data: st.DataObject) -> None:
    lines = answer_lines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        junk = data.draw(st.text(max_size=30))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        lines[at] = data.draw(st.sampled_from([junk, line[:cut] + junk, line[cut:], line[:cut]]))
    try:
        answer = offers.read_answer("\r\n".join(lines))
    except offers.AnswerError:
        return
    assert 0 < answer.address[1] < 65536
