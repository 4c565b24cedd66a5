import pytest

from signaling.conference.decide import decide
from signaling.conference.state import REOPEN_S
from signaling.wire import commands
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
    "scheduled": [commands.Schedule()],
    "rehearsal": [commands.Schedule(), commands.Rehearse()],
    "live": [commands.Schedule(), commands.Start()],
    "recess": [commands.Schedule(), commands.Start(), commands.Recess()],
    "ended": [commands.Schedule(), commands.Start(), commands.End()],
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
    "schedule": commands.Schedule(),
    "rehearse": commands.Rehearse(),
    "end_rehearsal": commands.EndRehearsal(),
    "start": commands.Start(),
    "recess": commands.Recess(),
    "resume": commands.Resume(),
    "end": commands.End(),
    "reopen": commands.Reopen(),
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
    state = run(fresh, commands.Rehearse(), OPERATOR)
    state = speaking(state, DA_NANG)
    state = run(state, commands.RaiseHand(), device_of(HA_NOI))
    state = run(state, commands.AskHelp(), device_of(HA_NOI))
    state = run(state, commands.Preview(single(HA_NOI)), OPERATOR)
    state = run(state, commands.MarkNext(HA_NOI), OPERATOR)
    state = run(state, commands.GiveFloor(DA_NANG), OPERATOR, 5.0)
    state = run(state, commands.EndRehearsal(), OPERATOR, 9.0)
    assert state == run(fresh, commands.Preview(None), OPERATOR).__class__(
        **{name: getattr(fresh, name) for name in fresh.__slots__} | {"at": 9.0}
    )


def test_an_end_can_be_taken_back_for_half_an_hour():
    state = run(live(), commands.End(), OPERATOR, 100.0)
    assert run(state, commands.Reopen(), OPERATOR, 100.0 + REOPEN_S).ended_at is None
    with pytest.raises(WireError, match="too_late"):
        decide(state, commands.Reopen(), OPERATOR, 100.1 + REOPEN_S)


def test_a_recess_ends_the_speech_and_counts_it():
    state = run(live(DA_NANG), commands.GiveFloor(DA_NANG), OPERATOR, 20.0)
    state = run(state, commands.Recess(), OPERATOR, 50.0)
    assert state.seats[DA_NANG].spoken_s == 30.0
    assert state.program == single(CENTRAL)
    assert state.seats[DA_NANG].muted_by_operator
