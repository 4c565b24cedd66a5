"""A trunk: this node receives a port from another one, as any endpoint would, and has it itself.

The other node (the *source*) sees one more WHEP session. Here it is a session whose side of ICE
does the checking, and whose flow publishes the port. Each trunk has a socket of its own, because
all that comes from the source has one address.
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
from bridge.hotpath import Leg
from bridge.ice import (
    Credentials,
    IceEvent,
    IceOutput,
    Path,
    PathAdded,
    Respond,
    Selected,
    StateChanged,
    Tick,
)
from bridge.icecheck import Answer as CheckAnswer
from bridge.icecheck import Changed, Check, IceChecker, Output, Received
from bridge.icecheck import Tick as CheckTick
from bridge.metrics import Counters
from bridge.offers import Answer
from bridge.receiveoffer import CodecName, Stream
from bridge.sdp import Offer
from bridge.session import Ice, Identity, Session
from bridge.transport import Certificate
from bridge.udp import UdpSocket, open_socket
from signaling.wire.control import TRUNK_SLOTS
from signaling.wire.errors import WireError
from signaling.wire.ids import SessionId, Track, slot_media

ANSWER_S = 15.0
"""A source's answer that has not come by then is waited for no longer."""
CLOSED_AFTER_S = 30.0
"""Seconds without an answer to our checks after which a trunk is over, as RFC 7675 has it."""

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


class TrunkIce:
    """The checking side of a trunk, in the shape of `ice.IceLite`: one path, nominated at once."""

    def __init__(self, local: Credentials, remote: Credentials, path: Path, now: float) -> None:
        self.last_check: float | None = None
        self._checker = self._new_checker(local, remote, path, now)
        self._path = path
        self._opened = now
        self._closed = False

    @property
    def paths(self) -> Sequence[Path]:
        """The one, once it is known to work."""
        return () if self.last_check is None else (self._path,)

    @staticmethod
    def _new_checker(local: Credentials, remote: Credentials, path: Path, now: float) -> IceChecker:
        return IceChecker(
            local,
            remote,
            secrets.randbits(64),
            lambda: secrets.token_bytes(12),
            now,
            path.address[:2],
        )

    def restart(self, local: Credentials, remote: Credentials) -> None:
        """A trunk is opened anew instead."""
        raise WireError("not_found", "a trunk has no door of its own")

    def uses(self, now: float, path: Path) -> bool:
        """Whether the source uses this path now."""
        return path in self.paths

    def handle(self, now: float, event: IceEvent) -> list[IceOutput]:
        """Time passes; what else a session tells of its paths means nothing here."""
        if not isinstance(event, Tick) or self._closed:
            return []
        if now >= (self._opened if self.last_check is None else self.last_check) + CLOSED_AFTER_S:
            self._closed = True
            return [StateChanged("closed", "consent_expired")]
        if now < self._checker.next_deadline():
            return []
        return self._outputs(self._checker.handle(now, CheckTick()))

    def answered(self, now: float, datagram: bytes) -> list[IceOutput]:
        """A STUN message came."""
        before = self._checker.answered_at
        changes = self._checker.handle(now, Received(datagram))
        if self._checker.answered_at != before:
            self.last_check = now
        return self._outputs(changes)

    def _outputs(self, changes: Sequence[Output]) -> list[IceOutput]:
        outputs: list[IceOutput] = []
        for change in changes:
            match change:
                case Check(datagram) | CheckAnswer(datagram):
                    outputs.append(Respond(datagram, self._path))
                case Changed("connected"):
                    alive = StateChanged("alive")
                    outputs += [PathAdded(self._path), Selected(self._path), alive]
                case Changed("lost"):
                    outputs.append(StateChanged("lost", "silent"))
                case Changed():
                    pass
        return outputs


class TrunkSession(Session):
    """The session of a trunk, on a socket of its own; `start` sends the first check.

    Raises:
        OSError: there is no address to reach the source from.
    """

    def __init__(
        self,
        offered: Offered,
        answer: Answer,
        local_host: str,
        certificate: Certificate,
        counters: Counters,
        leg: Leg,
        now: float,
        on_change: Callable[[Session, str], None],
    ) -> None:
        self._path = Path(0, _resolved(answer.address))
        self._host = _Host(self, counters)
        self._own = UdpSocket(open_socket(local_host, 0), 0, counters, self._host)
        # what the source says of itself; we are the client of its DTLS server
        source = Offer((), answer.credentials, (answer.fingerprint,), "passive")
        super().__init__(
            offered.identity,
            source,
            offered.credentials,
            certificate,
            [self._own],
            counters,
            leg,
            now,
            on_change,
        )

    def _new_ice(self, local: Credentials, remote: Credentials, now: float) -> Ice:
        self._trunk = TrunkIce(local, remote, self._path, now)
        return self._trunk

    def start(self, now: float) -> None:
        """Begin to check the way."""
        self._obey(now, self._trunk.handle(now, Tick()))

    def answered(self, now: float, datagram: bytes) -> None:
        """A STUN message came."""
        self._obey(now, self._trunk.answered(now, datagram))

    def send_feedback(self) -> None:
        """See `Session`; the first checks follow each other more quickly than its ticks."""
        now = self._loop.time()
        self._obey(now, self._trunk.handle(now, Tick()))
        super().send_feedback()

    def close(self, now: float, reason: str) -> None:
        """See `Session`."""
        if self.state != "closed":
            super().close(now, reason)
            self._own.close()
            self._host.session = None


class _Host:
    """Hands the source's checks to the session; `session` is None once it is closed."""

    def __init__(self, session: TrunkSession, counters: Counters) -> None:
        self.session: TrunkSession | None = session
        self._counters = counters

    def receive_stun(self, now: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`."""
        if self.session is not None:
            self.session.answered(now, datagram)

    def receive_stranger(self, now: float, arrival: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`."""
        self._counters.dropped["unknown_peer"] += 1


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
