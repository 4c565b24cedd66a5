"""``diemcau drill``: a whole conference with synthetic sites, judged step by step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from cli.drilling import report
from cli.drilling.rehearsal import STEP_NAMES, rehearse
from cli.drilling.screen import Screen
from cli.drilling.service import LOG, Service, ServiceError, own_service
from cli.drilling.steps import STEPS
from cli.logs import configure_logs
from config.settings import LogSettings

MAX_SITES = 99


def command(
    sites: Annotated[
        int, typer.Option(min=2, max=MAX_SITES, help="Remote sites, beside the centre.")
    ] = 63,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="A running service, in place of an own one.")
    ] = None,
    sign_in: Annotated[
        str | None, typer.Option(metavar="URL", help="An operator's sign-in link, for --server.")
    ] = None,
    template: Annotated[str, typer.Option(help="What the conference is made from.")] = (
        "conference-2020"
    ),
    takes: Annotated[int, typer.Option(min=1, max=50, help="How many sites go on air.")] = 5,
    bridges: Annotated[
        int | None, typer.Option(min=1, max=16, help="Bridge processes of an own service.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report there, too.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keeps the encoded pictures.")
    ] = None,
) -> None:
    """Rehearse a whole conference with synthetic sites; ends with 0 if every step passed.

    By default it starts a service of its own in a temporary directory, on this machine, and also
    kills a part of it. With --server it makes a conference in a running one, and kills nothing.
    """
    if (server is None) != (sign_in is None):
        typer.echo("--server and --sign-in go together", err=True)
        raise typer.Exit(2)
    if server is not None and bridges is not None:
        typer.echo("--bridges is for an own service, not for --server", err=True)
        raise typer.Exit(2)
    configure_logs(LogSettings(level="warning"), "drill")
    given = Service(server.rstrip("/"), sign_in) if server and sign_in else None
    directory = Path(tempfile.mkdtemp(prefix="diemcau-drill-"))
    screen = Screen(Console(), len(STEP_NAMES))
    serving = contextlib.nullcontext(given) if given else own_service(directory, bridges or 1)
    run = _run(serving, template, sites, takes, cache or _default_cache(), screen)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            results = runner.run(run)
    except asyncio.CancelledError:
        typer.echo("drill stopped", err=True)
        raise typer.Exit(1) from None
    except ServiceError as error:
        typer.echo(f"drill FAILED: the service did not start: {error}", err=True)
        raise typer.Exit(1) from None
    left_out = [step.name for step in STEPS if step.kills] if given else []
    ok = report.passed(results, left_out)
    good = sum(one.good for one in results)
    screen.summary(results, ok, f"{good} of {len(results)} steps, {sites} sites and the centre")
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(results, sites, ok), indent=2) + "\n")
    if ok or given:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        typer.echo(f"the service's log: {directory / LOG}", err=True)
    raise typer.Exit(0 if ok else 1)


async def _run(
    serving: AbstractAsyncContextManager[Service],
    template: str,
    sites: int,
    takes: int,
    cache: Path,
    screen: Screen,
) -> list[report.Result]:
    main = asyncio.current_task()
    assert main is not None
    # a drill that is told to stop must stop the service that it has started
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
    async with serving as service:
        with screen:
            return await rehearse(service, template, sites, takes, cache, screen)


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "diemcau" / "loops"
