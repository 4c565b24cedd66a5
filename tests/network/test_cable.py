"""The fixture itself: what it promises about rates, losses and cuts."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.network.cable import CUT, FAR, FREE, LOSSY, NEAR, SLOW_DOWN, Cable, Profile


@pytest.fixture
def ends(cable: Cable) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket near and one far."""
    made = []
    for name, address in ((cable.near, NEAR), (cable.far, FAR)):
        with cable.inside(name):
            made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made[-1].bind((address, 0))
        made[-1].settimeout(2)
    near, far = made
    yield near, far
    near.close()
    far.close()


def _came(far: socket.socket) -> int:
    """How many wait to be read."""
    far.setblocking(False)
    count = 0
    try:
        while far.recv(2000):
            count += 1
    except BlockingIOError:
        return count
    return count


def test_a_free_cable_carries_both_ways(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    cable.be(FREE)
    near.sendto(b"down", far.getsockname())
    assert far.recv(100) == b"down"
    far.sendto(b"up", near.getsockname())
    assert near.recv(100) == b"up"


def test_losses_are_near_their_share_and_only_down(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    cable.be(LOSSY)
    for _ in range(100):
        for _ in range(20):
            near.sendto(b"x", far.getsockname())
        far.sendto(b"up", near.getsockname())
        assert near.recv(100) == b"up"
    cable.be(FREE)
    # 2,000 throws of 5 %: six standard deviations on either side
    assert 2000 * (1 - 0.08) < _came(far) < 2000 * (1 - 0.02)


def test_nothing_passes_a_cut_cable_and_sending_does_not_fail(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    cable.be(CUT)
    near.sendto(b"lost", far.getsockname())
    cable.be(FREE)
    near.sendto(b"back", far.getsockname())
    assert far.recv(100) == b"back"


def test_a_slow_cable_takes_its_time_and_drops_what_cannot_wait(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    cable.be(SLOW_DOWN)
    for _ in range(60):
        near.sendto(bytes(1000), far.getsockname())
    near.sendto(b"", far.getsockname())
    first = far.recv(2000)
    came = 1
    with contextlib.suppress(TimeoutError):
        while far.recv(2000):
            came += 1
    assert len(first) == 1000
    # 20 kB of the 60 fit into the bucket and the queue of 0.3 s
    assert 10 < came < 30
    cable.be(FREE)


def test_a_long_cable_takes_its_time_and_some_of_what_it_carries_is_overtaken(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    cable.be(Profile("dài", delay_s=0.1, jitter_s=0.03, overtaken=0.2))
    began = time.monotonic()
    near.sendto(b"ping", far.getsockname())
    far.sendto(far.recv(100), near.getsockname())
    assert near.recv(100) == b"ping"
    assert time.monotonic() - began >= 0.2
    for number in range(200):
        near.sendto(number.to_bytes(2), far.getsockname())
    came = [int.from_bytes(far.recv(100)) for _ in range(200)]
    assert sorted(came) == list(range(200))
    assert came != sorted(came)


def test_its_sockets_are_not_of_this_machine(
    cable: Cable, ends: tuple[socket.socket, socket.socket]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own, pytest.raises(OSError):  # noqa: PT011
        own.bind((NEAR, 0))
