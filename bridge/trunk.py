"""A trunk: this node receives a port from another one, as any endpoint would, and has it itself.

The other node (the *source*) sees one more WHEP session. Here it is a session whose side of ICE
does the checking (`bridge.trunkice`), and whose flow publishes the port. Each trunk has sockets of
its own, because all that comes from the source has one address.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge import receiveoffer
from bridge.agreed import PublishedTrack
from bridge.codecs import H264, OPUS, VP8, Codec
from bridge.fingerprint import Fingerprint
from bridge.hotpath import HotPath
from bridge.ice import Credentials, Path, Tick
from bridge.metrics import Counters
from bridge.offers import Answer
from bridge.receiveoffer import CodecName, Stream
from bridge.sdp import Offer
from bridge.session import Ice, Identity, Session
from bridge.transport import Certificate
from bridge.trunkice import TrunkIce, pairs
from bridge.udp import UdpSocket, open_socket
from signaling.wire.control import TRUNK_SLOTS
from signaling.wire.errors import WireError
from signaling.wire.ids import SessionId, Track, slot_media

ANSWER_S = 15.0
"""A source's answer that has not come by then is waited for no longer."""

_TRACKS: tuple[tuple[Track, str], ...] = (
    ("mic", ""),
    ("camera", "low"),
    ("camera", ""),
    ("slides", ""),
)
"""What each section carries, and which layer of it: in the order of `TRUNK_SLOTS`."""
assert len(_TRACKS) == len(TRUNK_SLOTS)

_CODECS: Mapping[CodecName, Codec] = {"opus": OPUS, "VP8": VP8, "H264": H264}


@dataclass(frozen=True)
class Offered:
    """A trunk that waits for its source's answer."""

    identity: Identity
    credentials: Credentials
    at: float


class TrunkOffers:
    """The trunks of a node that wait for their sources' answers; those that never come are
    forgotten."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self._fingerprint = fingerprint
        self._waiting: dict[SessionId, Offered] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, now: float, identity: Identity, credentials: Credentials) -> str:
        """The offer to make at the source's door."""
        self._waiting = {key: one for key, one in self._waiting.items() if one.at + ANSWER_S > now}
        self._waiting[identity.session] = Offered(identity, credentials, now)
        return receiveoffer.offer(credentials, self._fingerprint, TRUNK_SLOTS, levels=True)

    def take(self, session: SessionId) -> Offered:
        """What the answer is for. Raises WireError ``not_found``."""
        offered = self._waiting.pop(session, None)
        if offered is None:
            raise WireError("not_found", f"no trunk {session!r} waits for an answer")
        return offered


class TrunkSession(Session):
    """The session of a trunk, on sockets of its own at `hosts`, those of our addresses that may
    reach one of the source's; `start` sends the first checks.

    Raises:
        OSError: no address of ours is of the family of one of the source's, or none can be bound.
    """

    def __init__(
        self,
        offered: Offered,
        answer: Answer,
        hosts: Sequence[str],
        certificate: Certificate,
        counters: Counters,
        hot: HotPath,
        now: float,
        on_change: Callable[[Session, str], None],
    ) -> None:
        found = pairs(hosts, answer.addresses)
        if not found:
            raise OSError(f"no address of ours reaches {answer.addresses[0][0]}")
        used = list(dict.fromkeys(host for host, _ in found))
        self._paths = [Path(used.index(host), _resolved(address)) for host, address in found]
        self._host = _Host(self, counters)
        self._own: list[UdpSocket] = []
        try:
            for index, host in enumerate(used):
                opened = open_socket(host, 0)
                self._own.append(UdpSocket(opened, index, counters, self._host, hot))
        except OSError:
            self._close_sockets()
            raise
        # what the source says of itself; we are the client of its DTLS server
        source = Offer((), True, answer.credentials, (answer.fingerprint,), "passive")
        super().__init__(
            offered.identity,
            source,
            offered.credentials,
            certificate,
            self._own,
            counters,
            hot.leg(now),
            now,
            on_change,
        )

    def _new_ice(self, local: Credentials, remote: Credentials, now: float) -> Ice:
        self._trunk = TrunkIce(local, remote, self._paths, now, secrets.token_bytes)
        return self._trunk

    def start(self, now: float) -> None:
        """Begin to check the ways."""
        self._obey(now, self._trunk.handle(now, Tick()))

    def answered(self, now: float, datagram: bytes, path: Path) -> None:
        """A STUN message came."""
        self._obey(now, self._trunk.answered(now, datagram, path))

    def send_feedback(self, now: float) -> None:
        """See `Session`; the first checks follow each other more quickly than its ticks."""
        self._obey(now, self._trunk.handle(now, Tick()))
        super().send_feedback(now)

    def close(self, now: float, reason: str) -> None:
        """See `Session`."""
        if self.state != "closed":
            super().close(now, reason)
            self._close_sockets()

    def _close_sockets(self) -> None:
        for one in self._own:
            one.close()
        self._host.session = None


class _Host:
    """Hands the source's checks to the session; `session` is None once it is closed."""

    def __init__(self, session: TrunkSession, counters: Counters) -> None:
        self.session: TrunkSession | None = session
        self._counters = counters

    def receive_stun(self, now: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`."""
        if self.session is not None:
            self.session.answered(now, datagram, path)

    def receive_stranger(self, now: float, arrival: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`."""
        self._counters.dropped["unknown_peer"] += 1

    def reads(self, reading: bool) -> None:
        """See `udp.Host`: the node sends what waits by itself."""


def tracks(streams: Sequence[Stream]) -> list[PublishedTrack]:
    """What the source sends over a trunk: its slots as tracks of the port."""
    found = []
    for mid, (stream, (track, layer)) in enumerate(zip(streams, _TRACKS, strict=True)):
        repair, repair_ssrc = stream.rtx or (None, 0)
        found.append(
            PublishedTrack(
                mid=str(mid),
                track=track,
                codec=_CODECS[stream.codec],
                payload_type=stream.payload_type,
                ssrcs=(stream.ssrc,),
                mid_extension=None,
                twcc_extension=None,
                nack=slot_media(stream.slot) == "video",
                layers=(layer,),
                rtx=repair,
                repairs={} if repair is None else {repair_ssrc: stream.ssrc},
            )
        )
    return found


def _resolved(address: tuple[str, int]) -> tuple[Any, ...]:
    """As ``recvfrom`` gives it: IPv6 addresses have a flow and a scope, too."""
    return (*address, 0, 0) if ":" in address[0] else address
