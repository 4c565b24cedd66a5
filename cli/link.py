"""``diemcau link``: the personal links of a conference's sites, from the running service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
import typer
from rich.console import Console

from cli.options import Config, DataDir, settings_of
from cli.runfile import read_run
from cli.sign_in import mint_code
from config.settings import Settings
from signaling.wire.codec import MAX_CONTROL_FRAME, decode_body
from signaling.wire.rest import ConferenceSummary, SiteDevices, SiteLink

T = TypeVar("T")


TIMEOUT_S = 15.0


class LinkError(Exception):
    """The links cannot be had; the message says why and what to do."""


def command(
    conference: Annotated[
        str | None, typer.Option("--conference", help="Its id; else the newest not ended.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="One site's code only.")] = None,
    devices: Annotated[
        bool, typer.Option("--devices", help="WHIP and WHEP of --site, for encoders and players.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print the site links of a conference. Each is personal: send it to its site only."""
    settings = settings_of(config, data_dir=data_dir)
    if devices and site is None:
        raise typer.BadParameter("--devices needs --site")
    try:
        if devices:
            _show_devices(asyncio.run(fetch_devices(settings, conference, site or "")), as_json)
            return
        summary, links = asyncio.run(fetch(settings, conference))
    except LinkError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    links = [link for link in links if site in (None, link.site)]
    if not links:
        typer.echo(f"{summary.title} has no site {site}", err=True)
        raise typer.Exit(1)
    if as_json:
        told = [
            {"site": link.site, "name": link.name, "url": link.url, "code": link.code}
            for link in links
        ]
        typer.echo(json.dumps({"conference": summary.conference, "links": told}))
        return
    _show(summary, links)


def _show(summary: ConferenceSummary, links: list[SiteLink]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{summary.title} ({summary.conference})", style="bold")
    for link in links:
        shown = f"{link.code}  {link.url}" if not link.revoked else "revoked; rotate it"
        console.print(f"{link.site}  {link.name:<22} {shown}")


def _show_devices(devices: SiteDevices, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(devices).decode())
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{devices.site}  {devices.name}", style="bold")
    console.print(f"encoder  WHIP {devices.whip}  {devices.codec} + Opus")
    console.print(f"         Bearer {devices.publish_token}")
    console.print(f"player   WHEP {devices.whep}")
    console.print(f"         Bearer {devices.play_token}")


async def fetch(
    settings: Settings, conference: str | None
) -> tuple[ConferenceSummary, list[SiteLink]]:
    """The conference and its links.

    Raises:
        LinkError: nothing runs in this data directory, it refuses, or there is no such conference.
    """

    async def ask(
        http: aiohttp.ClientSession, chosen: ConferenceSummary
    ) -> tuple[ConferenceSummary, list[SiteLink]]:
        async with http.get(f"/api/conferences/{chosen.conference}/links") as response:
            return chosen, decode_body(await _check(response), list[SiteLink], MAX_CONTROL_FRAME)

    return await _signed_in(settings, conference, ask)


async def fetch_devices(settings: Settings, conference: str | None, site: str) -> SiteDevices:
    """What one site's encoder and players need. Raises as `fetch`."""

    async def ask(http: aiohttp.ClientSession, chosen: ConferenceSummary) -> SiteDevices:
        path = f"/api/conferences/{chosen.conference}/links/{quote(site, safe='')}/devices"
        async with http.get(path) as response:
            return decode_body(await _check(response), SiteDevices, MAX_CONTROL_FRAME)

    return await _signed_in(settings, conference, ask)


async def _signed_in(
    settings: Settings,
    conference: str | None,
    ask: Callable[[aiohttp.ClientSession, ConferenceSummary], Awaitable[T]],
) -> T:
    """Ask the service that runs in this data directory, as an operator for a moment."""
    run = read_run(settings.data_dir)
    if run is None:
        raise LinkError(f"no service runs in {settings.data_dir}; start it: diemcau up")
    code = await mint_code(settings.data_dir, "operator")
    try:
        async with aiohttp.ClientSession(
            run.local_url,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(TIMEOUT_S),
        ) as http:
            return await _ask(http, code, conference, ask)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise LinkError(f"{run.local_url} does not answer: {error}") from None


async def _ask(
    http: aiohttp.ClientSession,
    code: str,
    conference: str | None,
    ask: Callable[[aiohttp.ClientSession, ConferenceSummary], Awaitable[T]],
) -> T:
    async with http.post("/api/sign-in", json={"code": code}) as response:
        await _check(response)
    try:
        async with http.get("/api/conferences") as response:
            all_of_them = decode_body(
                await _check(response), list[ConferenceSummary], MAX_CONTROL_FRAME
            )
        return await ask(http, _choose(all_of_them, conference))
    finally:
        async with http.post("/api/sign-out"):
            pass


async def _check(response: aiohttp.ClientResponse) -> bytes:
    body = await response.read()
    if response.status >= 400:
        raise LinkError(f"{response.url.path} answered {response.status}: {body.decode()[:300]}")
    return body


def _choose(conferences: list[ConferenceSummary], wanted: str | None) -> ConferenceSummary:
    """The wanted one, or the first (they come newest first) that has not ended."""
    for summary in conferences:
        if summary.conference == wanted or (wanted is None and summary.phase != "ended"):
            return summary
    known = ", ".join(summary.conference for summary in conferences) or "none"
    raise LinkError(f"there is no such conference; there are: {known}")
