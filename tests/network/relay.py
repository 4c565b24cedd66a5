"""Carries packets between the two ends of a cable, as slowly and badly as a profile says.

``python -m tests.network.relay NEAR FAR`` is given two open TUN devices by number, and profiles as
lines of JSON on its input; it answers each with an empty line once it holds. It ends with its
input. A process of its own: a test that is busy shall not be a slow line.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import math
import os
import select
import sys
import time

from tests.fakes.bottleneck import Bottleneck
from tests.network.cable import Profile

_MTU = 2048
_FREE_BPS = 1e9
_PRIORITY = -15
_UDP = 17


class Relay:
    """Two ways, each from one device to the other."""

    def __init__(self, near: int, far: int) -> None:
        self._targets = {near: far, far: near}
        self._ways = {near: Bottleneck(seed=1), far: Bottleneck(seed=2)}
        self._udp = True
        self._near = near
        self._due: list[tuple[float, int, int, bytes]] = []
        self._serial = itertools.count()

    def be(self, profile: Profile) -> None:
        """From now on it is like this; what was sent before went by the last one."""
        for device in self._targets:
            self.carry(device)
        self._udp = profile.udp
        rates = (profile.down_bps, profile.up_bps)
        losses = (profile.down_loss, profile.up_loss)
        for way, rate_bps, loss in zip(self._ways.values(), rates, losses, strict=True):
            way.rate_bps, way.loss, way.cut = rate_bps or _FREE_BPS, loss, loss >= 1
            way.queue_s, way.delay_s = profile.queue_s, profile.delay_s
            way.jitter_s, way.overtaken = profile.jitter_s, profile.overtaken
        self.deliver(time.monotonic())

    def carry(self, device: int) -> None:
        """Take what waits at this device."""
        way, target = self._ways[device], self._targets[device]
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(device, _MTU):
                if not self._udp and _protocol(packet) == _UDP:
                    continue
                at = way.send(time.monotonic(), len(packet))
                if at is not None:
                    heapq.heappush(self._due, (at, next(self._serial), target, packet))

    def deliver(self, now: float) -> float | None:
        """Hand over what has arrived; when the next will, None: nothing is under way."""
        due = self._due
        while due and due[0][0] <= now:
            _, _, target, packet = heapq.heappop(due)
            with contextlib.suppress(OSError):  # its namespace goes away
                os.write(target, packet)
        return due[0][0] if due else None


def _protocol(packet: bytes) -> int:
    """What an IP packet carries."""
    return packet[9] if packet[0] >> 4 == 4 else packet[6]


def main() -> None:
    """Run until the input ends."""
    near, far = map(int, sys.argv[1:3])
    os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    relay, poll, orders = Relay(near, far), select.poll(), sys.stdin.fileno()
    for number in (near, far, orders):
        poll.register(number, select.POLLIN)
    at = None
    while True:
        left_ms = None if at is None else max(0, math.ceil(1000 * (at - time.monotonic())))
        for number, _ in poll.poll(left_ms):
            if number != orders:
                relay.carry(number)
                continue
            line = sys.stdin.readline()
            if not line:
                return
            relay.be(Profile(**json.loads(line)))
            print(flush=True)
        at = relay.deliver(time.monotonic())


if __name__ == "__main__":
    main()
