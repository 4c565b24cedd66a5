"""``diemcau signaling``: the control plane with the monitor beside it, as one process."""

from __future__ import annotations

import asyncio
import time
from typing import get_args
from urllib.parse import urlsplit

import structlog
import typer

from cli.children import asked_to_stop
from cli.logs import configure_logs
from cli.memory import keep_what_is_there
from cli.options import EXIT_CONFIG, Config, DataDir, Host, Port, WithParent, settings_of
from cli.secrets import node_token, worker_token
from config.problems import ConfigError
from config.settings import Settings, is_loopback
from config.templates import Template, list_templates, load_template
from monitor.board import Board
from monitor.history import History
from monitor.metrics import SiteMetrics
from monitor.thresholds import Thresholds
from monitor.watchdog import Watchdog, every_half_second
from signaling.bus import Subscription
from signaling.conference.state import SiteInfo
from signaling.conferences import ConferenceTemplate
from signaling.database import DataDirectoryInUseError
from signaling.options import Options
from signaling.relay import Relay
from signaling.server import Server
from signaling.wire.samples import Sample

RETRY_S = 5.0
"""How long figures stay away after a fault of the monitor."""

log = structlog.get_logger("signaling")


def command(
    config: Config = None,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    stop_with_stdin: WithParent = False,
) -> None:
    """Run the control plane and the monitor."""
    settings = settings_of(config, data_dir=data_dir, signaling__host=host, signaling__port=port)
    configure_logs(settings.log, "signaling")
    try:
        asyncio.run(serve(settings, stop_with_stdin))
    except ConfigError as error:
        log.error("cannot start", reason=str(error), next_step="correct what is named")
        raise typer.Exit(EXIT_CONFIG) from None
    except (DataDirectoryInUseError, OSError) as error:
        log.error("cannot start", reason=str(error), next_step="run `diemcau doctor`")
        raise typer.Exit(1) from None


async def serve(settings: Settings, stop_with_stdin: bool) -> None:
    """Run until asked to stop."""
    keep_what_is_there()
    stopping = asyncio.ensure_future(asked_to_stop(stop_with_stdin))
    history = History()
    server = Server(server_options(settings), history=history.query)
    with server.bus.subscribe(*get_args(Sample)) as samples:
        await server.start()
        monitor = asyncio.create_task(_monitor(server, settings, samples, history))
        try:
            await stopping
        finally:
            await server.stop()
            monitor.cancel()
            await asyncio.gather(monitor, return_exceptions=True)


def server_options(settings: Settings) -> Options:
    """The server's plain values.

    Raises:
        ConfigError: the default template cannot be used; another one is only left out and logged.
    """
    return Options(
        data_dir=settings.data_dir,
        node_tokens=(node_token(settings),),
        templates=conference_templates(settings),
        host=settings.signaling.host,
        port=settings.signaling.port,
        public_url=settings.signaling.public_url,
        default_template=settings.conference.default_template,
        links_problem=links_problem(settings),
        trusted_proxies=settings.signaling.trusted_proxies,
        relay=relay(settings),
        worker_tokens=(worker_token(settings),),
        recordings_dir=settings.recordings_dir,
        max_mixes=settings.signaling.max_mixes,
    )


def relay(settings: Settings) -> Relay | None:
    """The TURN server, if there is one."""
    if settings.turn_secret is None or not settings.signaling.turn_urls:
        return None
    return Relay(
        settings.signaling.turn_urls,
        settings.turn_secret.get_secret_value(),
        settings.signaling.turn_lifetime_s,
    )


def links_problem(settings: Settings) -> str | None:
    """Why a link would not work for whoever gets it: pages and media are not reached alike."""
    url_inside = is_loopback(urlsplit(settings.signaling.url).hostname or "")
    media_inside = all(map(is_loopback, settings.bridge.announced))
    if url_inside == media_inside:
        return None
    missing = "signaling.public_url" if url_inside else "bridge.media_addresses"
    return f"{missing} still names this machine only"


def conference_templates(settings: Settings) -> dict[str, ConferenceTemplate]:
    """All templates by name, as signaling wants them. Raises ConfigError as `server_options`."""
    folders = settings.template_folders
    default = settings.conference.default_template
    found = {default: conference_template(load_template(default, folders))}
    for name in list_templates(folders):
        try:
            found[name] = conference_template(load_template(name, folders))
        except ConfigError as error:
            log.warning("template left out", template=name, reason=str(error))
    return found


def conference_template(template: Template) -> ConferenceTemplate:
    """A template with the texts of each site filled in; the central site comes first."""
    row = template.central_row
    central = SiteInfo(
        code=template.central_code,
        name=template.central.name,
        full_name=template.central.name,
        banner=template.organizer,
        region=row.region if row else "",
        order=0,
        lat=row.lat if row else None,
        lon=row.lon if row else None,
    )
    remote = (
        SiteInfo(
            code=site.code,
            name=site.name,
            full_name=site.full_name,
            banner=template.banner(site),
            region=site.region,
            order=order,
            lat=site.lat,
            lon=site.lon,
        )
        for order, site in enumerate(template.sites, start=1)
    )
    return ConferenceTemplate(
        key=template.key,
        title=template.title,
        title_en=template.title_en,
        organizer=template.organizer,
        starts_at=template.starts_at.timestamp(),
        central=template.central_code,
        sites=(central, *remote),
        codec=template.codec,
    )


async def _monitor(
    server: Server, settings: Settings, samples: Subscription, history: History
) -> None:
    """Watch until the bus closes. A fault of the monitor costs figures, never the conference."""
    thresholds = Thresholds(
        lost_after_s=settings.monitor.lost_after_s, good_in_a_row=settings.monitor.good_samples
    )
    watchdog = Watchdog(
        Board(thresholds), server.bus.publish, time.time, SiteMetrics(server.registry), history
    )
    while True:
        try:
            await watchdog.run(samples, every_half_second())
        except Exception:
            log.exception("monitor failed", next_step=f"watching again in {RETRY_S:g} s")
            await asyncio.sleep(RETRY_S)
        else:
            return
