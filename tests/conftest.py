"""The compiled packet path is built before the first test, and again when its source changed."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "bridge" / "hotpath_fast.pyx"
BUILT = SOURCE.with_suffix(str(sysconfig.get_config_var("EXT_SUFFIX")))


def pytest_configure() -> None:
    """Without it half of what is tested would not be there, so a failure ends the run."""
    if BUILT.exists() and BUILT.stat().st_mtime >= SOURCE.stat().st_mtime:
        return
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--force"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or not BUILT.exists():
        pytest.exit(f"the packet path was not compiled:\n{done.stdout}{done.stderr}", 4)
