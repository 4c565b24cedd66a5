"""The per-packet work, alone: one packet of a source in, a protected datagram to each receiver out.

Everything that is done for each packet *and* each slot is behind these protocols, so that it can be
compiled: `hotpath_fast` (Cython) and its plain twin `hotpath_plain` behave alike to the byte, and
pass the same tests. A packet waits on its legs until `flush`, which the owner calls at the end of a
batch of reads: then each receiver's packets are built, protected and sent in one go.

The way in is compiled as far as a packet is as usual; all others go through `Publisher`,
`Crosspoint` and `Source` in Python, which is the twin of that part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections import Counter

    from bridge.aims import Feed
    from bridge.ceiling import Ceiling
    from bridge.congestion import TransportFeedback
    from bridge.metrics import Counters
    from bridge.nack import Losses
    from bridge.slot import Slot
    from bridge.source import Packet, Source

Address = tuple[Any, ...]

MAX_PACKET: Final = 1456
"""Bytes of a plain RTP packet, so that protected it fits Ethernet: GStreamer fills 1,400. What a
new header makes longer is not sent (`Outlet.failures`)."""
MAX_DATAGRAM: Final = 1500
"""Bytes of a protected packet that comes in: as much as pylibsrtp has room for. What is longer is
no packet (``malformed``)."""
PACED_LIMIT: Final = 2048
"""Packets of pictures that wait on one leg; beyond it they are dropped (`Leg.dropped`)."""
URGENT_LIMIT: Final = 1024
"""The same for sound and retransmissions."""
PAD_OCTETS: Final = 255
"""Of padding in a packet of `Outlet.pad`: the most that its last octet can say (RFC 3550 §5.1)."""
BATCH: Final = 64
"""Datagrams of one wake-up; then timers and the control link have their turn."""
SENT_HISTORY: Final = 4096
"""Transport-wide numbers of a leg that `Leg.sent` remembers."""


@dataclass(frozen=True, slots=True)
class Protection:
    """One direction of SRTP.

    `protect` takes a plain RTP packet and returns the datagram, or raises; of what comes in it does
    the reverse. `function` and `context` are the addresses of libsrtp's ``srtp_protect`` (or
    ``srtp_unprotect``) and of its session, for callers in C; 0: none. They are valid as long as
    this object lives.
    """

    protect: Callable[[bytes], bytes]
    function: int = 0
    context: int = 0


class Wire(Protocol):
    """Where datagrams go: a UDP socket, or something that stands for one."""

    @property
    def full(self) -> bool:
        """Datagrams wait for room already: hand over nothing now."""

    def fileno(self) -> int:
        """The socket, to be sent on in C; -1: `send` only."""

    def send(self, datagram: bytes, address: Address, /) -> None:
        """Send without waiting, and count it. Must not raise."""


class Outlet(Protocol):
    """One slot's way out: its numbers, and what its receiver may ask for again.

    `packets` and `octets` (payload bytes) are totals of what left, without retransmissions;
    `failures` counts what could not be protected or had no transport yet, `resent` the answers to
    NACKs. `first` is the first packet of the run, in the numbers of the source.
    """

    @property
    def ssrc(self) -> int: ...
    @property
    def payload_type(self) -> int: ...
    @property
    def packets(self) -> int: ...
    @property
    def octets(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def resent(self) -> int: ...
    @property
    def pads(self) -> bool:
        """Whether `pad` can do anything that the receiver reports on."""

    def begin(
        self,
        now: float,
        packet: Packet,
        sequence_offset: int,
        timestamp_offset: int,
        picture_offset: int,
        tl0_picture_offset: int,
    ) -> None:
        """Add these to the numbers of `packet` and all that follow it."""

    def resend(self, now: float, lost: Sequence[int]) -> int:
        """Answer a NACK; how many will be sent.

        With RTX each goes out under its own SSRC (RFC 4588). Without it is the same packet to the
        byte, the transport-wide number included: one SRTP index may protect one packet only
        (RFC 7714 §8.1).
        """

    def pad(self, now: float, count: int) -> int:
        """Send so many packets of `PAD_OCTETS` of padding and nothing else, to try the way; how
        many will be sent. They go out as retransmissions, which receivers pass over; none where
        RTX was not agreed."""

    def forget(self, now: float) -> None:
        """Once a second: let go of what nobody can ask for any more."""


class Leg(Protocol):
    """One receiving session's way out, which its slots share.

    It carries nothing before `secure` and `aim`. Sound and retransmissions leave before pictures;
    the order inside a stream is kept. `dropped` counts what found no room.
    """

    @property
    def dropped(self) -> int: ...

    def secure(self, protection: Protection) -> None:
        """The handshake is done."""

    def aim(self, wire: Wire, address: Address) -> None:
        """Send there from now on. The address is numeric, as sockets give it."""

    def halt(self) -> None:
        """There is no way to the receiver for now: drop what waits and what comes, until `aim`."""

    def pace(self, bps: float) -> None:
        """The receiver's link carries so many bits a second: spread bursts accordingly."""

    def outlet(
        self,
        ssrc: int,
        payload_type: int,
        *,
        urgent: bool,
        nack: bool,
        rtx: tuple[int, int] | None = None,
        rtx_sequence: int = 0,
        extension: int = 0,
    ) -> Outlet:
        """A new slot's way out.

        Args:
            urgent: sound, which is not paced.
            nack: its receiver may ask for lost packets.
            rtx: payload type and SSRC of retransmissions; None sends the same again.
            rtx_sequence: the number before the first retransmission's.
            extension: the id of the transport-wide sequence number (1–14) in this section; 0 where
                it was not agreed. It goes into retransmissions, too.
        """

    def sent(self, first: int, count: int) -> list[tuple[int, float, int]]:
        """(transport-wide number, when it left, octets of the datagram) of those of these 16-bit
        numbers that left and are remembered; the clock is `HotPath.flush`'s."""

    def close(self) -> None:
        """Drop what waits, and carry nothing any more."""


class Fanout(Protocol):
    """Hands one packet to many slots."""

    def forward(self, now: float, packet: Packet, slots: Sequence[Slot], /) -> None:
        """Queue `packet` on the leg of each slot, to be sent by the next `flush`.

        Never raises. A late packet from before a slot's switch is not for that slot.
        """


class Flow(Protocol):
    """Where a publisher's packets go that are not as usual: `Publisher`."""

    def receive_rtp(self, now: float, arrival: float, packet: bytes) -> None:
        """An authentic packet; `arrival` as in `udp.Peer`."""


class Gate(Protocol):
    """The short way in of one publishing session: see `hotpath_gate`.

    `heard_at` is when the last authentic packet came this way, 0 before the first.
    """

    @property
    def heard_at(self) -> float: ...

    def secure(self, protection: Protection) -> None:
        """The handshake is done; this is ``srtp_unprotect`` and the session of what comes in."""

    def add(self, source: Source, losses: Losses | None, feed: Feed) -> None:
        """Take what comes under the SSRC of this source, of a codec that it knows."""

    def remove(self, source: Source) -> None:
        """It is over; unknown ones are ignored."""

    def receive(self, now: float, arrival: float, datagram: bytes) -> bool:
        """Whether an SRTP datagram was dealt with here: taken, given to the `Flow`, or dropped and
        counted. False: nothing has happened."""

    def close(self) -> None:
        """Take nothing any more."""


class Gated(Protocol):
    """A session, as a `Reader` sees it."""

    @property
    def gate(self) -> Gate | None: ...


class Desk(Protocol):
    """What a `Reader` needs of the socket that it reads: whose an address is, and where to bring
    what it does not deal with itself."""

    def holder(self, address: Address, /) -> Gated | None:
        """Whose address it is."""

    def hand_out(self, now: float, arrival: float, datagram: bytes, address: Address, /) -> None:
        """A datagram that took no short way."""

    def media_read(self) -> None:
        """The media of this batch are through, other datagrams follow."""

    def fault(self, error: Exception, /) -> None:
        """Handing out has failed; the next datagrams are handed out all the same."""


class Reader(Protocol):
    """Reads a UDP socket."""

    def read(self, now: float) -> None:
        """Read and hand out up to `BATCH` datagrams."""

    def forget(self) -> None:
        """Addresses have changed hands."""


class HotPath(Fanout, Protocol):
    """All legs of a node. `name` says which implementation this is."""

    @property
    def name(self) -> str: ...

    def gate(
        self,
        flow: Flow,
        dropped: Counter[str],
        ceiling: Ceiling,
        arrivals: TransportFeedback,
        number_extension: int | None,
    ) -> Gate | None:
        """The short way in of a session, if there is any; the rest is what `Publisher` keeps."""

    def reader(self, desk: Desk, descriptor: int, counters: Counters) -> Reader | None:
        """What reads this socket, if it is not the desk itself."""

    def leg(self, now: float) -> Leg:
        """A new receiving session's way out."""

    def flush(self, now: float) -> float | None:
        """Send what waits; returns when to call it again, None if nothing is left.

        Called soon after `on_pending` was (see the constructors), and whenever it asked for.
        """
