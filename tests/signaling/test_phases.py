import pytest

from signaling.conference.decide import decide
from signaling.conference.state import REOPEN_S
from signaling.wire import pages
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL
from tests.signaling.build import (
    CREATE,
    DA_NANG,
    HA_NOI,
    OPERATOR,
    created,
    device_of,
    joined,
    live,
    run,
    single,
    speaking,
)

PATHS = {
    "draft": [],
    "scheduled": [pages.Schedule()],
    "rehearsal": [pages.Schedule(), pages.Rehearse()],
    "live": [pages.Schedule(), pages.Start()],
    "recess": [pages.Schedule(), pages.Start(), pages.Recess()],
    "ended": [pages.Schedule(), pages.Start(), pages.End()],
}
MOVES = {
    ("draft", "schedule"): "scheduled",
    ("scheduled", "rehearse"): "rehearsal",
    ("rehearsal", "end_rehearsal"): "scheduled",
    ("scheduled", "start"): "live",
    ("live", "recess"): "recess",
    ("recess", "resume"): "live",
    ("live", "end"): "ended",
    ("recess", "end"): "ended",
    ("ended", "reopen"): "live",
}
COMMANDS = {
    "schedule": pages.Schedule(),
    "rehearse": pages.Rehearse(),
    "end_rehearsal": pages.EndRehearsal(),
    "start": pages.Start(),
    "recess": pages.Recess(),
    "resume": pages.Resume(),
    "end": pages.End(),
    "reopen": pages.Reopen(),
}


def in_phase(phase: str):
    draft = type(CREATE)(
        **{field: getattr(CREATE, field) for field in CREATE.__struct_fields__} | {"draft": True}
    )
    state = run(None, draft, OPERATOR)
    for command in PATHS[phase]:
        state = run(state, command, OPERATOR)
    assert state.phase == phase
    return state


@pytest.mark.parametrize("phase", PATHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_phase_allows_exactly_its_own_moves(phase, name):
    state = in_phase(phase)
    wanted = MOVES.get((phase, name))
    if wanted is None:
        with pytest.raises(WireError, match="wrong_phase"):
            decide(state, COMMANDS[name], OPERATOR, 0.0)
    else:
        assert run(state, COMMANDS[name], OPERATOR).phase == wanted


def test_a_draft_lets_no_device_in():
    with pytest.raises(WireError, match="wrong_phase"):
        joined(in_phase("draft"), DA_NANG)


def test_the_end_of_a_rehearsal_resets_hands_mutes_floor_and_pictures_but_keeps_the_seats():
    fresh = joined(joined(created(), DA_NANG), HA_NOI)
    state = run(fresh, pages.Rehearse(), OPERATOR)
    state = speaking(state, DA_NANG)
    state = run(state, pages.RaiseHand(), device_of(HA_NOI))
    state = run(state, pages.AskHelp(), device_of(HA_NOI))
    state = run(state, pages.Preview(single(HA_NOI)), OPERATOR)
    state = run(state, pages.MarkNext(HA_NOI), OPERATOR)
    state = run(state, pages.GiveFloor(DA_NANG), OPERATOR, 5.0)
    state = run(state, pages.EndRehearsal(), OPERATOR, 9.0)
    assert state == run(fresh, pages.Preview(None), OPERATOR).__class__(
        **{name: getattr(fresh, name) for name in fresh.__slots__} | {"at": 9.0}
    )


def test_an_end_can_be_taken_back_for_half_an_hour():
    state = run(live(), pages.End(), OPERATOR, 100.0)
    assert run(state, pages.Reopen(), OPERATOR, 100.0 + REOPEN_S).ended_at is None
    with pytest.raises(WireError, match="too_late"):
        decide(state, pages.Reopen(), OPERATOR, 100.1 + REOPEN_S)


def test_a_recess_ends_the_speech_and_counts_it():
    state = run(live(DA_NANG), pages.GiveFloor(DA_NANG), OPERATOR, 20.0)
    state = run(state, pages.Recess(), OPERATOR, 50.0)
    assert state.seats[DA_NANG].spoken_s == 30.0
    assert state.program == single(CENTRAL)
    assert state.seats[DA_NANG].muted_by_operator
