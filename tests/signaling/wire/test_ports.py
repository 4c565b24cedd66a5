"""Ports: no name is two things at once, and each says whose it is."""

from __future__ import annotations

import pytest

from signaling.wire import ports
from signaling.wire.ids import PageId, Port, SiteCode
from signaling.wire.ports import FLOOR_POSITIONS

DA_NANG = SiteCode("48")
SITE, WINDOW = ports.site_port(DA_NANG), ports.operator_port(PageId("rec-stills-mix"))
WORKERS = [
    *(ports.recorder_port(None), ports.recorder_port(DA_NANG)),
    *(ports.stills_port(1), ports.mix_port("program"), ports.mix_port(DA_NANG)),
]
OTHERS = [SITE, ports.standby_port(DA_NANG), WINDOW, ports.floor_port(1)]


def test_no_port_of_a_site_or_a_window_is_a_workers() -> None:
    assert [one for one in [*WORKERS, *OTHERS] if ports.is_worker_port(one)] == WORKERS
    assert [one for one in [*WORKERS, *OTHERS] if ports.is_mix(one)] == WORKERS[3:]


def test_a_port_says_whose_it_is() -> None:
    assert [one for one in [*WORKERS, *OTHERS] if ports.site_of(one) is not None] == [SITE]
    assert ports.site_of(SITE) == DA_NANG
    assert [one for one in [*WORKERS, *OTHERS] if ports.is_window(one)] == [WINDOW]
    assert ports.site_of(ports.operator_port(PageId("main"))) is None


def test_a_mix_is_heard_with_the_ears_of_its_site() -> None:
    assert ports.heard_by(ports.mix_port(DA_NANG)) == SITE
    assert ports.heard_by(WINDOW) == WINDOW


def test_positions_of_the_floor_are_known_by_their_ports() -> None:
    positions = range(1, FLOOR_POSITIONS + 1)
    assert [ports.floor_position(ports.floor_port(one)) for one in positions] == list(positions)
    assert ports.floor_position(SITE) is None


@pytest.mark.parametrize("text", ["", "0", "5", "10", "-1", "x", "٣", "1/2"])
def test_what_is_no_position_leads_nowhere(text: str) -> None:
    assert ports.floor_position(Port(f"@floor/{text}")) == 0
