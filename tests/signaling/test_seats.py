import pytest

from signaling.conference.commands import SYSTEM, Hear, Join, Lose, LoseStandby
from signaling.conference.decide import decide
from signaling.view import view
from signaling.wire import commands
from signaling.wire.errors import WireError
from signaling.wire.ids import DeviceId
from tests.signaling.build import DA_NANG, OPERATOR, device_of, joined, live, run, speaking

LAPTOP = device_of(DA_NANG, "laptop")
ARM = Join(DA_NANG, DeviceId("laptop-48"), standby=True)


@pytest.fixture
def armed():
    """A conference in which Đà Nẵng speaks on one device and has another waiting."""
    return run(speaking(live(DA_NANG), DA_NANG), ARM, LAPTOP)


def test_a_further_device_waits_as_standby_and_changes_nothing_else(armed):
    seat = armed.seats[DA_NANG]
    assert (seat.device, seat.standby) == ("pc-48", "laptop-48")
    assert seat.microphone_open
    assert view(armed, "operator", None)["seat/48"].standby


def test_a_third_device_finds_both_places_taken(armed):
    with pytest.raises(WireError, match="seat_taken"):
        decide(armed, Join(DA_NANG, DeviceId("tablet"), standby=True), LAPTOP, 0.0)


def test_a_standby_device_takes_the_seat_when_the_holder_falls_silent(armed):
    seat = run(armed, Lose(DA_NANG), SYSTEM).seats[DA_NANG]
    assert (seat.device, seat.standby, seat.present) == ("laptop-48", None, True)
    assert seat.muted_by_site


def test_a_promoted_device_has_the_seat_at_once_and_starts_muted(armed):
    seat = run(armed, commands.Promote(DA_NANG), OPERATOR).seats[DA_NANG]
    assert (seat.device, seat.standby) == ("laptop-48", None)
    assert seat.muted_by_site


def test_the_device_that_was_replaced_can_arm_itself_in_turn(armed):
    state = run(armed, commands.Promote(DA_NANG), OPERATOR)
    state = run(state, Join(DA_NANG, DeviceId("pc-48"), standby=True), device_of(DA_NANG))
    assert state.seats[DA_NANG].standby == "pc-48"


def test_there_is_nothing_to_promote_without_a_standby_device():
    with pytest.raises(WireError, match="no_standby"):
        decide(live(DA_NANG), commands.Promote(DA_NANG), OPERATOR, 0.0)


def test_a_standby_device_that_is_gone_is_forgotten_and_only_that_one(armed):
    assert decide(armed, LoseStandby(DA_NANG, DeviceId("tablet")), SYSTEM, 0.0) == []
    gone = run(armed, LoseStandby(DA_NANG, DeviceId("laptop-48")), SYSTEM)
    assert gone.seats[DA_NANG].standby is None


def test_standby_on_a_free_seat_takes_it():
    assert run(live(), ARM, LAPTOP).seats[DA_NANG].device == "laptop-48"


def test_a_standby_device_cannot_touch_the_microphone(armed):
    with pytest.raises(WireError, match="forbidden"):
        decide(armed, commands.Mute(DA_NANG), LAPTOP, 0.0)


def test_a_microphone_that_was_heard_stays_so_for_its_device_and_for_no_other():
    state = live(DA_NANG)
    assert view(state, "operator", None)["seat/48"].heard_at is None
    pc = device_of(DA_NANG).device
    state = run(state, Hear(DA_NANG, pc), SYSTEM, 20.0)
    assert view(state, "operator", None)["seat/48"].heard_at == 20.0
    assert decide(state, Hear(DA_NANG, pc), SYSTEM, 30.0) == []
    state = run(state, Lose(DA_NANG), SYSTEM, 40.0)
    assert joined(state, DA_NANG).seats[DA_NANG].heard_at == 20.0
    laptop = joined(state, DA_NANG, "laptop")
    assert laptop.seats[DA_NANG].heard_at is None
    assert decide(laptop, Hear(DA_NANG, pc), SYSTEM, 50.0) == []


def test_only_the_service_says_that_a_microphone_was_heard():
    for actor in (OPERATOR, device_of(DA_NANG)):
        with pytest.raises(WireError, match="forbidden"):
            decide(live(DA_NANG), Hear(DA_NANG, device_of(DA_NANG).device), actor, 0.0)
