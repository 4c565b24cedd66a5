"""``diemcau bridge``: one media node."""

from __future__ import annotations

import asyncio
import contextlib
import resource

import structlog
import typer
import uvloop

from bridge.control import run_node
from bridge.hotpath_choice import NotBuiltError
from bridge.mediasocket import MediaAddress
from cli.children import asked_to_stop
from cli.logs import configure_logs
from cli.memory import give_back_for_ever, keep_what_is_there
from cli.options import EXIT_CONFIG, Config, DataDir, MediaPort, WithParent, settings_of
from config.settings import BridgeSettings, Settings

log = structlog.get_logger("bridge")


def command(
    config: Config = None,
    data_dir: DataDir = None,
    media_port: MediaPort = None,
    stop_with_stdin: WithParent = False,
) -> None:
    """Run a bridge node, which forwards all media."""
    settings = settings_of(config, data_dir=data_dir, bridge__media_port=media_port)
    configure_logs(settings.log, "bridge")
    if settings.node_token is None:
        log.error(
            "no node token",
            next_step=f"copy the file node_token of signaling's secrets to {settings.secrets}",
        )
        raise typer.Exit(EXIT_CONFIG)
    allow_connections()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, settings.node_token.get_secret_value(), stop_with_stdin))
    except OSError as error:
        log.error("cannot start", reason=str(error), next_step="run `diemcau doctor`")
        raise typer.Exit(1) from None
    except NotBuiltError as error:
        log.error("cannot start", reason=str(error), next_step="see bridge.packet_path")
        raise typer.Exit(EXIT_CONFIG) from None


async def serve(settings: Settings, token: str, stop_with_stdin: bool) -> None:
    """Run until asked to stop. Raises OSError if a media address cannot be bound."""
    keep_what_is_there()
    stopping = asyncio.ensure_future(asked_to_stop(stop_with_stdin))
    node = asyncio.create_task(
        run_node(
            node_id=settings.bridge.node,
            signaling_url=settings.signaling_url,
            token=token,
            announce=media_addresses(settings.bridge),
            max_sessions=settings.bridge.max_sessions,
            packet_path=settings.bridge.packet_path,
        )
    )
    giving_back = asyncio.create_task(give_back_for_ever())
    await asyncio.wait({stopping, node}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, giving_back, node):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await node


def media_addresses(settings: BridgeSettings) -> list[MediaAddress]:
    """As the bridge takes them."""
    port, tcp_port = settings.media_port, settings.tcp_port
    return [
        MediaAddress(own, port, announced, tcp_port) for own, announced in settings.bound.items()
    ]


def allow_connections() -> None:
    """Take all the file handles that this user may have: each TCP peer holds two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
