"""Which mixes a conference needs: for whom, and how many."""

import pytest

from signaling.conference.state import Conference
from signaling.mixes import SHORT_S, Shortage, listeners, wanted
from signaling.routing import Receiver, routes
from signaling.sessions import Session
from signaling.wire.commands import Recess, StartRecording
from signaling.wire.figures import MixFigures
from signaling.wire.ids import NodeId, PageId, Port, Scope, SessionId, parse_slots
from signaling.wire.ports import mix_port, operator_port, site_port
from tests.signaling.build import (
    DA_NANG,
    HA_NOI,
    HCM,
    OPERATOR,
    created,
    joined,
    live,
    run,
    speaking,
)

WINDOW = operator_port(PageId("p"))


def session(port, slots, direction="receive"):
    names = frozenset(parse_slots(slots)) if slots else frozenset()
    return Session(NodeId("n"), SessionId("s"), Scope("c"), port, direction, "connected", names)


def test_who_takes_one_sound_is_a_listener():
    sessions = [
        session(site_port(DA_NANG), "stage:1,mix:1"),
        session(site_port(HA_NOI), "stage:1,floor:4"),
        session(Port("mix/48"), "", "publish"),
        session(WINDOW, "mix:1"),
    ]
    assert listeners(sessions) == {site_port(DA_NANG), WINDOW}


def test_nothing_is_mixed_for_nobody():
    assert wanted(live(DA_NANG), []) == []


@pytest.mark.parametrize("silent", [created(), run(live(DA_NANG), Recess(), OPERATOR)])
def test_nothing_is_mixed_before_the_start_or_in_a_break(silent: Conference):
    assert wanted(silent, [site_port(DA_NANG)]) == []


def test_a_recording_has_the_mix_of_the_program():
    assert wanted(run(live(), StartRecording(), OPERATOR), []) == ["mix/program"]


def test_a_site_whose_device_may_speak_has_its_own_and_all_others_share_one():
    listening = [site_port(DA_NANG), site_port(HA_NOI), WINDOW, Port("99/main")]
    assert wanted(live(DA_NANG), listening) == ["mix/program", "mix/48"]
    assert wanted(live(), listening) == ["mix/program"]


def test_with_too_many_the_open_microphones_come_first():
    state = speaking(live(HCM, HA_NOI, DA_NANG), HA_NOI)
    listening = [site_port(site) for site in (HCM, HA_NOI, DA_NANG)]
    assert wanted(state, listening, most=2) == ["mix/program", "mix/01", "mix/48"]


def test_a_mix_receives_the_floor_while_anybody_may_hear_it():
    slots = frozenset(parse_slots("floor:4"))
    receiver = Receiver(mix_port(DA_NANG), "system", None, slots)
    floor = {(mix_port(DA_NANG), f"floor:{n}"): (f"@floor/{n}", "mic") for n in (1, 2, 3, 4)}
    assert routes(live(DA_NANG), [receiver]) == floor
    assert routes(created(), [receiver]) == {}
    assert routes(run(live(DA_NANG), Recess(), OPERATOR), [receiver]) == {}


def test_a_plain_player_never_gets_a_mix_with_its_own_voice():
    """While it speaks; and after, as long as `mixes` does not name the program's."""
    slots = frozenset(parse_slots("mix:1"))
    state = speaking(joined(live(), DA_NANG), DA_NANG)
    for mixes, heard in ((("program",), "@floor/1"), (("program", "48"), "mix/48")):
        ports = frozenset(map(mix_port, mixes))
        receiver = Receiver(site_port(DA_NANG), "site", DA_NANG, slots, mixes=ports)
        assert list(routes(state, [receiver]).values()) == [(heard, "mic")]


A, B = mix_port("program"), mix_port("48")


def test_what_is_wanted_and_does_not_come_is_missing_after_a_moment_until_it_comes():
    shortage = Shortage()
    assert not shortage.judge(0.0, [A, B], {A})
    assert shortage.figures == MixFigures(2, 1)
    assert shortage.judge(SHORT_S, [A, B], {A})
    assert shortage.figures == MixFigures(2, 1, missing=True)
    assert not shortage.judge(SHORT_S + 1, [A, B], {A})
    assert shortage.judge(SHORT_S + 2, [A, B], {A, B})
    assert not shortage.missing
    assert shortage.figures == MixFigures(2, 2)


def test_a_mix_that_is_wanted_no_longer_is_not_missing():
    shortage = Shortage()
    shortage.judge(0.0, [A], ())
    shortage.judge(SHORT_S, [A], ())
    assert shortage.judge(SHORT_S + 1, [], {A})
    assert shortage.figures is None
