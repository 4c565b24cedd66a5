from signaling.view import difference, view
from signaling.wire.commands import End, Preview, Scene, Take
from signaling.wire.ids import CENTRAL
from tests.signaling.build import (
    CREATE,
    DA_NANG,
    HA_NOI,
    HCM,
    OPERATOR,
    live,
    run,
    single,
    speaking,
)


def test_a_site_sees_its_own_seat_and_no_other():
    rows = view(live(DA_NANG), "site", DA_NANG)
    assert {key for key in rows if key.startswith("seat/")} == {"seat/48"}


def test_operator_and_technician_see_all_seats():
    for role in ("operator", "technician"):
        rows = view(live(), role, None)
        assert sum(key.startswith("seat/") for key in rows) == len(CREATE.sites)


def test_only_directors_see_the_preview():
    state = run(live(), Preview(single(DA_NANG)), OPERATOR)
    assert view(state, "operator", None)["conference"].preview == single(DA_NANG)
    assert view(state, "technician", None)["conference"].preview is None
    assert view(state, "site", DA_NANG)["conference"].preview is None


def test_preview_changes_nothing_that_a_site_is_told():
    before = live()
    after = run(before, Preview(single(DA_NANG)), OPERATOR)
    assert difference(view(before, "site", DA_NANG), view(after, "site", DA_NANG)) == ({}, [])


def test_take_lights_the_tally_of_the_site_on_air():
    state = run(live(), Take(single(DA_NANG)), OPERATOR)
    assert view(state, "site", DA_NANG)["seat/48"].tally == "on_air"
    assert view(state, "site", HA_NOI)["seat/01"].tally == "listening"
    ended = run(state, End(), OPERATOR)
    assert view(ended, "site", DA_NANG)["seat/48"].tally == "listening"


def test_the_stage_names_what_this_site_sees():
    state = run(live(), Take(Scene("grid", (DA_NANG, HA_NOI))), OPERATOR)
    assert [seat.site for seat in view(state, "site", HCM)["stage"].seats] == [DA_NANG, HA_NOI]
    assert [seat.site for seat in view(state, "site", DA_NANG)["stage"].seats] == [CENTRAL, HA_NOI]


def test_the_floor_names_who_is_heard():
    state = speaking(live(DA_NANG), DA_NANG)
    assert [seat.name for seat in view(state, "site", HA_NOI)["floor"].seats] == ["Đà Nẵng"]


def test_the_difference_puts_what_changed_and_drops_what_went():
    before = view(live(), "operator", None)
    after = view(run(live(), Take(single(DA_NANG)), OPERATOR), "operator", None)
    put, drop = difference(before, after)
    assert set(put) == {"conference", "stage", "seat/00", "seat/48"}
    assert drop == []
    assert difference(before, {})[1] == list(before)


def test_no_row_tells_which_device_holds_a_seat():
    rows = view(live(DA_NANG), "operator", None)
    assert "pc-48" not in repr(rows)
