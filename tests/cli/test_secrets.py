"""The node token is made once and found again."""

from __future__ import annotations

import stat
from pathlib import Path

from cli.secrets import node_token
from config.settings import load_settings


def test_a_token_is_made_once_kept_private_and_found_by_the_settings(tmp_path: Path) -> None:
    options = {"data_dir": tmp_path / "data"}
    token = node_token(load_settings({}, options=options))
    assert len(token) >= 32
    path = tmp_path / "data" / "secrets" / "node_token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = load_settings({}, options=options)
    assert again.node_token is not None
    assert node_token(again) == again.node_token.get_secret_value() == token


def test_settings_that_were_read_before_it_was_made_find_it_too(tmp_path: Path) -> None:
    settings = load_settings({}, options={"data_dir": tmp_path})
    assert node_token(settings) == node_token(settings)


def test_a_token_that_is_set_is_taken_and_not_written(tmp_path: Path) -> None:
    settings = load_settings({"DIEMCAU_NODE_TOKEN": "t" * 32}, options={"data_dir": tmp_path})
    assert node_token(settings) == "t" * 32
    assert list(tmp_path.iterdir()) == []
