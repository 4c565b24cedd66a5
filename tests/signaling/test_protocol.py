"""The written protocol names everything that there is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from signaling.api.table import ROUTES
from signaling.wire.commands import PageCommand
from signaling.wire.pages import PageMessage

TEXT = (Path(__file__).resolve().parents[2] / "docs/protocol.md").read_text(encoding="utf-8")
TABLE = TEXT.partition("| Command | Who | Does |")[2].partition("\n\n")[0]


@pytest.mark.parametrize("command", [one.__struct_config__.tag for one in get_args(PageCommand)])
def test_every_command_is_in_its_table(command: str) -> None:
    assert f"`{command}`" in TABLE


@pytest.mark.parametrize("message", [one.__struct_config__.tag for one in get_args(PageMessage)])
def test_every_message_of_a_page_is_shown(message: str) -> None:
    assert f'"type": "{message}"' in TEXT


@pytest.mark.parametrize(
    "path", sorted({route.path for route in ROUTES if route.operation is not None})
)
def test_every_resource_is_named(path: str) -> None:
    short = path.replace("/api/conferences/{conference}", "…")

    assert path.split("/{")[0] in TEXT
    assert path in TEXT or short in TEXT or path.endswith("/{node}/{session}")
