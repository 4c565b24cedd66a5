from signaling.conference.state import Conference
from signaling.routing import Receiver, routes, speakers, stage
from signaling.wire.commands import End, Mute, Preview, Scene, Take
from signaling.wire.ids import CENTRAL, PageId, SiteCode, parse_slots, slot_name
from signaling.wire.ports import mix_port, operator_port, site_port
from tests.signaling.build import (
    DA_NANG,
    HA_NOI,
    HCM,
    OPERATOR,
    created,
    device_of,
    joined,
    live,
    run,
    single,
    speaking,
)

SITE_SLOTS = frozenset(parse_slots("stage:4,floor:4"))
OPERATOR_SLOTS = frozenset(parse_slots("stage:4,floor:4,preview:4,thumb:8"))


def site(code: SiteCode) -> Receiver:
    return Receiver(site_port(code), "site", code, SITE_SLOTS)


def operator(*watch: SiteCode) -> Receiver:
    return Receiver(operator_port(PageId("page-one")), "operator", None, OPERATOR_SLOTS, watch)


def received(state: Conference, receiver: Receiver) -> dict[str, str]:
    table = routes(state, [receiver])
    return {
        slot: f"{source}:{track}" for (_, slot), (source, track) in table.items() if track != "mic"
    }


def sound(state: Conference, receiver: Receiver) -> dict[str, str]:
    table = routes(state, [receiver])
    return {slot: source for (_, slot), (source, track) in table.items() if track == "mic"}


FLOOR = {f"floor:{position}": f"@floor/{position}" for position in (1, 2, 3, 4)}


def test_before_the_start_sites_receive_nothing_and_operators_everything():
    state = run(created(), Preview(single(DA_NANG)), OPERATOR)
    assert received(state, site(DA_NANG)) == {}
    assert received(state, operator(HA_NOI)) == {
        "stage:1": "00/main:camera",
        "thumb:1": "01/main:camera",
        "preview:1": "48/main:camera",
    }


def test_live_sites_see_the_program_and_the_site_on_air_sees_the_centre():
    state = run(live(), Take(single(DA_NANG)), OPERATOR)
    assert received(state, site(HA_NOI)) == {"stage:1": "48/main:camera"}
    assert received(state, site(DA_NANG)) == {"stage:1": "00/main:camera"}
    assert received(state, site(CENTRAL)) == {"stage:1": "48/main:camera"}


def test_the_centre_on_air_sees_the_remote_site_that_was_last_on_air():
    state = live()
    assert stage(state, CENTRAL) == ()
    state = run(state, Take(single(DA_NANG)), OPERATOR)
    state = run(state, Take(single(CENTRAL)), OPERATOR)
    assert stage(state, CENTRAL) == (DA_NANG,)


def test_a_grid_shows_each_site_the_others_and_nobody_itself_or_anyone_twice():
    state = run(live(), Take(Scene("grid", (DA_NANG, HA_NOI, CENTRAL))), OPERATOR)
    assert stage(state, HCM) == (DA_NANG, HA_NOI, CENTRAL)
    assert stage(state, HA_NOI) == (DA_NANG, CENTRAL)
    assert stage(state, CENTRAL) == (DA_NANG, HA_NOI)


def test_open_microphones_are_the_speakers_by_time_of_opening():
    state = speaking(speaking(live(DA_NANG, HA_NOI), HA_NOI), DA_NANG)
    assert speakers(state) == ("01/main", "48/main")
    for actor in (OPERATOR, device_of(HA_NOI)):
        assert speakers(run(state, Mute(HA_NOI), actor)) == ("48/main",)
    assert speakers(run(state, End(), OPERATOR)) == ()


def test_whoever_receives_has_all_positions_of_the_floor_open_microphones_or_not():
    for state in (live(DA_NANG), speaking(live(DA_NANG), DA_NANG)):
        assert sound(state, site(DA_NANG)) == FLOOR
        assert sound(state, operator()) == FLOOR


def test_the_floor_is_for_sites_while_it_is_live_and_for_operators_before():
    state = speaking(joined(created(), DA_NANG), DA_NANG)
    assert speakers(state) == ("48/main",)
    assert sound(state, site(HA_NOI)) == {}
    assert sound(state, operator()) == FLOOR


def test_a_slot_that_was_not_declared_gets_no_route():
    slots = frozenset(parse_slots("stage:1"))
    state = run(live(), Take(Scene("grid", (DA_NANG, HA_NOI))), OPERATOR)
    receiver = Receiver(site_port(HCM), "site", HCM, slots)
    assert received(state, receiver) == {"stage:1": "48/main:camera"}


def test_a_site_cannot_have_the_preview_by_declaring_its_slots():
    state = run(live(), Preview(single(DA_NANG)), OPERATOR)
    receiver = Receiver(site_port(HCM), "site", HCM, OPERATOR_SLOTS)
    assert "preview:1" not in received(state, receiver)


def test_an_unknown_site_on_a_watch_list_is_passed_over():
    assert received(live(), operator(SiteCode("99"), DA_NANG))["thumb:1"] == "48/main:camera"


def test_nobody_receives_after_the_end():
    state = run(speaking(live(DA_NANG), DA_NANG), End(), OPERATOR)
    assert routes(state, [site(HA_NOI), operator(DA_NANG)]) == {}


def player(code: SiteCode, *mixes: str) -> Receiver:
    """A plain player of a site, while these mixes are published."""
    published = frozenset(mix_port(one) for one in mixes)
    return Receiver(site_port(code), "site", code, frozenset({MIX}), mixes=published)


MIX = slot_name("mix", 1)


def test_a_plain_player_hears_the_mix_and_without_a_mixer_the_first_position():
    state = speaking(joined(live(), HA_NOI), HA_NOI)
    assert sound(state, player(DA_NANG)) == {"mix:1": "@floor/1"}
    assert sound(state, player(DA_NANG, "program")) == {"mix:1": "mix/program"}
    assert sound(state, player(DA_NANG, "program", "48", "01")) == {"mix:1": "mix/48"}


def test_a_plain_player_never_hears_its_own_site_in_the_mix():
    state = speaking(joined(live(), HA_NOI), HA_NOI)
    assert sound(state, player(HA_NOI, "program")) == {"mix:1": "@floor/1"}
    assert sound(state, player(HA_NOI, "program", "01")) == {"mix:1": "mix/01"}


def test_a_plain_player_hears_nothing_before_the_start():
    assert sound(created(), player(DA_NANG, "program")) == {}
