"""Offers of a subscription, answered by a real node."""

import pytest

from bridge.ice import Credentials
from bridge.offers import AnswerError
from bridge.receiveoffer import offer, read_streams
from bridge.transport import Certificate
from signaling.wire.control import OpenSession
from signaling.wire.ids import parse_slots
from tests.bridge.house import House

SLOTS = parse_slots("stage:1,floor:4")


@pytest.fixture
async def house():
    house = House()
    yield house
    house.node.close()


def answered(house, codec="VP8"):
    text = offer(Credentials("ufrag123", "p" * 24), Certificate().fingerprint, SLOTS)
    message = OpenSession(1, "c", "rec/program", "receive", text, SLOTS, codec=codec)
    return house.node.handle(message).answer


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_each_slot_is_given_a_stream_and_pictures_a_repair(house, codec):
    streams = read_streams(answered(house, codec), SLOTS)
    assert [one.slot for one in streams] == SLOTS
    assert [one.codec for one in streams] == [codec, *["opus"] * 4]
    assert streams[0].rtx is not None
    assert all(one.rtx is None for one in streams[1:])
    ssrcs = [one.ssrc for one in streams] + [streams[0].rtx[1]]
    assert len(set(ssrcs)) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("opus/48000", "PCMU/8000"),
        lambda text: text.replace("a=ssrc:", "a=sorry:"),
        lambda text: text[: text.index("m=audio")],
        lambda text: "",
    ],
)
async def test_an_answer_that_gives_less_is_refused(house, change):
    with pytest.raises(AnswerError):
        read_streams(change(answered(house)), SLOTS)
