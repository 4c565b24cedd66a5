"""``diemcau agent``: join as a site without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bridge.endpoint import agentmedia, cellcode, doors, loops
from bridge.endpoint.agent import Agent, AgentError, StateFile
from cli.logs import configure_logs
from config.settings import LogSettings


def command(
    link: Annotated[str, typer.Option(metavar="URL", help="The site's link, as it was sent.")],
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What to show and say: a file, rtsp://…, /dev/video0."),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="FFmpeg's format of a device, e.g. v4l2.")
    ] = None,
    unmute: Annotated[
        bool, typer.Option("--unmute", help="Lift the site's own mute flag on joining.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps who this device is.")
    ] = None,
) -> None:
    """Join as a site without a browser; without --file with a test picture and a tone."""
    configure_logs(LogSettings(), "agent")
    try:
        read = doors.read_link(link)
    except doors.LinkError as error:
        typer.echo(f"--link: {error}", err=True)
        raise typer.Exit(2) from None

    def open_media() -> agentmedia.AgentMedia:
        if file is not None:
            return agentmedia.from_file(file, form)
        return agentmedia.generated(_label(read.site), f"Agent {read.site}", _tone_hz(read.site))

    agent = Agent(read, StateFile(state or _default_state()), open_media, unmute=unmute)
    try:
        asyncio.run(_until_stopped(agent))
    except AgentError as error:
        structlog.get_logger("agent").error("agent ends", why=str(error))
        raise typer.Exit(1) from None


async def _until_stopped(agent: Agent) -> None:
    running = asyncio.create_task(agent.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _label(site: str) -> str:
    known = "".join(one for one in site if one in cellcode.ALPHABET[1:])
    return known[-cellcode.MAX_LABEL :] or "0"


def _tone_hz(site: str) -> int:
    return loops.tone_hz(int(site) % 100) if site.isdecimal() else loops.tone_hz(0)


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "diemcau" / "agent.json"
