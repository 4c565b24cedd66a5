"""Whatever is asked in whatever order, these hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.conference import events
from signaling.conference.commands import SYSTEM, Hear, Join, Lose, LoseStandby
from signaling.conference.decide import decide
from signaling.conference.evolve import evolve, fold
from signaling.conference.state import MAX_SCENE_SEATS
from signaling.routing import Receiver, routes, slides, speakers, stage
from signaling.view import difference, view
from signaling.wire import commands
from signaling.wire.commands import Scene
from signaling.wire.errors import WireError
from signaling.wire.ids import CENTRAL, DeviceId, SiteCode, parse_slots
from signaling.wire.ports import floor_port, site_port
from tests.signaling.build import CREATE, OPERATOR, TECHNICIAN, device_of

CODES = [site.code for site in CREATE.sites]
sites = st.sampled_from([*CODES, SiteCode("99")])
scenes = st.builds(
    Scene,
    st.sampled_from(["single", "grid"]),
    st.lists(sites, max_size=5).map(tuple),
    st.none() | sites,
)
devices = st.builds(device_of, st.sampled_from(CODES), st.sampled_from(["pc", "laptop"]))
steps = st.one_of(
    st.tuples(
        st.one_of(
            st.sampled_from(
                [
                    commands.Rehearse(),
                    commands.EndRehearsal(),
                    commands.Start(),
                    commands.Recess(),
                    commands.Resume(),
                    commands.End(),
                    commands.Reopen(),
                    commands.Leave(),
                    commands.RaiseHand(),
                    commands.LowerAllHands(),
                    commands.TakeBackFloor(),
                    commands.EndFloor(),
                    commands.AskHelp(),
                    commands.Share(),
                    commands.Unshare(),
                ]
            ),
            st.builds(commands.Preview, scenes | st.none()),
            st.builds(commands.Take, scenes),
            st.sampled_from(
                [
                    commands.Mute,
                    commands.Unmute,
                    commands.LowerHand,
                    commands.GiveFloor,
                    commands.Promote,
                    commands.ClearHelp,
                    commands.MarkNext,
                ]
            ).flatmap(lambda kind: st.builds(kind, sites)),
            st.builds(commands.OrderHands, st.lists(sites, max_size=4)),
        ),
        st.one_of(st.just(OPERATOR), st.just(TECHNICIAN), devices),
    ),
    st.builds(
        lambda actor, standby: (Join(actor.site, DeviceId(actor.device), standby), actor),
        devices,
        st.booleans(),
    ),
    st.tuples(st.builds(Lose, sites), st.just(SYSTEM)),
    devices.map(lambda actor: (Hear(actor.site, DeviceId(actor.device)), SYSTEM)),
    devices.map(lambda actor: (LoseStandby(actor.site, DeviceId(actor.device)), SYSTEM)),
)
SLOTS = frozenset(parse_slots("stage:4,floor:4"))


@settings(max_examples=150)
@given(st.lists(st.tuples(steps, st.floats(0, 1000)), max_size=60))
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
    assert set(state.floor) == open_seats
    assert len(state.floor) == len(open_seats)
    receivers = [Receiver(site_port(code), "site", code, SLOTS) for code in CODES]
    table = routes(state, receivers)
    for (port, slot), (source, track) in table.items():
        assert port != source
        if track == "mic":
            assert source == floor_port(int(slot.removeprefix("floor:")))
    assert set(speakers(state)) <= {site_port(code) for code in open_seats}
    for scene in (state.program, state.preview):
        assert scene is None or scene.slides is None or state.seats[scene.slides].sharing
    for code in CODES:
        assert code not in stage(state, code)
        assert slides(state, code) != code
        assert len(stage(state, code)) + (slides(state, code) is not None) <= MAX_SCENE_SEATS
        assert len(set(stage(state, code))) == len(stage(state, code))
    if state.phase not in ("live", "rehearsal"):
        assert table == {}
    hands = {code for code, seat in state.seats.items() if seat.hand_since is not None}
    assert set(state.queue) == hands
    assert len(state.queue) == len(hands)
    for seat in state.seats.values():
        assert seat.standby is None or seat.standby != seat.device
        assert seat.spoken_s >= 0
    assert state.seats[CENTRAL].site.code == CENTRAL
