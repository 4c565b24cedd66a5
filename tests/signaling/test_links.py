"""Site links: the same at every look, good for one seat, withdrawn by their id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from signaling.database import Database
from signaling.links import LIFETIME_S, Links, load_keys
from signaling.tables import links as table
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, SiteCode
from tests.signaling.build import DA_NANG, HA_NOI, created

NOW = 1_700_000_000.0
STATE = created()
C = STATE.conference


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def links(database: Database) -> Links:
    return Links(database, await load_keys(database, NOW), "https://hop.example.vn")


async def token(links: Links, site: SiteCode) -> str:
    """The token in a site's link."""
    every = {link.site: link.url for link in await links.of(STATE, NOW)}
    return every[site].partition("#t=")[2]


async def test_links_are_in_protocol_order_and_stay_the_same(links: Links) -> None:
    first, second = await links.of(STATE, NOW), await links.of(STATE, NOW + 1)

    assert first == second
    assert [link.site for link in first] == list(STATE.seats)
    assert first[1].url.startswith(f"https://hop.example.vn/c/{C}/s/48/#t=")
    assert first[1].expires_at == NOW + LIFETIME_S


async def test_link_of_a_later_conference_holds_until_after_its_start(links: Links) -> None:
    later = replace(STATE, starts_at=NOW + LIFETIME_S * 2)

    assert (await links.of(later, NOW))[0].expires_at == later.starts_at + LIFETIME_S


async def test_link_opens_its_own_seat(links: Links) -> None:
    link, expires_at = await links.open(await token(links, DA_NANG), C, DA_NANG, NOW)

    assert (link.conference, link.site, expires_at) == (C, DA_NANG, NOW + LIFETIME_S)


@pytest.mark.parametrize(("conference", "site"), [(C, HA_NOI), (ConferenceId("other"), DA_NANG)])
async def test_link_of_another_seat_is_foreign(
    links: Links, conference: ConferenceId, site: SiteCode
) -> None:
    with pytest.raises(WireError, match="link_foreign"):
        await links.open(await token(links, DA_NANG), conference, site, NOW)


async def test_link_expires(links: Links) -> None:
    with pytest.raises(WireError, match="link_expired"):
        await links.open(await token(links, DA_NANG), C, DA_NANG, NOW + LIFETIME_S)


@pytest.mark.parametrize("wrong", ["", "x", "a.b.c", "é" * 10, "x" * 5000])
async def test_anything_else_is_invalid(links: Links, wrong: str) -> None:
    with pytest.raises(WireError, match="link_invalid"):
        await links.open(wrong, C, DA_NANG, NOW)


async def test_withdrawn_link_is_invalid_and_so_is_its_device(
    links: Links, database: Database
) -> None:
    held = await token(links, DA_NANG)
    link, expires_at = await links.open(held, C, DA_NANG, NOW)
    cookie = links.device_cookie(link, None, expires_at)
    async with database.write() as connection:
        await connection.execute(
            update(table).where(table.c.jti == link.jti).values(revoked_at=NOW)
        )

    with pytest.raises(WireError, match="link_invalid"):
        await links.open(held, C, DA_NANG, NOW)
    with pytest.raises(WireError, match="unauthenticated"):
        await links.device(cookie, C, DA_NANG, NOW)


async def test_withdrawn_link_is_replaced_by_another(links: Links, database: Database) -> None:
    before = await token(links, DA_NANG)
    async with database.write() as connection:
        await connection.execute(update(table).values(revoked_at=NOW))

    assert await token(links, DA_NANG) != before


async def test_device_cookie_names_its_device_for_its_seat_alone(links: Links) -> None:
    link, expires_at = await links.open(await token(links, DA_NANG), C, DA_NANG, NOW)
    cookie = links.device_cookie(link, None, expires_at)

    device = await links.device(cookie, C, DA_NANG, NOW)
    again = links.device_cookie(link, device.device, expires_at)

    assert (await links.device(again, C, DA_NANG, NOW)).device == device.device
    with pytest.raises(WireError, match="unauthenticated"):
        await links.device(cookie, C, HA_NOI, NOW)


async def test_keys_survive_and_old_links_hold(links: Links, database: Database) -> None:
    held = await token(links, DA_NANG)
    later = Links(database, await load_keys(database, NOW + 1), "https://hop.example.vn")

    assert (await later.open(held, C, DA_NANG, NOW))[0].site == DA_NANG
