"""A device's cookies: each link's own, owner-only, and none from a torn file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.agent.state import StateFile


def test_state_file_keeps_each_link_apart_and_to_its_owner(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "deep" / "agent.json")
    assert state.load("http://h/c/a/s/01/") is None
    state.store("http://h/c/a/s/01/", "one")
    state.store("http://h/c/a/s/02/", "two")
    assert state.load("http://h/c/a/s/01/") == "one"
    assert StateFile(tmp_path / "deep" / "agent.json").load("http://h/c/a/s/02/") == "two"
    assert (tmp_path / "deep" / "agent.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"http://h/": 7}'])
def test_state_file_that_is_torn_knows_nothing(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "agent.json"
    path.write_text(torn)
    assert StateFile(path).load("http://h/") is None
    StateFile(path).store("http://h/", "x")
    assert StateFile(path).load("http://h/") == "x"
