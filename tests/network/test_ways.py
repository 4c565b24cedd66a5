"""Ways through what stands between a room and the node, with a real browser in the room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.cable import FREE, NO_UDP, Cable
from tests.network.nat import Nat
from tests.network.spectator import spectator
from tests.network.studio import Studio, house_at

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    with Cable() as made:
        yield made


async def test_a_room_without_udp_publishes_and_receives_over_tcp(
    cable: Cable, tmp_path: Path
) -> None:
    cable.be(NO_UDP)
    with house_at(cable) as house:
        async with spectator(cable, tmp_path) as page:
            studio = Studio(page, house)
            await studio.open()
            await studio.more()
            assert await studio.ways() == ["tcp", "tcp"]


async def test_udp_is_preferred_where_it_passes(cable: Cable, tmp_path: Path) -> None:
    cable.be(FREE)
    with house_at(cable) as house:
        async with spectator(cable, tmp_path) as page:
            studio = Studio(page, house)
            await studio.open()
            await studio.more()
            assert await studio.ways() == ["udp", "udp"]


async def test_a_call_goes_on_when_a_nat_forgets_its_ports(cable: Cable, tmp_path: Path) -> None:
    cable.be(FREE)
    with house_at(cable, tcp=False) as house, Nat(cable, house.node.addresses[0]) as nat:
        async with spectator(cable, tmp_path) as page:
            studio = Studio(page, house)
            await studio.open(ports={house.node.addresses[0][1]: nat.port})
            await studio.more()
            sessions = [one.session for one in house.node.sessions()]
            nat.rebind()
            await studio.more(60)
            assert [one.session for one in house.node.sessions()] == sessions
            assert [edge[2] for edge in house.edges] == ["connected"] * 2
