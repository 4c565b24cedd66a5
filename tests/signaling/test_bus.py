"""The bus hands on by type, never waits, and counts what a slow reader loses."""

from __future__ import annotations

import asyncio

import pytest

from signaling.bus import Bus
from signaling.wire.ids import NodeId
from signaling.wire.samples import NodeGone, NodeHeard


def heard(at: float) -> NodeHeard:
    return NodeHeard(NodeId("n"), at)


async def test_subscriber_gets_its_types_in_order() -> None:
    bus = Bus()
    subscription = bus.subscribe(NodeHeard)

    for message in (heard(1), NodeGone(NodeId("n"), 2), heard(3)):
        bus.publish(message)

    assert [await subscription.get(), await subscription.get()] == [heard(1), heard(3)]


async def test_slow_subscriber_loses_the_oldest_and_it_is_counted() -> None:
    bus = Bus()
    subscription = bus.subscribe(NodeHeard, capacity=2)

    for at in range(5):
        bus.publish(heard(at))

    assert subscription.lost == 3
    assert await subscription.get() == heard(3)


async def test_waiting_reader_is_woken() -> None:
    bus = Bus()
    subscription = bus.subscribe(NodeHeard)
    reading = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)

    bus.publish(heard(1))

    assert await reading == heard(1)


async def test_iteration_ends_when_the_bus_closes() -> None:
    bus = Bus()
    subscription = bus.subscribe(NodeHeard)
    bus.publish(heard(1))

    bus.close()

    assert [message async for message in subscription] == [heard(1)]
    with pytest.raises(EOFError):
        await subscription.get()


async def test_closed_subscription_receives_nothing_more() -> None:
    bus = Bus()
    with bus.subscribe(NodeHeard) as subscription:
        pass

    bus.publish(heard(1))

    assert [message async for message in subscription] == []
