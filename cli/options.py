"""Options that several commands take, and the settings that come of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from config.problems import ConfigError
from config.settings import Settings, load_settings

EXIT_CONFIG = 78
"""Exit status when what an administrator wrote cannot be used (EX_CONFIG of sysexits.h)."""

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file (TOML); else DIEMCAU_CONFIG."),
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Database, secrets, run.json.")
]
Host = Annotated[
    str | None, typer.Option("--host", metavar="IP", help="Where pages and nodes connect.")
]
Port = Annotated[int | None, typer.Option("--port", help="TCP port of pages and nodes.")]
MediaPort = Annotated[int | None, typer.Option("--media-port", help="UDP port of all media.")]
WithParent = Annotated[
    bool,
    typer.Option("--stop-with-stdin", hidden=True, help="Stop when standard input ends."),
]


def settings_of(config: Path | None, **options: object) -> Settings:
    """Settings from all sources. Prints what is wrong and ends with `EXIT_CONFIG` if anything is.

    A keyword ``signaling__port`` is the key ``signaling.port``; None leaves it to other sources.
    """
    given = {name.replace("__", "."): value for name, value in options.items()}
    try:
        return load_settings(os.environ, config, given)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from None
