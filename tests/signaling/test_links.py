"""Site links: the same at every look, good for one seat, withdrawn by their id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from signaling import typedcode
from signaling.conference.state import Conference
from signaling.database import FILE_NAME, Database
from signaling.keys import load_keys
from signaling.links import AFTER_END_S, LIFETIME_S, Links
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
    link, expires_at = await links.open(await token(links, DA_NANG), STATE, DA_NANG, NOW)

    assert (link.conference, link.site, expires_at) == (C, DA_NANG, NOW + LIFETIME_S)


OTHER = replace(STATE, conference=ConferenceId("other"))


@pytest.mark.parametrize(("state", "site"), [(STATE, HA_NOI), (OTHER, DA_NANG)])
async def test_link_of_another_seat_is_foreign(
    links: Links, state: Conference, site: SiteCode
) -> None:
    with pytest.raises(WireError, match="link_foreign"):
        await links.open(await token(links, DA_NANG), state, site, NOW)


async def test_link_expires(links: Links) -> None:
    with pytest.raises(WireError, match="link_expired"):
        await links.open(await token(links, DA_NANG), STATE, DA_NANG, NOW + LIFETIME_S)


@pytest.mark.parametrize("wrong", ["", "x", "a.b.c", "é" * 10, "x" * 5000])
async def test_anything_else_is_invalid(links: Links, wrong: str) -> None:
    with pytest.raises(WireError, match="link_invalid"):
        await links.open(wrong, STATE, DA_NANG, NOW)


async def test_revoked_link_is_dead_and_so_is_its_device_until_it_is_rotated(
    links: Links,
) -> None:
    held = await token(links, DA_NANG)
    link, expires_at = await links.open(held, STATE, DA_NANG, NOW)
    cookie = links.device_cookie(link, None, expires_at)

    revoked = await links.revoke(STATE, DA_NANG, NOW)

    assert (revoked.url, revoked.code, revoked.revoked) == ("", "", True)
    with pytest.raises(WireError, match="link_revoked"):
        await links.open(held, STATE, DA_NANG, NOW)
    with pytest.raises(WireError, match="link_revoked"):
        await links.device(cookie, STATE, DA_NANG, NOW)
    assert await links.over([(STATE, link.jti)], NOW) == {link.jti: "link_revoked"}
    assert (await links.of(STATE, NOW))[1] == revoked
    assert not any(one.revoked for one in await links.of(STATE, NOW) if one.site != DA_NANG)

    fresh = await links.rotate(STATE, DA_NANG, NOW)

    assert not fresh.revoked
    assert (await links.of(STATE, NOW))[1] == fresh
    assert fresh.url.partition("#t=")[2] != held
    with pytest.raises(WireError, match="link_revoked"):
        await links.open(held, STATE, DA_NANG, NOW)


async def test_link_that_was_never_shown_can_be_revoked(links: Links) -> None:
    assert (await links.revoke(STATE, DA_NANG, NOW)).revoked
    assert (await links.of(STATE, NOW))[1].revoked


@pytest.mark.parametrize("change", ["rotate", "revoke"])
async def test_link_of_an_unknown_site_cannot_be_changed(links: Links, change: str) -> None:
    with pytest.raises(WireError, match="unknown_site"):
        await getattr(links, change)(STATE, SiteCode("99"), NOW)


async def test_rotating_leaves_the_links_of_others_alone(links: Links) -> None:
    before = await links.of(STATE, NOW)

    await links.rotate(STATE, DA_NANG, NOW)

    after = await links.of(STATE, NOW)
    assert [one.site for one in after if one not in before] == [DA_NANG]


async def test_link_holds_for_a_day_after_the_end_and_again_when_it_is_reopened(
    links: Links,
) -> None:
    held = await token(links, DA_NANG)
    ended = replace(STATE, phase="ended", ended_at=NOW)
    link, until = await links.open(held, ended, DA_NANG, NOW)
    after = NOW + AFTER_END_S

    assert until == after
    with pytest.raises(WireError, match="link_expired"):
        await links.open(held, ended, DA_NANG, after)
    assert await links.over([(ended, link.jti)], after) == {link.jti: "link_expired"}
    assert await links.over([(STATE, link.jti)], after) == {}
    assert (await links.open(held, STATE, DA_NANG, after))[1] == NOW + LIFETIME_S


async def test_typed_code_opens_the_link_that_it_belongs_to(links: Links) -> None:
    told = {link.site: link.code for link in await links.of(STATE, NOW)}
    code = typedcode.read(told[DA_NANG].lower().replace("-", " "))
    assert code is not None

    link, state, expires_at = await links.open_typed(code, [OTHER, STATE], NOW)

    assert (link.conference, link.site, expires_at) == (C, DA_NANG, NOW + LIFETIME_S)
    assert state is STATE
    assert (await links.open(await token(links, DA_NANG), STATE, DA_NANG, NOW))[0] == link


@pytest.mark.parametrize("why", ["wrong", "other site", "revoked", "rotated", "expired", "ended"])
async def test_typed_code_that_is_not_or_no_longer_right_is_invalid(links: Links, why: str) -> None:
    told = {link.site: link.code for link in await links.of(STATE, NOW)}
    text, state, now = told[DA_NANG], STATE, NOW
    if why == "wrong":
        text = "48-AAAAAAAA"
    elif why == "other site":
        text = f"01-{text[3:]}"
    elif why == "revoked":
        await links.revoke(STATE, DA_NANG, NOW)
    elif why == "rotated":
        await links.rotate(STATE, DA_NANG, NOW)
    elif why == "expired":
        now = NOW + LIFETIME_S
    else:
        state, now = replace(STATE, phase="ended", ended_at=NOW), NOW + AFTER_END_S
    code = typedcode.read(text)
    assert code is not None

    with pytest.raises(WireError, match="code_invalid"):
        await links.open_typed(code, [state], now)


async def test_neither_token_nor_code_is_stored(links: Links, tmp_path: Path) -> None:
    shown = (await links.of(STATE, NOW))[1]

    stored = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))

    assert shown.code.partition("-")[2].encode() not in stored
    assert shown.url.partition("#t=")[2].encode() not in stored


async def test_device_cookie_names_its_device_for_its_seat_alone(links: Links) -> None:
    link, expires_at = await links.open(await token(links, DA_NANG), STATE, DA_NANG, NOW)
    cookie = links.device_cookie(link, None, expires_at)

    device = await links.device(cookie, STATE, DA_NANG, NOW)
    again = links.device_cookie(link, device.device, expires_at)

    assert (await links.device(again, STATE, DA_NANG, NOW)).device == device.device
    with pytest.raises(WireError, match="unauthenticated"):
        await links.device(cookie, STATE, HA_NOI, NOW)


async def test_keys_survive_and_old_links_hold(links: Links, database: Database) -> None:
    held = await token(links, DA_NANG)
    later = Links(database, await load_keys(database, NOW + 1), "https://hop.example.vn")

    assert (await later.open(held, STATE, DA_NANG, NOW))[0].site == DA_NANG
