"""Shared screens: who offers them, who puts them on air, and when they go."""

import msgspec
import pytest

from signaling.conference import events
from signaling.conference.commands import SYSTEM, Lose
from signaling.conference.decide import decide
from signaling.conference.state import Conference
from signaling.routing import Receiver, routes
from signaling.view import view
from signaling.wire import commands
from signaling.wire.commands import GiveFloor, Preview, Scene, Share, Take, Unshare
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, PageId, SiteCode, parse_slots
from signaling.wire.ports import operator_port, site_port
from tests.signaling.build import (
    DA_NANG,
    HA_NOI,
    HCM,
    OPERATOR,
    TECHNICIAN,
    created,
    device_of,
    joined,
    live,
    run,
    single,
)

SITE_SLOTS = frozenset(parse_slots("stage:4"))
OPERATOR_SLOTS = frozenset(parse_slots("stage:4,preview:4,thumb:4"))


@pytest.fixture
def state() -> Conference:
    """Live; Đà Nẵng shares its screen, and nothing of it is on air."""
    return run(live(CENTRAL, DA_NANG, HA_NOI, HCM), Share(), device_of(DA_NANG))


@pytest.fixture
def on_air(state) -> Conference:
    """With it on air, Đà Nẵng beside it."""
    return run(state, Take(with_slides(DA_NANG)), OPERATOR)


def with_slides(site: SiteCode, *seats: SiteCode) -> Scene:
    shown = seats or (site,)
    return Scene("single" if len(shown) == 1 else "grid", shown, site)


def seen_by(state: Conference, site: SiteCode) -> dict[str, str]:
    table = routes(state, [Receiver(site_port(site), "site", site, SITE_SLOTS)])
    return {slot: f"{source}:{track}" for (_, slot), (source, track) in table.items()}


def directed(state: Conference, *watch: SiteCode) -> dict[str, str]:
    receiver = Receiver(operator_port(PageId("page-one")), "operator", None, OPERATOR_SLOTS, watch)
    return {
        slot: f"{source}:{track}"
        for (_, slot), (source, track) in routes(state, [receiver]).items()
    }


def refused(state: Conference, command, actor=OPERATOR) -> str:
    with pytest.raises(WireError) as caught:
        decide(state, command, actor, 0.0)
    return caught.value.code


def test_a_site_that_shares_is_on_no_picture_before_an_operator_takes_it(state):
    assert view(state, "operator", None)["seat/48"].sharing
    assert state.program == single(CENTRAL)
    assert seen_by(state, HA_NOI) == {"stage:1": "00/main:camera"}
    assert decide(state, Share(), device_of(DA_NANG), 0.0) == []


def test_nobody_shares_for_another_and_an_operator_does_not_share():
    state = live(DA_NANG)
    assert refused(state, Share(), device_of(DA_NANG, "laptop")) == "forbidden"
    assert refused(state, Share(), OPERATOR) == "forbidden"
    assert refused(state, Unshare(), TECHNICIAN) == "forbidden"


def test_before_the_start_slides_can_be_prepared_and_after_the_end_they_are_gone(on_air):
    before = run(joined(created(), DA_NANG), Share(), device_of(DA_NANG))
    assert before.seats[DA_NANG].sharing
    ended = run(on_air, commands.End(), OPERATOR)
    assert not ended.seats[DA_NANG].sharing
    assert ended.program == single(DA_NANG)
    assert refused(ended, Share(), device_of(DA_NANG)) == "wrong_phase"


def test_slides_on_air_are_the_first_picture_and_the_sites_follow(state):
    state = run(state, Take(with_slides(DA_NANG, DA_NANG, HA_NOI)), OPERATOR)
    assert seen_by(state, HCM) == {
        "stage:1": "48/main:slides",
        "stage:2": "48/main:camera",
        "stage:3": "01/main:camera",
    }
    row = view(state, "site", HCM)["stage"]
    assert row.slides.site == DA_NANG
    assert [seat.site for seat in row.seats] == [DA_NANG, HA_NOI]


def test_who_shares_sees_the_others_and_not_its_own_slides(on_air):
    assert seen_by(on_air, DA_NANG) == {"stage:1": "00/main:camera"}
    assert view(on_air, "site", DA_NANG)["stage"].slides is None


def test_the_centre_shares_like_any_site(state):
    state = run(state, Share(), device_of(CENTRAL))
    state = run(state, Take(with_slides(CENTRAL, DA_NANG)), OPERATOR)
    assert seen_by(state, HA_NOI) == {"stage:1": "00/main:slides", "stage:2": "48/main:camera"}
    assert seen_by(state, CENTRAL) == {"stage:1": "48/main:camera"}


def test_an_operator_sees_in_the_preview_what_would_be_on_air(state):
    state = run(state, Preview(with_slides(DA_NANG, HA_NOI)), OPERATOR)
    seen = directed(state, DA_NANG)
    assert seen["preview:1"] == "48/main:slides"
    assert seen["preview:2"] == "01/main:camera"
    assert seen["stage:1"] == "00/main:camera"
    assert seen["thumb:1"] == "48/main:camera"


def test_only_slides_that_are_shared_can_be_taken(state):
    for command in (Take, Preview):
        assert refused(state, command(with_slides(HA_NOI))) == "not_sharing"
        assert refused(state, command(with_slides(SiteCode("99"), HA_NOI))) == "unknown_site"


def test_at_most_three_sites_stand_beside_slides(state):
    run(state, Take(with_slides(DA_NANG, DA_NANG, HA_NOI, HCM)), OPERATOR)
    four = with_slides(DA_NANG, CENTRAL, DA_NANG, HA_NOI, HCM)
    assert refused(state, Take(four)) == "bad_scene"


def test_slides_that_end_leave_program_and_preview_and_do_not_come_back_by_themselves(on_air):
    state = run(on_air, Preview(with_slides(DA_NANG, HA_NOI)), OPERATOR)
    state = run(state, Unshare(), device_of(DA_NANG))
    assert (state.program, state.preview) == (single(DA_NANG), single(HA_NOI))
    assert seen_by(state, HA_NOI) == {"stage:1": "48/main:camera"}
    again = run(state, Share(), device_of(DA_NANG))
    assert again.program == single(DA_NANG)


def test_a_silent_device_takes_its_slides_off_the_picture_and_brings_them_back(on_air):
    state = run(on_air, Lose(DA_NANG), SYSTEM)
    assert seen_by(state, HA_NOI) == {"stage:1": "48/main:camera"}
    assert view(state, "operator", None)["stage"].slides is None
    assert state.program == with_slides(DA_NANG)
    assert seen_by(joined(state, DA_NANG), HA_NOI)["stage:1"] == "48/main:slides"


@pytest.mark.parametrize("how", ["leaves", "is replaced"])
def test_slides_go_with_their_device(on_air, how):
    if how == "leaves":
        state = run(on_air, commands.Leave(), device_of(DA_NANG))
    else:
        state = joined(run(on_air, Lose(DA_NANG), SYSTEM), DA_NANG, "laptop")
    assert not state.seats[DA_NANG].sharing
    assert state.program == single(DA_NANG)


def test_a_new_speaker_keeps_its_own_slides_and_those_of_the_centre_only(on_air):
    own = run(on_air, GiveFloor(DA_NANG), OPERATOR)
    assert own.program == with_slides(DA_NANG)
    other = run(on_air, GiveFloor(HA_NOI), OPERATOR)
    assert other.program == single(HA_NOI)
    hall = run(on_air, Share(), device_of(CENTRAL))
    hall = run(hall, Take(with_slides(CENTRAL)), OPERATOR)
    hall = run(hall, GiveFloor(HA_NOI), OPERATOR)
    assert hall.program == with_slides(CENTRAL, HA_NOI)
    assert run(hall, commands.EndFloor(), OPERATOR).program == with_slides(CENTRAL)
    assert run(own, commands.EndFloor(), OPERATOR).program == single(CENTRAL)


def test_undoing_the_floor_brings_back_slides_that_are_still_shared(on_air):
    given = run(on_air, GiveFloor(HA_NOI), OPERATOR)
    assert run(given, commands.TakeBackFloor(), OPERATOR).program == with_slides(DA_NANG)
    stopped = run(given, Unshare(), device_of(DA_NANG))
    assert run(stopped, commands.TakeBackFloor(), OPERATOR).program == single(DA_NANG)


def test_undoing_the_floor_of_who_shows_slides_leaves_no_picture_of_it(state):
    state = run(state, Take(with_slides(DA_NANG, HA_NOI)), OPERATOR)
    given = run(state, GiveFloor(DA_NANG), OPERATOR)
    stopped = run(given, Unshare(), device_of(DA_NANG))
    assert run(stopped, commands.TakeBackFloor(), OPERATOR).program == single(HA_NOI)


def test_a_rehearsal_leaves_no_slides_on_air():
    state = run(joined(created(), DA_NANG), commands.Rehearse(), OPERATOR)
    state = run(state, Share(), device_of(DA_NANG))
    state = run(state, Take(with_slides(DA_NANG)), OPERATOR)
    state = run(state, commands.EndRehearsal(), OPERATOR)
    assert state.program == single(CENTRAL)


def test_events_of_before_there_were_slides_are_read_as_scenes_without():
    stored = b'{"type":"taken.1","at":1.0,"by":"a","scene":{"layout":"single","seats":["48"]}}'
    assert events.decode(stored) == events.Taken(1.0, "a", single(DA_NANG))
    assert msgspec.json.decode(events.encode(events.decode(stored)))["scene"]["slides"] is None
