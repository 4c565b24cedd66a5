"""``diemcau doctor``: looks for what would stand in the way, and says what to do about it."""

from __future__ import annotations

import asyncio
import time

import typer
from rich.console import Console
from rich.text import Text

from cli.checks import Finding, check_all
from cli.options import Config, DataDir, Host, MediaPort, Port, settings_of
from cli.turncheck import check_turn
from config.settings import Settings

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def command(
    config: Config = None,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    media_port: MediaPort = None,
) -> None:
    """Check this machine. Ends with 1 if anything would fail, with 0 otherwise."""
    from signaling.options import PAGES

    settings = settings_of(
        config,
        data_dir=data_dir,
        signaling__host=host,
        signaling__port=port,
        bridge__media_port=media_port,
    )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    failed = 0
    for finding in (*check_all(settings, PAGES, time.time()), *asyncio.run(_turn(settings))):
        console.print(_line(finding))
        failed += finding.level == "fail"
    if failed:
        console.print(f"{failed} would fail; the lines above say what to do")
        raise typer.Exit(1)


async def _turn(settings: Settings) -> list[Finding]:
    return [finding async for finding in check_turn(settings)]


def _line(finding: Finding) -> Text:
    line = Text(f"{finding.level:<5}", STYLES[finding.level])
    line.append(finding.what, "default")
    if finding.advice:
        line.append(f"\n     → {finding.advice}", "default")
    return line
