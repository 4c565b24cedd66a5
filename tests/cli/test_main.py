"""The command line itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cli
from cli.__main__ import HELP


def diemcau(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def test_help_names_every_command() -> None:
    done = diemcau("--help")
    assert done.returncode == 0
    for name in HELP:
        assert f" {name} " in done.stdout


def test_every_command_has_a_file_of_its_own() -> None:
    folder = Path(cli.__file__).parent
    assert not [name for name in HELP if not (folder / f"{name.replace('-', '_')}.py").exists()]


def test_an_unknown_command_or_option_is_a_usage_error() -> None:
    assert diemcau("fly").returncode == 2
    assert diemcau("up", "--fly").returncode == 2


def test_a_folder_named_like_one_of_ours_in_the_working_directory_does_no_harm(
    tmp_path: Path,
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").write_text("raise SystemExit(99)")
    assert diemcau("doctor", "--help", cwd=tmp_path).returncode == 0


def test_a_bridge_without_a_token_says_where_it_belongs(tmp_path: Path) -> None:
    done = diemcau("bridge", "--data-dir", str(tmp_path))
    assert done.returncode == 78
    assert "no node token" in done.stderr
    assert str(tmp_path / "secrets") in done.stderr


def test_a_bridge_node_does_not_carry_the_control_plane() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from cli.__main__ import build; build('bridge'); import sys; "
         "print('sqlalchemy' in sys.modules, 'uvloop' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True"]
