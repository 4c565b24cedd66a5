"""A whole conference on two bridge processes: nobody at the receivers can tell."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.service import running_service

pytestmark = [pytest.mark.drill, pytest.mark.timeout(240)]


async def test_drill_passes_over_two_bridge_processes(tmp_path: Path) -> None:
    # three sites fail at once: with so many on each node, it is no node that fails
    told, two = tmp_path / "drill.json", {"DIEMCAU_BRIDGE__PROCESSES": "2"}
    async with running_service(tmp_path / "data", environ=two) as service:
        assert service.pid("bridge") != service.pid("bridge-2")
        drill = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "drill", "--sites", "8", "--takes", "3"),
            *("--server", service.url, "--sign-in", service.operator_sign_in),
            *("--json", str(told)),
        )
        status = await drill.wait()

    assert status == 0, told.read_text()
    assert json.loads(told.read_text())["passed"]
    log = map(json.loads, (tmp_path / "data.log").read_text().splitlines())
    trunks = [line for line in log if line["event"] == "trunk opened"]
    nodes = {one["node"] for one in trunks}
    assert nodes == {"node-1", "node-1-2"}, "sites were on both nodes, and each needs the other's"
    assert len({one["port"] for one in trunks}) == 9
