import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.wire.ids import MAX_SLOTS, parse_slots, slot_kind, slot_media, slot_name


def test_slots_are_named_by_kind_and_index_from_one_in_the_order_asked_for():
    assert parse_slots("stage:2,floor:1") == ["stage:1", "stage:2", "floor:1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kind:count"),
        ("stage", "kind:count"),
        ("stage:-1", "kind:count"),
        ("stage:1,", "kind:count"),
        ("balcony:1", "'balcony:1'"),
        ("stage:0", "1 to 160"),
        ("stage:161", "1 to 160"),
        ("stage:1,stage:1", "twice"),
        ("stage:100,thumb:61", "161 slots"),
        ("stage:" + "9" * 5000, "kind:count"),
    ],
)
def test_slots_that_cannot_be_are_refused_with_the_reason(text, said):
    with pytest.raises(ValueError, match="slots") as caught:
        parse_slots(text)
    assert said in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        slots = parse_slots(text)
    except ValueError:
        return
    assert 1 <= len(slots) <= MAX_SLOTS


def test_floor_and_cue_carry_sound_and_the_others_pictures():
    media = {kind: slot_media(slot_name(kind, 1)) for kind in ("stage", "thumb", "floor", "cue")}
    assert media == {"stage": "video", "thumb": "video", "floor": "audio", "cue": "audio"}
    assert slot_kind(slot_name("preview", 3)) == "preview"
