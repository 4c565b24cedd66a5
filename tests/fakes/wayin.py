"""A publisher on a packet path of its own, from the SRTP datagram to what its receiver is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pylibsrtp

from bridge import rtcp
from bridge.agreed import PublishedTrack
from bridge.arrivals import Arrivals
from bridge.codecs import OPUS, VP8
from bridge.crosspoint import Crosspoint
from bridge.hotpath import Gate, HotPath, Protection
from bridge.hotpath_choice import PacketPath, choose
from bridge.ice import Path
from bridge.metrics import Counters
from bridge.publishing import Publisher
from bridge.session import Identity
from bridge.slot import Slot
from bridge.transport import roomy, srtp_error, unprotection_of
from signaling.wire.control import Dropped, Route, Routes
from signaling.wire.ids import Port, Scope, SessionId, SlotName

_SCOPE, _SITE, _VIEWER = Scope("c1"), Port("48/main"), Port("op/1")
_STAGE, _FLOOR = SlotName("stage:1"), SlotName("floor:1")
_NUMBERS, _LEVEL = 3, 1
_WALL = 1_700_000_000.0


def _srtp(direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=bytes(range(28)),
        ssrc_type=direction,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    policy.window_size = 1024
    # what was damaged on its way was never sent
    policy.allow_repeat_tx = True
    return pylibsrtp.Session(policy)


class Sender:
    """Protects packets, as the publisher does."""

    def __init__(self) -> None:
        self._session = roomy(_srtp(pylibsrtp.Policy.SSRC_ANY_OUTBOUND))

    def datagram(self, packet: bytes) -> bytes | None:
        """None for what is no packet, or was sent long before."""
        return self._protected(self._session.protect, packet)

    def control(self, compound: bytes) -> bytes | None:
        """The same of RTCP."""
        return self._protected(self._session.protect_rtcp, compound)

    def _protected(self, protect: Callable[[bytes], bytes], packet: bytes) -> bytes | None:
        try:
            return protect(packet)
        except (pylibsrtp.Error, ValueError):
            return None


class _Session:
    def __init__(self) -> None:
        self.identity = Identity(SessionId("s"), 1, _SCOPE, _SITE, "publish", ())
        self.gate: Gate | None = None
        self.sent: list[bytes] = []

    def send_rtcp(self, compound: bytes) -> None:
        self.sent.append(compound)


class WayIn:
    """One camera and one microphone, and one receiver; needs a running loop. `close` it.

    `now` is ahead of the loop's clock, so that two of these see the same time. To a `UdpSocket` it
    is a peer.
    """

    full = False

    def __init__(self, which: PacketPath, now: float, *, nack: bool = True) -> None:
        self.now = now
        self.counters = Counters()
        self.sent: list[bytes] = []
        self._rx = _srtp(pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._session = _Session()
        self._path = choose(which)(self.counters, lambda: self.now, lambda: None)
        self._crosspoint = Crosspoint(self._path)
        tracks = [
            PublishedTrack(
                *("0", "mic", OPUS, 111, (), 4, _NUMBERS), nack=False, level_extension=_LEVEL
            ),
            PublishedTrack("1", "camera", VP8, 96, (), 4, _NUMBERS, nack=nack),
        ]
        self.publisher = Publisher(
            self._session,
            tracks,
            self._crosspoint,
            1,
            self.counters,
            lambda outputs: None,
            lambda publisher, ssrc, bound: None,
            self._path,
        )
        if self._session.gate is not None:
            self._session.gate.secure(unprotection_of(self._rx))
        leg = self._path.leg(now)
        leg.secure(Protection(lambda packet: packet))
        leg.aim(self, ("192.0.2.1", 9))
        for ssrc, (name, codec) in enumerate(((_STAGE, VP8), (_FLOOR, OPUS)), 0x10):
            outlet = leg.outlet(ssrc, ssrc, urgent=codec is OPUS, nack=codec is VP8, extension=5)
            slot = Slot(codec, outlet, first_sequence=7, first_timestamp=9, first_picture_id=11)
            self._crosspoint.add_slot(now, _SCOPE, _VIEWER, name, slot)
        self._revision = 0
        self.route(watched=True)

    def fileno(self) -> int:
        return -1

    def send(self, datagram: bytes, address: object, /) -> None:
        self.sent.append(datagram)

    def close(self) -> None:
        self.publisher.closed(self.now)

    def route(self, *, watched: bool) -> None:
        """Begin or end to carry both tracks to the receiver."""
        base, self._revision = self._revision or None, self._revision + 1
        put = [
            Route(_VIEWER, _STAGE, _SITE, "camera"),
            Route(_VIEWER, _FLOOR, _SITE, "mic"),
        ]
        drop = [Dropped(_VIEWER, name) for name in (_STAGE, _FLOOR)]
        self._crosspoint.apply(
            self.now,
            Routes(
                1, _SCOPE, 1, self._revision, base, put if watched else [], [] if watched else drop
            ),
        )

    @property
    def path(self) -> HotPath:
        """What its packets go through."""
        return self._path

    @property
    def gate(self) -> Gate | None:
        """See `udp.Peer`."""
        return self._session.gate

    def receive(self, datagram: bytes, arrival: float) -> None:
        """A datagram came at `now`."""
        self.receive_media(self.now, arrival, datagram)

    def receive_media(self, now: float, arrival: float, datagram: bytes, /) -> None:
        """As `Session.receive_media` does."""
        if self.gate is not None and self.gate.receive(now, arrival, datagram):
            return
        if len(datagram) < 12:
            self.counters.dropped["malformed"] += 1
            return
        try:
            if 191 < datagram[1] < 224:
                compound = self._rx.unprotect_rtcp(datagram)
                self.publisher.receive_rtcp(now, _WALL, compound)
            else:
                packet = self._rx.unprotect(datagram)
                self.publisher.receive_rtp(now, arrival, packet)
        except (pylibsrtp.Error, ValueError) as error:
            self.counters.dropped[srtp_error(error).reason] += 1

    def receive_dtls(self, datagram: bytes, /) -> None:
        """See `udp.Peer`: it has none."""

    def uses(self, now: float, path: Path, /) -> bool:
        """See `udp.Peer`."""
        return True

    def path_closed(self, path: Path, /) -> None:
        """See `udp.Peer`."""

    def flush(self) -> None:
        self._path.flush(self.now)

    def figures(self, *, arrivals: bool = True) -> object:
        """All that is told about what came in, to the publisher and to others; of arrivals the
        times only if wanted."""
        streams = self.publisher.stats(self.now)
        return (
            self.counters.dropped,
            self.publisher.dropped(),
            self.publisher.feedback(self.now) if arrivals else self._arrived(),
            self.publisher.reports(self.now, _WALL),
            streams,
            self.publisher.media_at(),
            [compound for compound in self._session.sent if rtcp.parse(compound)],
        )

    def _arrived(self) -> list[tuple[int, int, list[int]]]:
        reports = [
            one for compound in self.publisher.feedback(self.now) for one in rtcp.parse(compound)
        ]
        return [
            (one.base, one.count, [offset for offset, _ in one.came])
            for one in reports
            if isinstance(one, Arrivals)
        ]


def both(now_after_s: float = 10.0, *, nack: bool = True) -> tuple[WayIn, WayIn]:
    """One in Python and one compiled."""
    now = asyncio.get_running_loop().time() + now_after_s
    return WayIn("python", now, nack=nack), WayIn("compiled", now, nack=nack)
