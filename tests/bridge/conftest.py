"""What the tests over real sockets share."""

import pytest

from tests.bridge.house import House


@pytest.fixture
async def house():
    house = House()
    yield house
    for client in house.clients:
        client.close()
    house.node.close()
