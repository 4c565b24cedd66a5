"""``diemcau worker``: one media worker."""

from __future__ import annotations

import asyncio
import contextlib
import shutil

import structlog
import typer
import uvloop

from bridge.media_worker import store
from bridge.media_worker.mixer import Mixer
from bridge.media_worker.recorder import Recorder, Space
from bridge.media_worker.stills import StillsWork
from bridge.media_worker.worker import Worker
from cli.children import asked_to_stop
from cli.logs import configure_logs
from cli.memory import keep_what_is_there
from cli.options import EXIT_CONFIG, Config, DataDir, WithParent, settings_of
from config.settings import Settings
from signaling.wire.worker import Mix, Record, Stills

log = structlog.get_logger("worker")


def command(
    config: Config = None,
    data_dir: DataDir = None,
    stop_with_stdin: WithParent = False,
) -> None:
    """Run a media worker, which records, mixes, and looks at the sites' pictures."""
    settings = settings_of(config, data_dir=data_dir)
    configure_logs(settings.log, "worker")
    if settings.worker_token is None:
        log.error(
            "no worker token",
            next_step=f"copy the file worker_token of signaling's secrets to {settings.secrets}",
        )
        raise typer.Exit(EXIT_CONFIG)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, settings.worker_token.get_secret_value(), stop_with_stdin))
    except OSError as error:
        log.error("cannot start", reason=str(error), next_step="run `diemcau doctor`")
        raise typer.Exit(1) from None


async def serve(settings: Settings, token: str, stop_with_stdin: bool) -> None:
    """Run until asked to stop. Raises OSError if recordings cannot be stored."""
    keep_what_is_there()
    folder = settings.recordings_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stopping = asyncio.ensure_future(asked_to_stop(stop_with_stdin))
    space = Space(
        folder,
        settings.recording.segment_s,
        settings.recording.sync_s,
        settings.recording.keep_free_mib * 1024 * 1024,
        lambda: shutil.disk_usage(folder).free,
    )
    repairing = asyncio.create_task(asyncio.to_thread(store.repair_all, folder))
    worker = Worker(
        settings.worker.name,
        settings.worker_signaling_url,
        token,
        {
            Record: lambda order, tools: Recorder(order, tools.subscribe, space),
            Stills: lambda order, tools: StillsWork(order, tools.watch, tools.tell),
            Mix: lambda order, tools: Mixer(order, tools.listen, tools.publish, tools.way.wheel),
        },
        space.free,
    )
    working = asyncio.create_task(worker.run())
    await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await repairing
