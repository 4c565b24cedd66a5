"""Recording as the conference decides it, and what a recorder is given: only what is heard."""

import pytest

from signaling.conference.commands import SYSTEM, DeleteRecording, NoteRecording
from signaling.conference.decide import decide
from signaling.conference.events import RecordingDeleted, RecordingStopped
from signaling.orders import judged, ports, wanted
from signaling.routing import Receiver, routes
from signaling.view import view
from signaling.wire.commands import (
    End,
    EndRehearsal,
    Mute,
    Recess,
    Rehearse,
    Resume,
    StartRecording,
    StopRecording,
    Take,
)
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, Scope, parse_slots
from signaling.wire.ports import recorder_port
from signaling.wire.recordings import RecordingRow, recording_id
from signaling.wire.worker import Record, RecordFact
from tests.signaling.build import (
    DA_NANG,
    HA_NOI,
    OPERATOR,
    TECHNICIAN,
    created,
    device_of,
    live,
    run,
    single,
    speaking,
)

PROGRAM = Receiver(
    recorder_port(None), "system", None, frozenset(parse_slots("stage:1,floor:4,mix:1"))
)


def of_site(site):
    return Receiver(recorder_port(site), "system", None, frozenset(parse_slots("stage:1,floor:1")))


def tapped(state, receiver):
    return {slot: source for (_, slot), source in routes(state, [receiver]).items()}


def recording(*sites, state=None):
    return run(state or live(*sites), StartRecording(list(sites)), OPERATOR, 20.0)


def test_only_who_directs_may_record():
    for actor in (TECHNICIAN, device_of(DA_NANG)):
        with pytest.raises(WireError) as refused:
            decide(live(DA_NANG), StartRecording(), actor, 0.0)
        assert refused.value.code == "forbidden"


def test_it_starts_once_and_is_counted():
    state = recording(DA_NANG)
    assert decide(state, StartRecording([DA_NANG]), OPERATOR, 30.0) == []
    assert state.recording.number == 1
    state = run(run(state, StopRecording(), OPERATOR, 40.0), StartRecording(), OPERATOR, 50.0)
    assert (state.recording.number, state.recording.since) == (2, 50.0)


def test_sites_are_chosen_anew_without_a_new_recording():
    state = run(recording(DA_NANG), StartRecording([HA_NOI]), OPERATOR, 30.0)
    assert (state.recording.number, state.recording.sites) == (1, (HA_NOI,))


@pytest.mark.parametrize("sites", [["99"], [DA_NANG, "zz"]])
def test_unknown_sites_are_refused(sites):
    with pytest.raises(WireError) as refused:
        decide(live(), StartRecording(sites), OPERATOR, 0.0)
    assert refused.value.code == "unknown_site"


def test_the_end_and_the_end_of_a_rehearsal_end_it():
    ended = decide(recording(), End(), OPERATOR, 30.0)
    assert isinstance(ended[0], RecordingStopped)
    rehearsed = recording(state=run(created(), Rehearse(), OPERATOR))
    assert run(rehearsed, EndRehearsal(), OPERATOR).recording is None
    assert run(recording(), Recess(), OPERATOR).recording is not None


def test_nothing_is_recorded_after_the_end():
    with pytest.raises(WireError) as refused:
        decide(run(live(), End(), OPERATOR), StartRecording(), OPERATOR, 0.0)
    assert refused.value.code == "wrong_phase"


def test_the_program_recorder_gets_the_first_picture_on_air_and_the_floor():
    state = run(recording(), Take(single(DA_NANG)), OPERATOR)
    assert tapped(state, PROGRAM) == {
        "stage:1": ("48/main", "camera"),
        **{f"floor:{n}": (f"@floor/{n}", "mic") for n in (1, 2, 3, 4)},
        "mix:1": ("mix/program", "mic"),
    }


def test_a_site_is_recorded_while_its_microphone_is_open_only():
    state = recording(DA_NANG)
    assert tapped(state, of_site(DA_NANG)) == {}
    state = speaking(state, DA_NANG)
    assert tapped(state, of_site(DA_NANG)) == {
        "stage:1": ("48/main", "camera"),
        "floor:1": ("48/main", "mic"),
    }
    for actor in (OPERATOR, device_of(DA_NANG)):
        assert tapped(run(state, Mute(DA_NANG), actor), of_site(DA_NANG)) == {}


def test_a_site_that_nobody_chose_has_no_recorder():
    state = speaking(recording(state=live(DA_NANG)), DA_NANG)
    assert tapped(state, of_site(DA_NANG)) == {}


def test_no_recorder_gets_anything_before_the_start_in_a_break_or_unasked():
    speaks = speaking(live(DA_NANG), DA_NANG)
    on = run(speaks, StartRecording([DA_NANG]), OPERATOR)
    broken_off = run(on, Recess(), OPERATOR)
    for state in (speaks, recording(state=created()), broken_off):
        assert routes(state, [PROGRAM, of_site(DA_NANG)]) == {}
    assert routes(run(broken_off, Resume(), OPERATOR), [PROGRAM])


def records(state):
    return [order for order in wanted(state) if isinstance(order, Record)]


def test_what_a_worker_should_do_follows_from_the_state():
    state = recording(DA_NANG)
    assert [(one.recording, one.port, one.scope) for one in records(state)] == [
        ("1-program", "rec/program", Scope(state.conference)),
        ("1-48", "rec/48", Scope(state.conference)),
    ]
    assert ports(state) >= {"rec/program", "rec/48"}
    assert wanted(run(state, End(), OPERATOR)) == []
    assert records(live()) == []


def fact(flowing=True, problem=None, site=None, number=1):
    return RecordFact(Scope("c"), recording_id(number, site), flowing, problem)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (None, ("interrupted", "no_worker")),
        ([], ("starting", None)),
        ([fact(number=2)], ("starting", None)),
        ([fact()], ("recording", None)),
        ([fact(flowing=False)], ("waiting", None)),
        ([fact(), fact(False, site=DA_NANG)], ("recording", None)),
        ([fact(problem="disk_low")], ("recording", "disk_low")),
        ([fact(False, "disk_full")], ("interrupted", "disk_full")),
        ([fact(), fact(False, "write_failed", DA_NANG)], ("interrupted", "write_failed")),
        ([fact(problem="disk_low"), fact(False, "not_received", DA_NANG)],
         ("interrupted", "not_received")),
    ],
)  # fmt: skip
def test_what_became_of_it_is_judged_from_the_facts(facts, expected):
    told = None if facts is None else {one.recording: one for one in facts}
    assert judged(recording(DA_NANG).recording, told) == expected


def test_a_fact_is_noted_once_and_never_of_another_recording():
    state = recording()
    noted = run(state, NoteRecording(1, "interrupted", "no_worker"), SYSTEM, 30.0)
    assert (noted.recording.state, noted.recording.problem) == ("interrupted", "no_worker")
    assert decide(noted, NoteRecording(1, "interrupted", "no_worker"), SYSTEM, 31.0) == []
    assert decide(noted, NoteRecording(2, "recording"), SYSTEM, 31.0) == []
    assert decide(live(), NoteRecording(1, "recording"), SYSTEM, 31.0) == []


def test_a_recording_is_deleted_only_after_its_end_and_if_there_was_one():
    state = recording(DA_NANG)
    for name, code in (
        ("1-program", "recording_runs"),
        ("1-48", "recording_runs"),
        ("2-program", "not_found"),
        ("../x", "not_found"),
    ):
        with pytest.raises(WireError) as refused:
            decide(state, DeleteRecording(name), OPERATOR, 0.0)
        assert refused.value.code == code
    stopped = run(state, StopRecording(), OPERATOR, 30.0)
    [event] = decide(stopped, DeleteRecording("1-program"), OPERATOR, 40.0)
    assert event == RecordingDeleted(40.0, OPERATOR.name, "1-program")


def test_everybody_is_told_but_problems_and_others_sites_are_not_for_sites():
    state = run(recording(DA_NANG, HA_NOI), NoteRecording(1, "recording", "disk_low"), SYSTEM)
    assert view(state, "operator", None)["recording"] == RecordingRow(
        20.0, "recording", (DA_NANG, HA_NOI), "disk_low"
    )
    assert view(state, "site", DA_NANG)["recording"] == RecordingRow(20.0, "recording", (DA_NANG,))
    assert view(state, "site", CENTRAL)["recording"] == RecordingRow(20.0, "recording", ())
    assert "recording" not in view(live(), "site", CENTRAL)
