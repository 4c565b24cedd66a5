"""systemd reads the units without a word, and what they start exists."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.deploy.tools import DEPLOY, passes, run

UNITS = {"diemcau.service": "diemcau.service", "diemcau-agent@.service": "diemcau-agent@48.service"}
PROGRAM = "/opt/diemcau/bin/diemcau"


def written(tmp_path: Path, unit: str, text: str | None = None) -> Path:
    """The unit as on a machine where its program is installed."""
    file = tmp_path / UNITS[unit]
    text = text or (DEPLOY / unit).read_text()
    assert PROGRAM in text
    file.write_text(text.replace(PROGRAM, "/bin/true"))
    return file


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_about_it(tmp_path: Path, unit: str) -> None:
    assert passes("systemd-analyze", "verify", "--man=no", written(tmp_path, unit)) == ""


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    text = (DEPLOY / "diemcau.service").read_text().replace("ProtectHome=", "ProtectHoem=")
    file = written(tmp_path, "diemcau.service", text)
    assert "ProtectHoem" in run("systemd-analyze", "verify", "--man=no", file)[1]


@pytest.mark.parametrize("unit", UNITS)
def test_what_it_starts_is_a_command_with_these_options(unit: str) -> None:
    [line] = re.findall(rf"^ExecStart={PROGRAM} (.+)$", (DEPLOY / unit).read_text(), re.MULTILINE)
    command, *words = line.split()
    help_text = passes(sys.executable, "-m", "cli", command, "--help", COLUMNS="200")
    for option in (word for word in words if word.startswith("--")):
        assert option in help_text


def test_every_unit_is_checked() -> None:
    assert {file.name for file in DEPLOY.glob("*.service")} == set(UNITS)


@pytest.mark.parametrize("unit", UNITS)
def test_it_is_confined(unit: str) -> None:
    text = (DEPLOY / unit).read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes"):
        assert line in text
    assert re.search(r"^(User=diemcau|DynamicUser=yes)$", text, re.MULTILINE)
