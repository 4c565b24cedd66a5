"""Log lines: JSON for programs, text for people."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SAY = """
import sys, structlog
from cli.logs import configure_logs
from config.settings import LogSettings
configure_logs(LogSettings(level=sys.argv[1], form=sys.argv[2]), "bridge")
log = structlog.get_logger("x")
log.debug("quiet")
log.warning("site lost", site="48", name="Đà Nẵng")
try:
    raise ValueError("bad")
except ValueError:
    log.exception("failed")
"""


def lines(level: str, form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SAY, level, form], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_not_on_a_terminal_each_line_is_json_with_its_process() -> None:
    first, second = (json.loads(line) for line in lines("info", "auto"))
    assert (first["event"], first["site"], first["process"]) == ("site lost", "48", "bridge")
    assert (first["level"], first["name"]) == ("warning", "Đà Nẵng")
    assert first["timestamp"].endswith("Z")
    assert "ValueError: bad" in second["exception"]


@pytest.mark.parametrize("form", ["text"])
def test_text_is_for_people(form: str) -> None:
    first = lines("info", form)[0]
    assert not first.startswith("{")
    assert "Đà Nẵng" in first


def test_the_level_is_obeyed() -> None:
    assert any("quiet" in line for line in lines("debug", "json"))
    assert not any("quiet" in line for line in lines("info", "json"))
    assert not any("site lost" in line for line in lines("error", "json"))
