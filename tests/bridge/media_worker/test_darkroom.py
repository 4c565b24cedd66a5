"""Which keyframes are looked at, and when one is asked for."""

from __future__ import annotations

from bridge.media_worker.darkroom import (
    ASK_AFTER_S,
    ASK_AGAIN_S,
    MOST_OCTETS,
    NOT_BEFORE_S,
    SETTLES,
    SETTLES_S,
    Darkroom,
)
from bridge.media_worker.frames import Frame
from bridge.media_worker.intake import Received
from signaling.wire.ids import SiteCode, SlotName

FIRST, SECOND = SlotName("thumb:1"), SlotName("thumb:2")


def darkroom() -> Darkroom:
    return Darkroom([FIRST, SECOND], [SiteCode("00"), SiteCode("48")])


def frame(
    slot: SlotName, keyframe: bool = True, octets: int = 100, size: tuple[int, int] = (320, 180)
) -> Received:
    return Received(slot, "VP8", 0.0, Frame(0, keyframe, bytes(octets), size if keyframe else None))


def test_a_keyframe_that_comes_by_itself_serves_and_none_is_asked_for() -> None:
    room = darkroom()
    assert room.wanted(0.0) == [FIRST, SECOND]
    now = 0.1
    for _ in range(10):
        assert room.take(now, [frame(SECOND)]) == []
        [exposed] = room.ripe(now + SETTLES_S)
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
    exposed = [one for now in range(200) for one in room.take(now / 10, [frame(FIRST)])]
    assert [len(one.frames) for one in exposed] == [1] * 5
    assert [one.at for one in exposed] == [number * NOT_BEFORE_S for number in range(5)]


def test_a_picture_is_looked_at_when_its_encoder_has_settled() -> None:
    room = darkroom()
    more = [frame(FIRST, keyframe=False) for _ in range(SETTLES + 10)]
    [exposed] = room.take(1.0, [frame(FIRST), *more])
    assert [one.keyframe for one in exposed.frames] == [True] + [False] * SETTLES
    assert room.ripe(9.0) == []


def test_it_is_looked_at_sooner_where_waiting_would_cost_too_much() -> None:
    rest = [frame(FIRST, keyframe=False) for _ in range(SETTLES)]
    [exposed] = darkroom().take(0.0, [frame(FIRST, size=(1280, 720)), *rest])
    assert 1 < len(exposed.frames) < 10
    [exposed] = darkroom().take(0.0, [frame(FIRST, size=(8192, 8192)), *rest])
    assert len(exposed.frames) == 1
    [exposed] = darkroom().take(0.0, [frame(FIRST, octets=MOST_OCTETS), *rest])
    assert len(exposed.frames) == 2


def test_a_picture_of_which_nothing_more_comes_is_looked_at_as_it_is() -> None:
    room = darkroom()
    room.take(0.0, [frame(FIRST), frame(FIRST, keyframe=False)])
    assert room.ripe(SETTLES_S - 0.1) == []
    [exposed] = room.ripe(SETTLES_S)
    assert (len(exposed.frames), exposed.at) == (2, 0.0)


def test_a_slot_that_is_none_of_ours_is_passed_over() -> None:
    assert darkroom().take(0.0, [frame(SlotName("thumb:3"))]) == []
