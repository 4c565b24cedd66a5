"""All conferences: found, loaded, watched for silent seats."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from signaling.conference.commands import SYSTEM, Join
from signaling.conferences import Conferences
from signaling.journal import Entry, Journal
from signaling.owner import Owner
from signaling.wire.commands import Start, Unmute
from signaling.wire.errors import WireError
from tests.fakes.clock import FakeClock
from tests.signaling.build import CREATE, DA_NANG, OPERATOR, TECHNICIAN, device_of
from tests.signaling.conftest import TEMPLATE
from tests.signaling.heard import Heard

PC = device_of(DA_NANG)


async def test_load_finds_the_same_state_under_a_higher_epoch(
    conferences: Conferences, owner: Owner, journal: Journal, clock: FakeClock, heard: Heard
) -> None:
    assert PC.device is not None
    await owner.submit(Join(DA_NANG, PC.device), PC)
    await owner.submit(Start(), OPERATOR)
    await owner.submit(Unmute(DA_NANG), OPERATOR)
    await conferences.stop()

    later = Conferences(journal, clock, heard)
    await later.load()

    again = later.get(owner.conference)
    assert again.current() == owner.current()
    assert again.epoch == owner.epoch + 1
    assert heard.changes[-1] == (None, owner.current())
    await later.stop()


async def test_damaged_journal_costs_its_conference_alone(
    conferences: Conferences, owner: Owner, journal: Journal, clock: FakeClock, heard: Heard
) -> None:
    other = await conferences.create(TEMPLATE, OPERATOR)
    nonsense = Entry(9.0, "nonsense.1", b'{"type":"nonsense.1"}')
    await journal.append(owner.conference, owner.epoch, 1, [nonsense])
    await conferences.stop()

    later = Conferences(journal, clock, heard)
    await later.load()

    assert [one.conference for one in later.all()] == [other]
    await later.stop()


async def test_owner_that_was_replaced_leaves_silent_seats_to_the_other(
    conferences: Conferences, owner: Owner, journal: Journal, clock: FakeClock
) -> None:
    assert PC.device is not None
    await owner.submit(Join(DA_NANG, PC.device), PC)
    await journal.raise_epoch(owner.conference)
    with pytest.raises(WireError, match="shutting_down"):
        await owner.submit(Start(), OPERATOR)
    clock.advance(60)

    await conferences.lose_silent()

    assert owner.stopped
    assert owner.current().seats[DA_NANG].present


async def test_silent_seat_is_lost_and_keeps_its_flags(
    conferences: Conferences, owner: Owner, clock: FakeClock
) -> None:
    assert PC.device is not None
    await owner.submit(Join(DA_NANG, PC.device), PC)
    await owner.submit(Unmute(DA_NANG), PC)
    owner.presence.heard(DA_NANG, clock.monotonic())

    clock.advance(9.9)
    await conferences.lose_silent()
    assert owner.current().seats[DA_NANG].present

    clock.advance(0.2)
    await conferences.lose_silent()
    seat = owner.current().seats[DA_NANG]
    assert (seat.present, seat.device, seat.muted_by_site) == (False, PC.device, False)


async def test_standby_that_took_a_silent_seat_has_ten_seconds_to_come_back(
    conferences: Conferences, owner: Owner, clock: FakeClock
) -> None:
    laptop = device_of(DA_NANG, "laptop")
    assert PC.device is not None
    assert laptop.device is not None
    await owner.submit(Join(DA_NANG, PC.device), PC)
    await owner.submit(Join(DA_NANG, laptop.device, standby=True), laptop)

    clock.advance(10.1)
    await conferences.lose_silent()
    clock.advance(9.9)
    await conferences.lose_silent()
    seat = owner.current().seats[DA_NANG]
    assert (seat.present, seat.device) == (True, laptop.device)

    clock.advance(0.2)
    await conferences.lose_silent()
    assert not owner.current().seats[DA_NANG].present


async def test_only_directors_and_the_service_create(conferences: Conferences) -> None:
    with pytest.raises(WireError, match="forbidden"):
        await conferences.create(TEMPLATE, TECHNICIAN)

    own = await conferences.create(TEMPLATE, SYSTEM, "Chạy thử")

    assert conferences.get(own).current().title == "Chạy thử"
    with pytest.raises(WireError, match="not_found"):
        conferences.get("nothing")


async def test_existing_conference_is_not_founded_again(
    conferences: Conferences, owner: Owner
) -> None:
    with pytest.raises(WireError, match="command_conflict"):
        await conferences.found(replace(CREATE, conference=owner.conference), OPERATOR)

    await owner.submit(Start(), OPERATOR)
    assert owner.current().phase == "live"
