"""What the command hands to the bridge."""

from __future__ import annotations

import resource
from pathlib import Path

from bridge.mediasocket import MediaAddress
from cli.bridge import allow_connections, media_addresses
from config.settings import load_settings


def test_each_own_address_is_bound_once_with_all_that_is_announced(tmp_path: Path) -> None:
    options = {
        "data_dir": tmp_path,
        "bridge.media_addresses": "10.0.0.5,10.0.0.5=203.0.113.7,2001:db8::5",
        "bridge.media_port": 3478,
        "bridge.media_tcp_port": 443,
    }
    assert media_addresses(load_settings({}, options=options).bridge) == [
        MediaAddress("10.0.0.5", 3478, ("10.0.0.5", "203.0.113.7"), 443),
        MediaAddress("2001:db8::5", 3478, ("2001:db8::5",), 443),
    ]


def test_all_file_handles_that_may_be_had_are_taken() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        allow_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
