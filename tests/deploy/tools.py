"""Runs a checker, and says what it said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def run(*words: str | Path, **variables: str) -> tuple[int, str]:
    """Exit status and all output; programs of our own environment are found first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, **variables},
    )
    return done.returncode, done.stdout


def passes(*words: str | Path, **variables: str) -> str:
    """The output of a checker that must be content."""
    status, output = run(*words, **variables)
    assert status == 0, output
    return output
