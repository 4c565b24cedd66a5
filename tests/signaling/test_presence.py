"""Silence of seats in simulated time."""

from __future__ import annotations

from signaling.presence import Presence
from signaling.wire.ids import SiteCode

A, B = SiteCode("01"), SiteCode("48")


def test_seat_is_silent_ten_seconds_after_it_was_heard() -> None:
    presence = Presence(0.0)
    presence.heard(A, 5.0)

    assert presence.silent([A], 14.9) == []
    assert presence.silent([A], 15.0) == [A]


def test_seat_never_heard_has_ten_seconds_from_the_load() -> None:
    presence = Presence(100.0)

    assert presence.silent([A, B], 109.9) == []
    assert presence.silent([A, B], 110.0) == [A, B]


def test_only_present_seats_are_lost() -> None:
    assert Presence(0.0).silent([], 99.0) == []


def test_older_news_does_not_undo_newer() -> None:
    presence = Presence(0.0)
    presence.heard(A, 9.0)
    presence.heard(A, 3.0)

    assert presence.silent([A], 18.0) == []
