"""The sockets of a node: which there are, and what a session may ask of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bridge.hotpath import HotPath
from bridge.ice import Candidate, Transport
from bridge.metrics import Counters
from bridge.tcp import TcpSocket, open_listener
from bridge.udp import Address, Host, Peer, UdpSocket, open_socket


class MediaAddress(NamedTuple):
    """An address of this machine that media come to.

    `announced` are the addresses under which peers know it, when a 1:1 NAT stands before it; its
    own may be among them, for peers on this side. Ports stay the same. Port 0 takes a free one;
    `tcp_port` None opens no ICE-TCP.
    """

    host: str
    port: int
    announced: tuple[str, ...] = ()
    tcp_port: int | None = None


class MediaSocket(Protocol):
    """A UDP socket, or one port's TCP connections, each named by the peer's address."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it is bound."""

    @property
    def full(self) -> bool:
        """See `hotpath.Wire`."""

    def fileno(self) -> int:
        """See `hotpath.Wire`."""

    def send(self, datagram: bytes, address: Address, /) -> None:
        """Send without waiting; what cannot be sent is dropped and counted."""

    def adopt(self, address: Address, peer: Peer, /) -> None:
        """What comes from this address is this session's from now on."""

    def holder(self, address: Address, /) -> Peer | None:
        """Whose address it is, if it is a session's."""

    def forget(self, address: Address, peer: Peer, /) -> None:
        """It no longer is; nothing if it is another's by now."""

    def close(self) -> None:
        """Stop reading and free the address."""


@dataclass(frozen=True)
class MediaSockets:
    """All sockets, in the order of `ice.Path.socket`, and the candidates that lead to them."""

    sockets: tuple[MediaSocket, ...]
    candidates: tuple[Candidate, ...]

    def close(self) -> None:
        """Free all addresses."""
        for socket in self.sockets:
            socket.close()


def open_sockets(
    addresses: Sequence[tuple[str, int] | MediaAddress],
    counters: Counters,
    host: Host,
    max_connections: int,
    hot: HotPath,
) -> MediaSockets:
    """Bind all: each on UDP, and on TCP where it has a port.

    Args:
        addresses: a plain (IP, UDP port) is announced as it is, without TCP.
        max_connections: TCP connections of sessions on one address.

    Raises:
        OSError: an address cannot be bound; none is then.
    """
    sockets: list[MediaSocket] = []
    candidates: list[Candidate] = []
    try:
        for one in (MediaAddress(*address) for address in addresses):
            udp = UdpSocket(open_socket(one.host, one.port), len(sockets), counters, host, hot)
            sockets.append(udp)
            candidates += _candidates("udp", one, udp.address[1])
            if one.tcp_port is not None:
                listener = open_listener(one.host, one.tcp_port)
                tcp = TcpSocket(listener, len(sockets), counters, host, max_connections)
                sockets.append(tcp)
                candidates += _candidates("tcp", one, tcp.address[1])
    except OSError:
        for socket in sockets:
            socket.close()
        raise
    # UDP first: whoever reads one candidate alone takes the first
    candidates.sort(key=lambda candidate: candidate.transport, reverse=True)
    return MediaSockets(tuple(sockets), tuple(candidates))


def _candidates(transport: Transport, address: MediaAddress, port: int) -> Iterator[Candidate]:
    for host in address.announced or (address.host,):
        yield Candidate(transport, host, port)
