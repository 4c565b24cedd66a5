"""A NAT in front of a node: it relays datagrams, and may forget under which port it did."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from tests.network.cable import NEAR, Cable


class Nat:
    """Peers send to `port`; the node sees each at a port of this NAT's choice, until `rebind`."""

    def __init__(self, cable: Cable, node: tuple[str, int]) -> None:
        self._cable, self._node = cable, node
        self._loop = asyncio.get_running_loop()
        self._inner = self._socket()
        self.port: int = self._inner.getsockname()[1]
        self._outer: dict[Any, socket.socket] = {}
        self._loop.add_reader(self._inner, self._from_peers)

    def rebind(self) -> None:
        """Forget all mappings: the next datagram of each peer goes out from another port."""
        for outer in self._outer.values():
            self._loop.remove_reader(outer)
            outer.close()
        self._outer.clear()

    def __enter__(self) -> Nat:
        return self

    def __exit__(self, *_: object) -> None:
        self.rebind()
        self._loop.remove_reader(self._inner)
        self._inner.close()

    def _socket(self) -> socket.socket:
        with self._cable.inside(self._cable.near):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((NEAR, 0))
        return made

    def _from_peers(self) -> None:
        datagram, peer = self._inner.recvfrom(2048)
        if peer not in self._outer:
            outer = self._outer[peer] = self._socket()
            self._loop.add_reader(outer, self._from_node, outer, peer)
        self._outer[peer].sendto(datagram, self._node)

    def _from_node(self, outer: socket.socket, peer: Any) -> None:
        self._inner.sendto(outer.recv(2048), peer)
