"""Slot lists as they stand in WHEP's query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.wire.ids import MAX_SLOTS, SLOT_MEDIA, parse_slots, slot_kind, slot_media
from signaling.wire.pages import OPERATOR_SLOTS, SITE_SLOTS


def test_slots_are_numbered_from_one_in_the_order_given() -> None:
    assert parse_slots("stage:2,floor:1") == ["stage:1", "stage:2", "floor:1"]


@pytest.mark.parametrize(("text", "count"), [(SITE_SLOTS, 8), (OPERATOR_SLOTS, 13)])
def test_what_pages_ask_for_is_allowed(text: str, count: int) -> None:
    assert len(parse_slots(text)) == count


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "kind:count"),
        ("stage", "kind:count"),
        ("stage:-1", "kind:count"),
        ("stage:1,", "kind:count"),
        ("wall:1", "stage, preview, thumb, floor, cue"),
        ("stage:1,stage:1", "twice"),
        ("stage:0", "1 to 160"),
        ("stage:161", "1 to 160"),
        ("stage:160,floor:1", "161 slots"),
        ("stage:٣", "kind:count"),
    ],
)
def test_refusal_names_the_bad_part_and_what_is_allowed(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_slots(text)


@given(st.text(alphabet="stagefloorcuepreviewthumb:,0123456789", max_size=60))
def test_any_text_is_read_or_refused_within_limits(text: str) -> None:
    try:
        slots = parse_slots(text)
    except ValueError:
        return
    assert 1 <= len(slots) <= MAX_SLOTS
    assert len(set(slots)) == len(slots)
    assert all(slot_media(slot) == SLOT_MEDIA[slot_kind(slot)] for slot in slots)
