"""Owners: commands run once, in order, on disk before anybody hears of them."""

from __future__ import annotations

import asyncio

import pytest

from signaling.conference.commands import Join
from signaling.journal import Entry, Journal
from signaling.owner import Owner
from signaling.wire.commands import End, Mute, Start, Take, Unmute
from signaling.wire.errors import WireError
from tests.signaling.build import DA_NANG, HA_NOI, OPERATOR, TECHNICIAN, device_of, single
from tests.signaling.heard import Heard

PC = device_of(DA_NANG)


async def test_command_changes_state_and_tells(owner: Owner, heard: Heard) -> None:
    await owner.submit(Start(), OPERATOR)

    before, after = heard.changes[-1]
    assert before is not None
    assert (before.phase, after.phase, owner.current().phase) == ("scheduled", "live", "live")


async def test_refused_command_changes_nothing(
    owner: Owner, heard: Heard, journal: Journal
) -> None:
    stored = await journal.read(owner.conference)
    told = len(heard.changes)

    for command, actor, code in (
        (Take(single(DA_NANG)), OPERATOR, "wrong_phase"),
        (Start(), TECHNICIAN, "forbidden"),
        (Mute("99"), OPERATOR, "unknown_site"),
    ):
        with pytest.raises(WireError, match=code):
            await owner.submit(command, actor, "command-1")

    assert await journal.read(owner.conference) == stored
    assert len(heard.changes) == told


async def test_repeated_command_runs_once(owner: Owner, journal: Journal) -> None:
    await owner.submit(Unmute(DA_NANG), OPERATOR, "command-1")
    await owner.submit(Mute(DA_NANG), OPERATOR, "command-2")
    stored = len(await journal.read(owner.conference))

    await owner.submit(Unmute(DA_NANG), OPERATOR, "command-1")

    assert len(await journal.read(owner.conference)) == stored
    assert owner.current().seats[DA_NANG].muted_by_operator


async def test_same_id_with_another_command_is_a_conflict(owner: Owner) -> None:
    await owner.submit(Start(), OPERATOR, "command-1")

    with pytest.raises(WireError, match="command_conflict"):
        await owner.submit(End(), OPERATOR, "command-1")

    assert owner.current().phase == "live"


async def test_refusal_is_not_remembered(owner: Owner) -> None:
    with pytest.raises(WireError, match="wrong_phase"):
        await owner.submit(Take(single(DA_NANG)), OPERATOR, "command-1")
    await owner.submit(Start(), OPERATOR)

    await owner.submit(Take(single(DA_NANG)), OPERATOR, "command-1")

    assert owner.current().program == single(DA_NANG)


async def test_ids_of_two_devices_do_not_meet(owner: Owner) -> None:
    other = device_of(HA_NOI)
    for actor in (PC, other):
        assert actor.site is not None
        assert actor.device is not None
        await owner.submit(Join(actor.site, actor.device), actor)

    await owner.submit(Unmute(DA_NANG), PC, "command-1")
    await owner.submit(Unmute(HA_NOI), other, "command-1")

    seats = owner.current().seats
    assert not seats[DA_NANG].muted_by_site
    assert not seats[HA_NOI].muted_by_site


async def test_two_operators_at_once_run_one_after_the_other(
    owner: Owner, journal: Journal
) -> None:
    await owner.submit(Start(), OPERATOR)

    await asyncio.gather(
        *(owner.submit(Take(single(site)), OPERATOR) for site in (DA_NANG, HA_NOI) * 5)
    )

    assert await journal.verify_chain(owner.conference) == 12
    assert owner.current().program == single(HA_NOI)


async def test_waiting_client_that_goes_away_does_not_undo_its_command(owner: Owner) -> None:
    waiting = asyncio.create_task(owner.submit(Start(), OPERATOR))
    await asyncio.sleep(0)
    waiting.cancel()

    await owner.submit(Unmute(DA_NANG), OPERATOR)

    assert owner.current().phase == "live"


async def test_foreign_append_is_read_and_told_before_deciding_again(
    owner: Owner, journal: Journal, heard: Heard
) -> None:
    started = b'{"type":"started.1","at":1.0,"by":"account/other"}'
    await journal.append(owner.conference, owner.epoch, 1, [Entry(1.0, "started.1", started)])

    with pytest.raises(WireError, match="wrong_phase"):
        await owner.submit(Start(), OPERATOR)

    assert heard.changes[-1][1].phase == "live"
    await owner.submit(End(), OPERATOR)
    assert owner.current().phase == "ended"


async def test_owner_with_an_older_epoch_stops(owner: Owner, journal: Journal) -> None:
    await journal.raise_epoch(owner.conference)

    for _ in range(2):
        with pytest.raises(WireError, match="shutting_down"):
            await owner.submit(Start(), OPERATOR)

    assert owner.current().phase == "scheduled"


async def test_stopped_owner_refuses(owner: Owner) -> None:
    await owner.stop()

    with pytest.raises(WireError, match="shutting_down"):
        await owner.submit(Start(), OPERATOR)
