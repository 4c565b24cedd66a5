"""``diemcau user``: accounts that sign in with a password, also while the service runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.options import Config, DataDir, settings_of
from signaling.accounts import NAME, Account, Accounts, UnknownAccountError
from signaling.database import Database, DataDirectoryInUseError
from signaling.passwords import MAX_PASSWORD, MIN_PASSWORD, allowed, make_hash
from signaling.wire.ids import AccountName


class Action(StrEnum):
    """What is to be done."""

    ADD = "add"
    LIST = "list"
    PASSWORD = "password"  # noqa: S105 - a verb
    DISABLE = "disable"
    ENABLE = "enable"


class AccountRole(StrEnum):
    """The roles that accounts may have."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    SECRETARY = "secretary"
    VIEWER = "viewer"


class UserError(Exception):
    """It cannot be done; the message says why and what to do."""


def command(
    action: Annotated[Action, typer.Argument(help="add, list, password, disable or enable.")],
    name: Annotated[str | None, typer.Argument(help="The account; not for list.")] = None,
    role: Annotated[AccountRole | None, typer.Option("--role", help="For add.")] = None,
    organizer: Annotated[
        str | None,
        typer.Option("--organizer", help="For add: whose conferences alone; all if left out."),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For list, for programs.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Manage accounts. The password is asked for without being shown."""
    settings = settings_of(config, data_dir=data_dir)
    try:
        _check(action, name, role)
        _check_organizer(action, name, role, organizer)
        wants_password = action in (Action.ADD, Action.PASSWORD)
        password = _password(from_stdin=password_stdin) if wants_password else ""
        found = asyncio.run(_run(settings.data_dir, action, name or "", role, organizer, password))
    except (UserError, UnknownAccountError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if action is Action.LIST:
        _show(found, as_json)


def _check(action: Action, name: str | None, role: AccountRole | None) -> None:
    if action is Action.LIST:
        return
    if name is None:
        raise UserError(f"whom? diemcau user {action} NAME")
    if action is Action.ADD and NAME.fullmatch(name) is None:
        allowed_names = "small letters, digits, dots, dashes and underscores, 32 at most"
        raise UserError(f"{name!r} cannot be an account's name; allowed are {allowed_names}")
    if action is Action.ADD and role is None:
        roles = ", ".join(AccountRole)
        raise UserError(f"with which role? diemcau user add {name} --role ROLE, one of: {roles}")


def _check_organizer(
    action: Action, name: str | None, role: AccountRole | None, organizer: str | None
) -> None:
    if organizer is None:
        return
    if action is not Action.ADD:
        raise UserError("an account's organizer is told when it is added, and at no other time")
    if not organizer or organizer != organizer.strip():
        raise UserError("an organizer has a name, without spaces around it, as the template has it")
    if role is AccountRole.ADMINISTRATOR:
        raise UserError("an administrator belongs to all organizers; leave --organizer out")
    if name in set(AccountRole):
        raise UserError(f"one-time links sign in as {name}, for all organizers; use another name")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not allowed(password):
        raise UserError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return password


async def _run(
    data_dir: Path,
    action: Action,
    name: str,
    role: AccountRole | None,
    organizer: str | None,
    password: str,
) -> list[Account]:
    async with _accounts(data_dir) as accounts:
        now = time.time()
        match action:
            case Action.ADD:
                assert role is not None
                secret = make_hash(password)
                await accounts.add(AccountName(name), role.value, secret, organizer)
            case Action.PASSWORD:
                await accounts.set_password(name, make_hash(password), now)
            case Action.DISABLE:
                await accounts.disable(name, now)
            case Action.ENABLE:
                await accounts.enable(name, now)
            case Action.LIST:
                return await accounts.all()
    return []


@contextlib.asynccontextmanager
async def _accounts(data_dir: Path) -> AsyncIterator[Accounts]:
    """Those of a data directory, whether a service runs there or not."""
    try:
        database = await Database.open(data_dir)
    except DataDirectoryInUseError:
        database = Database.beside(data_dir)
    try:
        yield Accounts(database)
    finally:
        await database.close()


def _show(accounts: list[Account], as_json: bool) -> None:
    if as_json:
        told = [
            {
                "account": one.name,
                "role": one.role,
                "organizer": one.organizer,
                "disabled": one.disabled,
                "password": one.password_hash is not None,
            }
            for one in accounts
        ]
        typer.echo(json.dumps(told))
        return
    table = Table("Account", "Role", "Organizer", "State", box=None)
    for one in accounts:
        state = "active" if one.password_hash is not None else "one-time links only"
        state = "disabled" if one.disabled else state
        table.add_row(one.name, one.role, one.organizer or "all", state)
    Console(highlight=False, markup=False).print(table)
