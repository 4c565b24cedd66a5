"""Which keyframes are looked at, and when one is asked for."""

from __future__ import annotations

from bridge.media_worker.darkroom import ASK_AFTER_S, ASK_AGAIN_S, NOT_BEFORE_S, Darkroom
from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from signaling.wire.ids import SiteCode, SlotName

FIRST, SECOND = SlotName("thumb:1"), SlotName("thumb:2")


def darkroom() -> Darkroom:
    return Darkroom([FIRST, SECOND], [SiteCode("00"), SiteCode("48")])


def frame(slot: SlotName, keyframe: bool = True, octets: int = 100) -> Received:
    size = (320, 180) if keyframe else None
    return Received(slot, "VP8", 0.0, Frame(0, keyframe, bytes(octets), size))


def test_a_keyframe_that_comes_by_itself_serves_and_none_is_asked_for() -> None:
    room = darkroom()
    assert room.wanted(0.0) == [FIRST, SECOND]
    now = 0.1
    for _ in range(10):
        [exposed] = room.take(now, [frame(SECOND)])
        assert (exposed.site, exposed.at) == ("48", now)
        assert SECOND not in room.wanted(now + ASK_AFTER_S - 0.1)
        now += ASK_AFTER_S - 0.1


def test_one_is_asked_for_when_none_came_and_again_until_it_comes() -> None:
    room = darkroom()
    room.take(0.0, [frame(FIRST), frame(SECOND)])
    assert room.wanted(ASK_AFTER_S - 0.01) == []
    assert room.wanted(ASK_AFTER_S) == [FIRST, SECOND]
    assert room.wanted(ASK_AFTER_S + 0.5) == []
    room.take(ASK_AFTER_S + 0.6, [frame(FIRST)])
    assert room.wanted(ASK_AFTER_S + ASK_AGAIN_S) == [SECOND]


def test_of_many_keyframes_only_one_each_while_is_looked_at() -> None:
    room = darkroom()
    looks = [now / 10 for now in range(200) if room.take(now / 10, [frame(FIRST)])]
    assert looks == [0.0, NOT_BEFORE_S, 2 * NOT_BEFORE_S, 3 * NOT_BEFORE_S, 4 * NOT_BEFORE_S]


def test_pictures_that_cost_the_same_each_are_noticed() -> None:
    for sizes, steady in (([50] * 40, True), ([0] * 40, True), ([50, 60] * 20, False), ([50], 0)):
        room = darkroom()
        room.take(0.0, [frame(FIRST)])
        room.take(1.0, [frame(FIRST, keyframe=False, octets=size) for size in sizes])
        [exposed] = room.take(10.0, [frame(FIRST)])
        assert exposed.steady == steady, sizes


def test_a_slot_that_is_none_of_ours_is_passed_over() -> None:
    assert darkroom().take(0.0, [frame(SlotName("thumb:3"))]) == []
