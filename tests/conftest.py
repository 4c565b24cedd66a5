"""The compiled packet path is built before the first test, and again when its source changed; no
property fails for being slow."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
SOURCES = [*(ROOT / "bridge").glob("hotpath_*.p[xy][dx]"), ROOT / "setup.py"]
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
BUILT = [one.with_suffix(SUFFIX) for one in SOURCES if one.suffix == ".pyx"]


def pytest_configure() -> None:
    """Without it half of what is tested would not be there, so a failure ends the run."""
    settings.register_profile(
        "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")
    newest = max(one.stat().st_mtime for one in SOURCES)
    if all(one.exists() and one.stat().st_mtime >= newest for one in BUILT):
        return
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--force"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or not all(one.exists() for one in BUILT):
        pytest.exit(f"the packet path was not compiled:\n{done.stdout}{done.stderr}", 4)
