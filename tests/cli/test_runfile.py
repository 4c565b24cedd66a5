"""The file that says what runs in a data directory."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.runfile import Run, is_alive, read_run, remove_run, write_run


def run_of(pid: int) -> Run:
    return Run("https://hop.example.vn", "http://127.0.0.1:8080", {"up": pid, "bridge": 7})


def _ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_is_written_is_read_and_replaced_and_removed(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None
    write_run(tmp_path, run_of(os.getpid()))
    write_run(tmp_path, run_of(os.getpid()))
    assert read_run(tmp_path) == run_of(os.getpid())
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    remove_run(tmp_path)
    remove_run(tmp_path)
    assert read_run(tmp_path) is None


def test_a_file_that_a_dead_process_left_counts_for_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, run_of(_ended()))
    assert read_run(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"url": "a", "local_url": "b", "pids": {}}', "\0"]
)
def test_a_broken_file_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert read_run(tmp_path) is None


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b""
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(process.pid)
    assert is_alive(os.getpid())
