from dataclasses import replace

import pytest

from signaling.conference.decide import decide
from signaling.view import view
from signaling.wire import commands
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, SiteCode
from tests.signaling.build import (
    DA_NANG,
    HA_NOI,
    HCM,
    OPERATOR,
    device_of,
    live,
    run,
    single,
)


def refused(state, command, actor=OPERATOR) -> str:
    with pytest.raises(WireError) as caught:
        decide(state, command, actor, 0.0)
    return caught.value.code


@pytest.fixture
def queue():
    """Đà Nẵng, Hà Nội and Hồ Chí Minh, in this order."""
    state = live(CENTRAL, DA_NANG, HA_NOI, HCM)
    for at, site in enumerate((DA_NANG, HA_NOI, HCM)):
        state = run(state, commands.RaiseHand(), device_of(site), 20.0 + at)
    return state


def test_hands_stand_in_the_order_in_which_they_were_raised(queue):
    assert queue.queue == (DA_NANG, HA_NOI, HCM)
    row = view(queue, "site", HA_NOI)["seat/01"]
    assert (row.position, row.hand_since) == (2, 21.0)


def test_raising_a_raised_hand_changes_nothing(queue):
    assert decide(queue, commands.RaiseHand(), device_of(HA_NOI), 99.0) == []


def test_a_site_lowers_its_own_hand_and_nobody_elses(queue):
    assert run(queue, commands.LowerHand(HA_NOI), device_of(HA_NOI)).queue == (DA_NANG, HCM)
    assert refused(queue, commands.LowerHand(HA_NOI), device_of(HCM)) == "forbidden"


def test_an_operator_lowers_one_hand_or_all(queue):
    assert run(queue, commands.LowerHand(DA_NANG), OPERATOR).queue == (HA_NOI, HCM)
    empty = run(queue, commands.LowerAllHands(), OPERATOR)
    assert empty.queue == ()
    assert all(seat.hand_since is None for seat in empty.seats.values())


def test_the_queue_is_reordered_by_naming_all_of_it(queue):
    assert run(queue, commands.OrderHands([HCM, DA_NANG, HA_NOI]), OPERATOR).queue[0] == HCM
    for sites in ([HCM], [HCM, HCM, DA_NANG], [HCM, DA_NANG, HA_NOI, CENTRAL]):
        assert refused(queue, commands.OrderHands(sites)) == "queue_changed"


def test_a_site_that_comes_next_is_told_by_its_tally_and_no_other_is(queue):
    state = run(queue, commands.MarkNext(HA_NOI), OPERATOR)
    assert view(state, "site", HA_NOI)["seat/01"].tally == "next"
    assert view(state, "site", HCM)["seat/79"].tally == "listening"
    assert run(state, commands.MarkNext(None), OPERATOR).next is None


def test_giving_the_floor_is_one_act(queue):
    state = run(queue, commands.MarkNext(HA_NOI), OPERATOR)
    [event] = decide(state, commands.GiveFloor(HA_NOI), OPERATOR, 30.0)
    assert event.site == HA_NOI
    state = run(state, commands.GiveFloor(HA_NOI), OPERATOR, 30.0)
    assert state.program == single(HA_NOI)
    assert not state.seats[HA_NOI].muted_by_operator
    assert state.queue == (DA_NANG, HCM)
    assert state.next is None
    floor = view(state, "site", DA_NANG)["floor"]
    assert (floor.speaker.site, floor.speaking_since) == (HA_NOI, 30.0)


def test_giving_the_floor_opens_no_microphone_that_the_site_has_shut(queue):
    state = run(queue, commands.GiveFloor(HA_NOI), OPERATOR)
    assert not state.seats[HA_NOI].microphone_open


def test_the_next_speaker_mutes_the_one_before_and_counts_its_time(queue):
    state = run(queue, commands.GiveFloor(DA_NANG), OPERATOR, 30.0)
    state = run(state, commands.GiveFloor(HA_NOI), OPERATOR, 75.0)
    assert state.seats[DA_NANG].muted_by_operator
    assert state.seats[DA_NANG].spoken_s == 45.0
    assert state.speech.site == HA_NOI


def test_undo_brings_everything_back_as_it_was(queue):
    state = run(queue, commands.MarkNext(HA_NOI), OPERATOR, 25.0)
    after = run(state, commands.GiveFloor(HA_NOI), OPERATOR, 30.0)
    assert run(after, commands.TakeBackFloor(), OPERATOR, 31.0) == replace(state, at=31.0)


def test_undo_brings_back_the_speaker_before_with_its_time_running_on(queue):
    state = run(queue, commands.GiveFloor(DA_NANG), OPERATOR, 30.0)
    after = run(state, commands.GiveFloor(HA_NOI), OPERATOR, 40.0)
    back = run(after, commands.TakeBackFloor(), OPERATOR, 41.0)
    assert back.speech.site == DA_NANG
    assert back.speech.since == 30.0
    assert back.seats == state.seats
    assert back.program == single(DA_NANG)


def test_undo_leaves_a_program_that_was_taken_since(queue):
    state = run(queue, commands.GiveFloor(HA_NOI), OPERATOR)
    state = run(state, commands.Take(single(HCM)), OPERATOR)
    state = run(state, commands.TakeBackFloor(), OPERATOR)
    assert state.program == single(HCM)
    assert state.speech is None


def test_the_end_of_a_speech_mutes_a_remote_speaker_and_shows_the_centre(queue):
    state = run(queue, commands.GiveFloor(HA_NOI), OPERATOR, 30.0)
    state = run(state, commands.EndFloor(), OPERATOR, 90.0)
    assert state.seats[HA_NOI].muted_by_operator
    assert state.seats[HA_NOI].spoken_s == 60.0
    assert state.program == single(CENTRAL)
    centre = run(state, commands.GiveFloor(CENTRAL), OPERATOR)
    assert not run(centre, commands.EndFloor(), OPERATOR).seats[CENTRAL].muted_by_operator


def test_nobody_can_be_ended_or_taken_back_when_nobody_speaks(queue):
    assert refused(queue, commands.EndFloor()) == "nobody_speaks"
    assert refused(queue, commands.TakeBackFloor()) == "nobody_speaks"


def test_the_floor_is_not_given_to_an_absent_site():
    state = live(DA_NANG)
    assert refused(state, commands.GiveFloor(HA_NOI)) == "site_absent"
    assert refused(state, commands.MarkNext(HA_NOI)) == "site_absent"
    assert refused(state, commands.GiveFloor(SiteCode("99"))) == "unknown_site"


def test_a_device_that_leaves_takes_its_hand_down(queue):
    assert run(queue, commands.Leave(), device_of(HA_NOI)).queue == (DA_NANG, HCM)


def test_a_call_for_help_stands_until_it_is_answered():
    state = run(live(DA_NANG), commands.AskHelp(), device_of(DA_NANG), 12.0)
    assert view(state, "technician", None)["seat/48"].help_since == 12.0
    assert refused(state, commands.ClearHelp(DA_NANG), device_of(HA_NOI)) == "forbidden"
    assert run(state, commands.ClearHelp(DA_NANG), OPERATOR).seats[DA_NANG].help_since is None
