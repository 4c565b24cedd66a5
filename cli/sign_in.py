"""``diemcau sign-in``: a new one-time link to a console, while the service runs."""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import Config, DataDir, settings_of
from cli.runfile import read_run
from signaling.accounts import Accounts
from signaling.database import Database
from signaling.wire.ids import AccountName, Role


class WhoSignsIn(StrEnum):
    """Roles that have a console of their own."""

    OPERATOR = "operator"
    TECHNICIAN = "technician"


def command(
    role: Annotated[WhoSignsIn, typer.Option("--role", help="Whose console it opens.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print a one-time sign-in link; it holds for half an hour."""
    settings = settings_of(config, data_dir=data_dir)
    run = read_run(settings.data_dir)
    if run is None:
        typer.echo(f"no service runs in {settings.data_dir}; start it: diemcau up", err=True)
        raise typer.Exit(1)
    typer.echo(sign_in_url(run.url, asyncio.run(mint_code(settings.data_dir, role.value))))


async def mint_code(data_dir: Path, role: Role) -> str:
    """A code that one person can use once. Raises FileNotFoundError if there is no database."""
    database = Database.beside(data_dir)
    try:
        return await Accounts(database).mint_code(AccountName(role), role, time.time())
    finally:
        await database.close()


def sign_in_url(url: str, code: str) -> str:
    """The link; its code is in the fragment, which no server or proxy log sees."""
    return f"{url}/sign-in#code={code}"
