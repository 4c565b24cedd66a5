"""The held conference with two sites: figures are not judged here."""

import pytest

from tests.bench.conference import hold


@pytest.mark.drill
async def test_a_conference_is_held_and_read(tmp_path):
    held = await hold(2, 0.3, tmp_path / "loops", tmp_path)
    assert held.sites == 3
    assert held.received > 0
    assert held.lost == 0
    assert held.bridge_memory_peak > 0
    assert held.usual.packets > 0
    assert held.burst.packets > 0
    assert 0 < held.usual.p50_ms <= held.usual.p99_ms
