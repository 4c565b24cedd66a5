"""Accounts from the command line, with and without a running service."""

from __future__ import annotations

import asyncio
import json
import sys
import unicodedata
from pathlib import Path

import pytest

from signaling.accounts import Accounts
from signaling.database import Database

PASSWORD = "mật khẩu dài"


async def user(data_dir: Path, *arguments: str, said: str = "") -> tuple[int, str, str]:
    """Status, output and errors of ``diemcau user``."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "user", *arguments, "--data-dir", str(data_dir)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    out, err = await process.communicate(said.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def listed(data_dir: Path) -> list[dict[str, object]]:
    status, out, err = await user(data_dir, "list", "--json")
    assert status == 0, err
    rows: list[dict[str, object]] = json.loads(out)
    return rows


async def test_account_is_added_disabled_and_enabled(tmp_path: Path) -> None:
    added = await user(
        tmp_path, "add", "lan", "--role", "operator", "--password-stdin", said=f"{PASSWORD}\n"
    )
    again = await user(
        tmp_path, "add", "lan", "--role", "operator", "--password-stdin", said=f"{PASSWORD}\n"
    )
    assert added[0] == 0, added[2]
    assert (again[0], "already" in again[2]) == (1, True)
    row = {
        "account": "lan",
        "role": "operator",
        "organizer": None,
        "disabled": False,
        "password": True,
    }

    assert (await user(tmp_path, "disable", "lan"))[0] == 0
    assert await listed(tmp_path) == [{**row, "disabled": True}]
    assert (await user(tmp_path, "enable", "lan"))[0] == 0
    assert await listed(tmp_path) == [row]


async def test_account_of_an_organizer_is_listed_with_it(tmp_path: Path) -> None:
    organizer = "Bộ Khoa học và Công nghệ"
    spelled_otherwise = unicodedata.normalize("NFD", organizer)

    added = await user(
        *(tmp_path, "add", "lan", "--role", "operator", "--organizer", spelled_otherwise),
        "--password-stdin",
        said=PASSWORD,
    )

    assert added[0] == 0, added[2]
    assert [row["organizer"] for row in await listed(tmp_path)] == [organizer]
    assert organizer in " ".join((await user(tmp_path, "list"))[1].split())


async def test_password_is_changed_while_a_service_owns_the_directory(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    accounts = Accounts(database)
    await user(tmp_path, "add", "lan", "--role", "viewer", "--password-stdin", said=PASSWORD)
    before = await accounts.account("lan")

    status, out, err = await user(tmp_path, "password", "lan", "--password-stdin", said=PASSWORD)

    after = await accounts.account("lan")
    await database.close()
    assert status == 0, err
    assert before is not None
    assert after is not None
    assert before.password_hash != after.password_hash
    assert PASSWORD not in out + err


@pytest.mark.parametrize(
    ("arguments", "said", "reason"),
    [
        (("add", "lan"), "", "with which role"),
        (("add",), "", "whom"),
        (("add", "Lan Nguyễn", "--role", "viewer"), "", "cannot be an account's name"),
        (("add", "lan", "--role", "viewer", "--password-stdin"), "short\n", "10 to 256"),
        (("disable", "lan", "--organizer", "Bộ A"), "", "when it is added"),
        (("add", "lan", "--role", "viewer", "--organizer", " "), "", "has a name"),
        (("add", "lan", "--role", "administrator", "--organizer", "Bộ A"), "", "all organizers"),
        (("add", "operator", "--role", "operator", "--organizer", "Bộ A"), "", "another name"),
        (("disable", "nobody"), "", "no account 'nobody'"),
        (("password", "nobody", "--password-stdin"), PASSWORD, "no account 'nobody'"),
    ],
)
async def test_what_cannot_be_done_says_why(
    tmp_path: Path, arguments: tuple[str, ...], said: str, reason: str
) -> None:
    status, _, err = await user(tmp_path, *arguments, said=said)

    assert status == 1
    assert reason in err


async def test_unknown_role_is_refused(tmp_path: Path) -> None:
    status, _, err = await user(tmp_path, "add", "lan", "--role", "system", said=PASSWORD)

    assert status == 2
    assert "operator" in err
