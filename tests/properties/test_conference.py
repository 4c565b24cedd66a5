"""Whatever is asked in whatever order, these hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.conference import events
from signaling.conference.commands import SYSTEM, Join, Lose
from signaling.conference.decide import decide
from signaling.conference.evolve import evolve, fold
from signaling.conference.state import FLOOR_POSITIONS
from signaling.routing import Receiver, routes, site_port, stage
from signaling.view import difference, view
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, DeviceId, SiteCode, parse_slots
from signaling.wire.pages import End, Leave, Mute, Preview, Scene, Start, Take, Unmute
from tests.signaling.build import CREATE, OPERATOR, TECHNICIAN, device_of

CODES = [site.code for site in CREATE.sites]
sites = st.sampled_from([*CODES, SiteCode("99")])
scenes = st.builds(
    Scene, st.sampled_from(["single", "grid"]), st.lists(sites, max_size=5).map(tuple)
)
devices = st.builds(device_of, st.sampled_from(CODES), st.sampled_from(["pc", "laptop"]))
steps = st.one_of(
    st.tuples(
        st.one_of(
            st.just(Start()),
            st.just(End()),
            st.builds(Preview, scenes | st.none()),
            st.builds(Take, scenes),
            st.builds(Mute, sites),
            st.builds(Unmute, sites),
            st.just(Leave()),
        ),
        st.one_of(st.just(OPERATOR), st.just(TECHNICIAN), devices),
    ),
    devices.map(lambda actor: (Join(actor.site, DeviceId(actor.device)), actor)),
    st.tuples(st.builds(Lose, sites), st.just(SYSTEM)),
)
SLOTS = frozenset(parse_slots("stage:4,floor:4"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(steps, st.floats(0, 1000)), max_size=40))
def test_any_history_keeps_the_rules(history):
    happened = decide(None, CREATE, OPERATOR, 0.0)
    state = fold(happened)
    seen = view(state, "operator", None)
    for (command, actor), now in history:
        try:
            new = decide(state, command, actor, now)
        except WireError:
            continue
        for event in new:
            assert event.at >= state.at
            state = evolve(state, event)
        happened += new
        after = view(state, "operator", None)
        put, drop = difference(seen, after)
        seen = {key: row for key, row in {**seen, **put}.items() if key not in drop}
        assert seen == after
        _check(state)
    assert fold(events.decode(events.encode(event)) for event in happened) == state


def _check(state) -> None:
    open_seats = {code for code, seat in state.seats.items() if seat.microphone_open}
    carried = [site for site in state.floor if site is not None]
    assert len(state.floor) == FLOOR_POSITIONS
    assert set(carried) | set(state.waiting) == open_seats
    assert len(carried) + len(state.waiting) == len(open_seats)
    assert not state.waiting or None not in state.floor
    receivers = [Receiver(site_port(code), "site", code, SLOTS) for code in CODES]
    table = routes(state, receivers)
    for (port, _), (source, track) in table.items():
        assert port != source
        if track == "mic":
            assert SiteCode(source.partition("/")[0]) in open_seats
    for code in CODES:
        assert code not in stage(state, code)
        assert len(set(stage(state, code))) == len(stage(state, code))
    if state.phase != "live":
        assert table == {}
    assert state.seats[CENTRAL].site.code == CENTRAL
