"""What `make run` installs must be enough to run: the tests' own packages hide what is missing."""

import asyncio
import json
import os
import re
import signal
import sys
from importlib import metadata
from pathlib import Path

from tests.service import free_media_port, free_port

ROOT = Path(__file__).parent.parent


def packages_of(lock: Path, into: Path) -> None:
    """Link the files of the locked distributions, and of our own, from this environment."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)
    assert len(names) > 30
    for name in [*names, "diemcau"]:
        distribution = metadata.distribution(name)
        for file in distribution.files or []:
            top = file.parts[0]
            if top != ".." and not (into / top).exists():
                (into / top).symlink_to(Path(str(distribution.locate_file(top))))


async def test_the_service_starts_with_nothing_but_its_own_lock(tmp_path: Path):
    packages = tmp_path / "packages"
    packages.mkdir()
    packages_of(ROOT / "requirements.lock", packages)
    interpreter = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    process = await asyncio.create_subprocess_exec(
        *(interpreter, "-m", "cli", "up", "--data-dir", tmp_path / "data", "--json"),
        *("--port", str(free_port()), "--media-port", str(free_media_port())),
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
            "PYTHONPATH": f"{packages}:{ROOT}",
            "PYTHONNOUSERSITE": "1",
            "PYTHONWARNINGS": "default",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
    finally:
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert line, errors.decode()
    assert json.loads(line)["pids"].keys() == {"signaling", "bridge", "worker"}
    assert process.returncode == 0, errors.decode()
