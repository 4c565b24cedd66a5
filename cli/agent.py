"""``diemcau agent``: join as a site without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bridge.agent import devices as agentdevices
from bridge.agent import media as agentmedia
from bridge.agent.agent import Agent, AgentError
from bridge.agent.source import Card
from bridge.agent.state import StateFile
from bridge.agent.status import StatusServer
from bridge.endpoint import cellcode, loops
from cli import agentsettings
from cli.agentsettings import AgentSettings
from cli.logs import configure_logs
from cli.options import EXIT_CONFIG
from config.problems import ConfigError

_ALSA_CONFIG = Path("/usr/share/alsa/alsa.conf")


def command(
    link: Annotated[
        str | None, typer.Option(metavar="URL", help="The site's link, as it was sent.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings (TOML); options stand above it.")
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="test, none, v4l2, v4l2:/dev/video0, rtsp://…, file:…"),
    ] = None,
    audio: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="test, none, alsa, alsa:plughw:0,0, rtsp://…, file:…"),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Largest picture sent, up to 1280x720.")
    ] = None,
    frames_per_s: Annotated[
        int | None, typer.Option("--frames-per-s", help="Most pictures sent in a second.")
    ] = None,
    unmute: Annotated[
        bool | None, typer.Option("--unmute", help="Lift the site's own mute flag on joining.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps who this device is.")
    ] = None,
    status_port: Annotated[
        int | None, typer.Option("--status-port", help="Show a status page on 127.0.0.1.")
    ] = None,
    devices: Annotated[
        bool, typer.Option("--devices", help="List cameras and microphones, and end.")
    ] = False,
) -> None:
    """Join as a site without a browser: camera, network camera, file, or a test picture.

    Ends with 78 when its settings cannot be used, or the service does not want this device.
    """
    if devices:
        typer.echo("\n".join(_devices()))
        return
    given = {
        "link": link,
        "video": video,
        "audio": audio,
        "size": size,
        "frames_per_s": frames_per_s,
        "unmute": unmute,
        "state": state,
        "status_port": status_port,
    }
    try:
        chosen = agentsettings.load(settings, given)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    configure_logs(chosen.log, "agent")
    if _ALSA_CONFIG.exists():
        # the ALSA that comes with PyAV looks for it where it was built
        os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA_CONFIG))
    try:
        asyncio.run(_until_stopped(chosen))
    except AgentError as error:
        structlog.get_logger("agent").error("agent ends", why=str(error))
        raise typer.Exit(EXIT_CONFIG) from None
    except OSError as error:
        typer.echo(f"status_port {chosen.status_port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None


async def _until_stopped(settings: AgentSettings) -> None:
    agent = _agent(settings)
    server = None
    if settings.status_port is not None:
        server = StatusServer(agent.status, settings.status_port)
        await server.start()
    running = asyncio.create_task(agent.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        if server is not None:
            await server.close()


def _agent(settings: AgentSettings) -> Agent:
    site = settings.link.site

    def open_media(name: str) -> agentmedia.AgentMedia:
        card = Card(_label(site), f"Agent {site}", _tone_hz(site))
        sources = agentmedia.plan(
            settings.video, settings.sound, settings.size, settings.frames_per_s, card
        )
        slate = agentmedia.slate(site, name, settings.size)
        return agentmedia.AgentMedia(sources, slate, time.time)

    state = StateFile(settings.state or _default_state())
    return Agent(settings.link, state, open_media, unmute=settings.unmute)


def _devices() -> list[str]:
    """One line for each, as it is written in the settings; what is missing is said."""
    cameras, microphones = agentdevices.cameras(), agentdevices.microphones()
    return [
        *(f"{one.source}  {one.name}" for one in [*cameras, *microphones]),
        *([] if cameras else ["no camera (V4L2) is connected"]),
        *([] if microphones else ["no microphone (ALSA) is connected"]),
    ]


def _label(site: str) -> str:
    known = "".join(one for one in site if one in cellcode.ALPHABET[1:])
    return known[-cellcode.MAX_LABEL :] or "0"


def _tone_hz(site: str) -> int:
    return loops.tone_hz(int(site) % 100) if site.isdecimal() else loops.tone_hz(0)


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "diemcau" / "agent.json"
