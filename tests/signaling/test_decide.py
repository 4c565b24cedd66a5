import pytest

from signaling.conference.commands import SYSTEM, Join, Lose
from signaling.conference.decide import decide
from signaling.conference.evolve import evolve
from signaling.wire.commands import End, Leave, Mute, Preview, Scene, Start, Take, Unmute
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, DeviceId, SiteCode
from tests.signaling.build import (
    CREATE,
    DA_NANG,
    HA_NOI,
    HAI_PHONG,
    HCM,
    OPERATOR,
    TECHNICIAN,
    created,
    device_of,
    joined,
    live,
    run,
    single,
    speaking,
)


def refused(state, command, actor) -> str:
    with pytest.raises(WireError) as caught:
        decide(state, command, actor, 0.0)
    return caught.value.code


def test_a_created_conference_is_scheduled_with_the_centre_in_the_program():
    state = created()
    assert state.phase == "scheduled"
    assert state.program == single(CENTRAL)
    assert not any(seat.present for seat in state.seats.values())


def test_remote_sites_begin_muted_by_the_operator_and_the_centre_does_not():
    state = created()
    assert state.seats[DA_NANG].muted_by_operator
    assert not state.seats[CENTRAL].muted_by_operator


def test_a_conference_is_created_once():
    assert refused(created(), CREATE, OPERATOR) == "command_conflict"


def test_start_then_end_pass_through_the_phases_with_their_times():
    state = run(run(created(), Start(), OPERATOR, 10.0), End(), OPERATOR, 20.0)
    assert (state.phase, state.started_at, state.ended_at) == ("ended", 10.0, 20.0)


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (live(), Start()),
        (created(), End()),
        (created(), Take(single(DA_NANG))),
        (run(live(), End(), OPERATOR), Start()),
        (run(live(), End(), OPERATOR), Take(single(DA_NANG))),
        (run(live(), End(), OPERATOR), Mute(DA_NANG)),
        (run(live(), End(), OPERATOR), Preview(single(DA_NANG))),
    ],
)
def test_a_command_that_the_phase_does_not_allow_is_refused(state, command):
    assert refused(state, command, OPERATOR) == "wrong_phase"


@pytest.mark.parametrize(
    "scene",
    [
        Scene("single", ()),
        Scene("single", (DA_NANG, HA_NOI)),
        Scene("grid", (DA_NANG,)),
        Scene("grid", (DA_NANG, DA_NANG)),
        Scene("grid", (CENTRAL, DA_NANG, HA_NOI, HCM, DA_NANG)),
    ],
)
def test_a_scene_that_does_not_fit_its_layout_is_refused(scene):
    assert refused(live(), Take(scene), OPERATOR) == "bad_scene"
    assert refused(live(), Preview(scene), OPERATOR) == "bad_scene"


def test_a_scene_with_an_unknown_site_is_refused():
    assert refused(live(), Take(single(SiteCode("99"))), OPERATOR) == "unknown_site"


def test_taking_what_is_on_air_already_is_accepted_and_changes_nothing():
    state = run(live(), Take(single(DA_NANG)), OPERATOR)
    assert decide(state, Take(single(DA_NANG)), OPERATOR, 0.0) == []


def test_take_leaves_every_microphone_as_it_was():
    state = live(DA_NANG)
    after = run(state, Take(single(DA_NANG)), OPERATOR)
    assert after.seats == state.seats
    assert after.floor == state.floor


def test_event_time_never_runs_backwards():
    state = run(live(), Take(single(DA_NANG)), OPERATOR, 100.0)
    [event] = decide(state, Mute(CENTRAL), OPERATOR, 50.0)
    assert event.at == 100.0


def test_a_new_device_starts_muted_by_its_site():
    state = speaking(live(DA_NANG), DA_NANG)
    state = run(state, Lose(DA_NANG), SYSTEM)
    assert joined(state, DA_NANG, "laptop").seats[DA_NANG].muted_by_site


def test_a_returning_device_finds_its_flags_as_they_were():
    state = speaking(live(DA_NANG), DA_NANG)
    state = run(state, Lose(DA_NANG), SYSTEM)
    assert not state.seats[DA_NANG].present
    state = joined(state, DA_NANG)
    assert state.seats[DA_NANG].present
    assert state.seats[DA_NANG].microphone_open


def test_another_device_is_turned_away_while_the_holder_is_alive():
    state = live(DA_NANG)
    laptop = device_of(DA_NANG, "laptop")
    assert refused(state, Join(DA_NANG, DeviceId("laptop-48")), laptop) == "seat_taken"


def test_another_device_takes_a_seat_whose_device_is_silent():
    state = joined(run(live(DA_NANG), Lose(DA_NANG), SYSTEM), DA_NANG, "laptop")
    assert state.seats[DA_NANG].device == "laptop-48"


def test_joining_again_with_the_same_device_changes_nothing():
    actor = device_of(DA_NANG)
    assert decide(live(DA_NANG), Join(DA_NANG, actor.device), actor, 0.0) == []


def test_joining_an_ended_conference_takes_no_seat():
    state = run(live(), End(), OPERATOR)
    actor = device_of(DA_NANG)
    assert decide(state, Join(DA_NANG, actor.device), actor, 0.0) == []


def test_a_device_that_leaves_gives_up_seat_and_floor():
    state = run(speaking(live(DA_NANG), DA_NANG), Leave(), device_of(DA_NANG))
    assert state.seats[DA_NANG].device is None
    assert DA_NANG not in state.floor
    assert state.seats[DA_NANG].muted_by_site


def test_a_device_that_lost_its_seat_can_neither_leave_it_nor_open_its_microphone():
    state = joined(run(live(DA_NANG), Lose(DA_NANG), SYSTEM), DA_NANG, "laptop")
    old = device_of(DA_NANG)
    assert decide(state, Leave(), old, 0.0) == []
    assert refused(state, Unmute(DA_NANG), old) == "forbidden"


def test_a_site_moves_its_own_flag_and_only_its_own():
    state = run(live(DA_NANG), Unmute(DA_NANG), device_of(DA_NANG))
    assert not state.seats[DA_NANG].muted_by_site
    assert state.seats[DA_NANG].muted_by_operator
    assert refused(state, Unmute(HA_NOI), device_of(DA_NANG)) == "forbidden"


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (Start(), device_of(DA_NANG)),
        (Take(single(DA_NANG)), device_of(DA_NANG)),
        (Start(), TECHNICIAN),
        (Mute(DA_NANG), TECHNICIAN),
        (Lose(DA_NANG), OPERATOR),
        (Leave(), OPERATOR),
    ],
)
def test_a_command_that_the_role_does_not_allow_is_refused(command, actor):
    assert refused(live(DA_NANG), command, actor) == "forbidden"


def test_all_open_microphones_have_the_floor_by_time_of_opening():
    state = live(CENTRAL, DA_NANG, HA_NOI, HCM, HAI_PHONG)
    for site in (CENTRAL, DA_NANG, HA_NOI, HCM, HAI_PHONG):
        state = speaking(state, site)
    assert state.floor == (CENTRAL, DA_NANG, HA_NOI, HCM, HAI_PHONG)
    state = run(state, Mute(DA_NANG), OPERATOR)
    assert state.floor == (CENTRAL, HA_NOI, HCM, HAI_PHONG)
    state = run(state, Unmute(DA_NANG), OPERATOR)
    assert state.floor == (CENTRAL, HA_NOI, HCM, HAI_PHONG, DA_NANG)


def test_decide_does_not_change_the_state_it_was_given():
    state = live(DA_NANG)
    before = dict(state.seats)
    for event in decide(state, Unmute(DA_NANG), OPERATOR, 0.0):
        evolve(state, event)
    assert state.seats == before
