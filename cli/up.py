"""``diemcau up``: signaling, bridge nodes and a media worker as child processes, restarted when
they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import aiohttp
import structlog
import typer
from rich.console import Console

from cli.checks import Finding, check_data_dir, check_media_ports, check_reach, check_tcp_port
from cli.children import Child, GaveUpError, Program, asked_to_stop
from cli.logs import configure_logs
from cli.options import EXIT_CONFIG, Config, DataDir, Host, MediaPort, Port, settings_of
from cli.runfile import Run, read_run, remove_run, write_run
from cli.secrets import node_token, worker_token
from cli.sign_in import mint_code, sign_in_url
from config.settings import BridgeSettings, Settings, variable
from config.sources import CONFIG_VARIABLE

READY_LIMIT_S = 60.0
PARTS = ("signaling", "bridge", "worker")
HELPERS = frozenset({"worker"})
"""Parts without which a conference goes on: however often one dies, the others stay."""

log = structlog.get_logger("up")


def command(
    config: Config = None,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    media_port: MediaPort = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Once ready, one line for programs.")
    ] = False,
) -> None:
    """Start everything on this machine and print where to sign in. Stops with Ctrl-C or SIGTERM."""
    options = {
        "data_dir": data_dir,
        "signaling.host": host,
        "signaling.port": port,
        "bridge.media_port": media_port,
    }
    settings = settings_of(config, **{key.replace(".", "__"): on for key, on in options.items()})
    configure_logs(settings.log, "up")
    environment = {**os.environ, **{variable(key): str(on) for key, on in options.items() if on}}
    if config is not None:
        environment[CONFIG_VARIABLE] = str(config)
    _check(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    node_token(settings)
    worker_token(settings)
    programs = [*_programs(settings.bridge, environment)]
    raise typer.Exit(asyncio.run(Up(settings, programs, as_json).run()))


def _programs(bridge: BridgeSettings, environment: Mapping[str, str]) -> Iterator[Program]:
    """One of each part, and the further bridge nodes that are wanted."""
    for part in PARTS:
        command = (sys.executable, "-P", "-m", "cli", part, "--stop-with-stdin")
        yield Program(part, command, environment)
        if part != "bridge":
            continue
        for index in range(1, bridge.processes):
            own = bridge.process(index)
            told = {"node": own.node, "media_port": own.media_port}
            if own.media_tcp_port is not None:
                told["media_tcp_port"] = own.media_tcp_port
            more = {variable(f"bridge.{key}"): str(value) for key, value in told.items()}
            yield Program(f"bridge-{index + 1}", command, {**environment, **more})


def _check(settings: Settings) -> None:
    """Say all that would fail before anything is started. Ends with 1 if there is anything."""
    run = read_run(settings.data_dir)
    if run is not None:
        typer.echo(
            f"data directory {settings.data_dir}: a service runs there already at {run.url}\n"
            f"  → stop it (process {run.pids['up']}), or choose --data-dir",
            err=True,
        )
        raise typer.Exit(1)
    findings = [
        check_tcp_port(settings),
        *check_media_ports(settings),
        *check_data_dir(settings),
        check_reach(settings),
    ]
    failures = [finding for finding in findings if finding.level == "fail"]
    for finding in failures:
        typer.echo(f"{finding.what}\n  → {finding.advice}", err=True)
    if failures:
        raise typer.Exit(1)


class Up:
    """Runs `programs` until asked to stop; `run` returns the exit status."""

    def __init__(self, settings: Settings, programs: list[Program], as_json: bool) -> None:
        self._settings = settings
        self._as_json = as_json
        self._pids = {"up": os.getpid()}
        self._children = [self._child(program) for program in programs]

    def _child(self, program: Program) -> Child:
        helps = program.name in HELPERS
        child = Child(program, self._spawned, frozenset() if helps else frozenset({EXIT_CONFIG}))
        child.proven = helps
        return child

    async def run(self) -> int:
        """0: stopped as asked; 1: something could not be started; 78: settings are wrong."""
        stopping = asyncio.create_task(asked_to_stop(with_stdin=False))
        running = [asyncio.create_task(child.run()) for child in self._children]
        ready = asyncio.create_task(self._announce_when_ready())
        try:
            return await self._watch(stopping, running, ready)
        finally:
            for task in (stopping, ready):
                task.cancel()
            await asyncio.gather(*(child.stop() for child in self._children))
            await asyncio.gather(stopping, ready, *running, return_exceptions=True)
            remove_run(self._settings.data_dir)

    async def _watch(
        self,
        stopping: asyncio.Task[None],
        running: list[asyncio.Task[None]],
        ready: asyncio.Task[None],
    ) -> int:
        waited: set[asyncio.Task[None]] = {stopping, ready, *running}
        while True:
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is not None:
                    return _give_up(error)
            if stopping in done:
                log.info("stopping", parts=[child.program.name for child in self._children])
                return 0

    async def _announce_when_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                await ready(self._settings.signaling.local_url)
        except TimeoutError:
            raise GaveUpError(
                f"not ready after {READY_LIMIT_S:g} s; {self._settings.signaling.local_url}/readyz "
                "says what is missing, and `diemcau doctor` looks closer"
            ) from None
        for child in self._children:
            child.proven = True
        url, data_dir = self._settings.signaling.url, self._settings.data_dir
        operator = sign_in_url(url, await mint_code(data_dir, "operator"))
        technician = sign_in_url(url, await mint_code(data_dir, "technician"))
        if self._as_json:
            told = {
                "url": url,
                "operator_sign_in": operator,
                "technician_sign_in": technician,
                "pids": {name: pid for name, pid in self._pids.items() if name != "up"},
            }
            print(json.dumps(told), flush=True)
        else:
            _welcome(self._settings, operator, technician)

    def _spawned(self, name: str, pid: int) -> None:
        self._pids[name] = pid
        addresses = self._settings.signaling
        run = Run(addresses.url, addresses.local_url, self._pids)
        write_run(self._settings.data_dir, run)


async def ready(url: str) -> None:
    """Returns once ``/readyz`` answers 200: the database works and a bridge node is connected."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)


def _give_up(error: BaseException) -> int:
    if not isinstance(error, GaveUpError | OSError):
        raise error
    typer.echo(f"diemcau up: {error}", err=True)
    return error.status if isinstance(error, GaveUpError) else 1


def _welcome(settings: Settings, operator: str, technician: str) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    program = sys.argv[0] if Path(sys.argv[0]).name == "diemcau" else "diemcau"
    where = "" if settings.data_dir == Path("data") else f" --data-dir {settings.data_dir}"
    console.print(f"DiemCau runs at {settings.signaling.url}", style="bold green")
    console.print("Sign in (each link works once, for half an hour):")
    console.print(f"  operator    {operator}")
    console.print(f"  technician  {technician}")
    console.print(f"More of them: {program} sign-in --role operator{where}")
    console.print(f"Site links:   {program} link{where}   (or in the operator's console)")
    advice = check_reach(settings)
    if advice.level != "ok":
        _advise(console, advice)
    console.print("Ctrl-C stops it.")


def _advise(console: Console, finding: Finding) -> None:
    console.print(f"Note: {finding.what}; {finding.advice}", style="yellow")
