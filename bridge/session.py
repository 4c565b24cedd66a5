"""One WHIP or WHEP session's transport: ICE paths, DTLS-SRTP, and the state that they make."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge import rtcp, stun
from bridge.hotpath import Gate, Leg
from bridge.ice import (
    Ask,
    CheckReceived,
    Credentials,
    Dropped,
    Heard,
    IceEvent,
    IceLite,
    IceOutput,
    Moved,
    Path,
    PathAdded,
    PathClosed,
    PathDropped,
    Respond,
    Selected,
    StateChanged,
    Tick,
    Unselected,
)
from bridge.mediasocket import MediaSocket
from bridge.metrics import Counters
from bridge.sdp import Offer
from bridge.transport import Certificate, HandshakeError, SecureChannel, SrtpError
from bridge.udp import Address
from signaling.wire.control import SessionInfo, SessionState, SessionStats, StreamStats
from signaling.wire.ids import Direction, NodeId, Port, Scope, SessionId, SlotName

HANDSHAKE_TIMEOUT_S = 20.0
_MIN_PACKET = 12
"""Bytes: an RTP header; the shortest SRTCP packet is longer."""
_TICK, _HEARD = Tick(), Heard()


@dataclass(frozen=True)
class Identity:
    """Which session this is; `serial` counts sessions of the node, so a higher one is newer;
    `shared` as in `signaling.wire.control.OpenSession`; `relayed_from` is the node that a trunk
    brings its port from."""

    session: SessionId
    serial: int
    scope: Scope
    port: Port
    direction: Direction
    slots: tuple[SlotName, ...]
    shared: bool = False
    relayed_from: NodeId | None = None


class Flow(Protocol):
    """What a session is for: publishing or receiving. Packets are authentic and plain."""

    def connected(self, now: float) -> None:
        """Packets may flow from now on."""

    def receive_rtp(self, now: float, arrival: float, packet: bytes) -> None:
        """An RTP packet of the peer; `arrival` as in `udp.Peer`."""

    def receive_rtcp(self, now: float, wall: float, compound: bytes) -> None:
        """A compound RTCP packet of the peer; `wall` is Unix time."""

    def reports(self, now: float, wall: float) -> Sequence[bytes]:
        """Compounds to send now; called once a second while connected."""

    def feedback(self, now: float) -> Sequence[bytes]:
        """Compounds to send now; called ten times a second."""

    def dropped(self) -> Mapping[str, int]:
        """What was dropped since it opened and is not in the node's counters yet, by reason."""

    def stats(self, now: float) -> list[StreamStats]:
        """Figures; each call ends an interval."""

    def budget_bps(self) -> float | None:
        """What the path to a receiver is taken to carry; None: all that there is."""

    def paused(self) -> list[SlotName]:
        """A receiver's slots that have a picture to show and no room for it."""

    def rtt_s(self) -> float | None:
        """The latest round trip, None until known."""

    def media_at(self) -> float | None:
        """When the last RTP packet came in; None before the first."""

    def closed(self, now: float) -> None:
        """The session is over: take everything out of the crosspoint, and hand what `dropped`
        says to the node's counters."""


class Ice(Protocol):
    """One side of ICE: `ice.IceLite`, or the checking side of a trunk."""

    @property
    def last_check(self) -> float | None:
        """When consent was last given; None before."""

    @property
    def paths(self) -> Sequence[Path]:
        """Where packets are accepted from."""

    def uses(self, now: float, path: Path, /) -> bool:
        """Whether the peer uses this path now."""

    def restart(self, local: Credentials, remote: Credentials, /) -> None:
        """New credentials on both sides."""

    def handle(self, now: float, event: IceEvent, /) -> Sequence[IceOutput]:
        """Feed an event."""


class Session:
    """The transport of one session; its slots flow out over `leg`, and `gate` is the short way
    in of a publisher's packets, where there is one.

    `on_change` is called after each edge of `state` with (session, reason). The owner ticks it
    once a second, and drops it once it is ``closed``; `close` is final and frees everything.
    Checks name one of its `ufrags`; `remote` are the peer's credentials.
    """

    def __init__(
        self,
        identity: Identity,
        offer: Offer,
        credentials: Credentials,
        certificate: Certificate,
        sockets: Sequence[MediaSocket],
        counters: Counters,
        leg: Leg,
        now: float,
        on_change: Callable[[Session, str], None],
    ) -> None:
        self.identity = identity
        self.ufrags: tuple[str, ...] = (credentials.ufrag,)
        self.remote = offer.remote
        self.state: SessionState = "connecting"
        self.flow: Flow | None = None
        self.gate: Gate | None = None
        self.leg = leg
        self._ice = self._new_ice(credentials, offer.remote, now)
        self._channel = SecureChannel(
            certificate,
            "client" if offer.setup == "passive" else "server",
            offer.fingerprints,
            self._send,
            self._peer_closed,
        )
        self._sockets = sockets
        self._counters = counters
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._handshake: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._heard_told = 0.0
        self._socket = sockets[0]
        self._address: Address | None = None

    @property
    def info(self) -> SessionInfo:
        """As `Hello` reports it."""
        one = self.identity
        return SessionInfo(
            one.session,
            one.scope,
            one.port,
            one.direction,
            self.state,
            list(one.slots),
            one.shared,
            one.relayed_from,
        )

    @property
    def etag(self) -> str:
        """The name of the ICE generation that holds: our newest ufrag."""
        return self.ufrags[-1]

    def restart_ice(self, local: Credentials, remote: Credentials) -> None:
        """New credentials on both sides; DTLS, paths and media stay."""
        self.ufrags, self.remote = (*self.ufrags[-1:], local.ufrag), remote
        self._ice.restart(local, remote)

    def stats(self, now: float) -> SessionStats:
        """Figures; each call ends an interval."""
        one, flow = self.identity, self.flow
        assert flow is not None
        return SessionStats(
            session=one.session,
            scope=one.scope,
            port=one.port,
            direction=one.direction,
            state=self.state,
            consent_age_s=_age(now, self._ice.last_check),
            media_age_s=_age(now, flow.media_at()),
            rtt_s=flow.rtt_s(),
            streams=flow.stats(now),
            budget_bps=flow.budget_bps(),
            paused=flow.paused(),
        )

    # --- from the socket --------------------------------------------------------------------

    def receive_stun(self, now: float, message: stun.Message, path: Path) -> None:
        """A message that names this session's ufrag; nothing in it is authentic yet.

        An address that another session uses now stays that session's: whoever sends with it as a
        false source, even with valid checks of a session of his own, changes nothing.
        """
        holder = self._sockets[path.socket].holder(path.address)
        if holder is not None and holder is not self and holder.uses(now, path):
            self._counters.dropped["address_taken"] += 1
            return
        self._obey(now, self._ice.handle(now, CheckReceived(message, path)))

    def receive_dtls(self, datagram: bytes) -> None:
        """See `udp.Peer`."""
        self._channel.feed(datagram)

    def receive_media(self, now: float, arrival: float, datagram: bytes) -> None:
        """See `udp.Peer`."""
        flow = self.flow
        if self.gate is not None and self.gate.receive(now, arrival, datagram):
            return
        if len(datagram) < _MIN_PACKET or flow is None:
            self._counters.dropped["malformed"] += 1
            return
        try:
            if 191 < datagram[1] < 224:
                compound = self._channel.unprotect_rtcp(datagram)
                self._heard_at = now
                self._counters.feedback.update(rtcp.feedback_kinds(compound))
                flow.receive_rtcp(now, time.time(), compound)
            else:
                packet = self._channel.unprotect_rtp(datagram)
                self._heard_at = now
                flow.receive_rtp(now, arrival, packet)
        except SrtpError as error:
            self._counters.dropped[error.reason] += 1

    def uses(self, now: float, path: Path) -> bool:
        """See `udp.Peer`."""
        return self._ice.uses(now, path)

    def path_closed(self, path: Path) -> None:
        """See `udp.Peer`."""
        self._obey(self._loop.time(), self._ice.handle(self._loop.time(), PathClosed(path)))

    def receive_moved(self, now: float, arrival: float, datagram: bytes, path: Path) -> bool:
        """An SRTP packet from an unknown address that carries an SSRC of this session: take it and
        the address if it is authentic. False, and nothing is counted, if it is not."""
        if self.flow is None or not self._channel.connected:
            return False
        try:
            packet = self._channel.unprotect_rtp(datagram)
        except SrtpError:
            return False
        self._obey(now, self._ice.handle(now, Moved(path)))
        self.flow.receive_rtp(now, arrival, packet)
        return True

    def _new_ice(self, local: Credentials, remote: Credentials, now: float) -> Ice:
        return IceLite(local, remote, now, _new_transaction)

    # --- to the socket ----------------------------------------------------------------------

    def send_rtcp(self, compound: bytes) -> None:
        """Protect and send; nothing when not connected."""
        if self._channel.connected:
            self._send(self._channel.protect_rtcp(compound))
            self._counters.feedback.update(rtcp.feedback_kinds(compound))

    def _send(self, datagram: bytes) -> None:
        if self._address is not None:
            self._socket.send(datagram, self._address)

    # --- time and state ---------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Once a second: consent, and RTCP while connected."""
        heard_at = self._heard_at
        if self.gate is not None:
            heard_at = max(heard_at, self.gate.heard_at)
        if heard_at > self._heard_told:
            self._heard_told = heard_at
            self._obey(now, self._ice.handle(heard_at, _HEARD))
        self._obey(now, self._ice.handle(now, _TICK))
        if self._channel.connected and self.flow is not None:
            for compound in self.flow.reports(now, time.time()):
                self.send_rtcp(compound)

    def send_feedback(self, now: float) -> None:
        """Ten times a second: what the peer's estimate of its path lives on."""
        if self.flow is not None:
            for compound in self.flow.feedback(now):
                self.send_rtcp(compound)

    def close(self, now: float, reason: str) -> None:
        """End the session. Safe in any state and repeatedly."""
        if self.state == "closed":
            return
        self._channel.close()
        self.leg.close()
        if self.gate is not None:
            self.gate.close()
        for path in self._ice.paths:
            self._sockets[path.socket].forget(path.address, self)
        if self._handshake is not None:
            self._handshake.cancel()
        if self.flow is not None:
            self.flow.closed(now)
        self._change("closed", reason)
        # it knows its session: without this both would wait for the garbage collection
        self.flow = None

    def _obey(self, now: float, outputs: Sequence[IceOutput]) -> None:
        for output in outputs:
            match output:
                case Respond(datagram, path) | Ask(datagram, path):
                    self._sockets[path.socket].send(datagram, path.address)
                case PathAdded(path):
                    self._sockets[path.socket].adopt(path.address, self)
                    self._begin_handshake()
                case PathDropped(path):
                    self._sockets[path.socket].forget(path.address, self)
                case Selected(path):
                    self._socket, self._address = self._sockets[path.socket], path.address
                    self.leg.aim(self._socket, self._address)
                case Unselected():
                    self._address = None
                    self.leg.halt()
                case StateChanged("closed", reason):
                    self.close(now, reason)
                case StateChanged("lost", reason):
                    if self.state == "connected":
                        self._change("lost", reason)
                case StateChanged():
                    if self.state == "lost":
                        self._change("connected", "returned")
                case Dropped(reason):
                    self._counters.dropped[reason] += 1

    def _begin_handshake(self) -> None:
        if self._handshake is None:
            self._handshake = self._loop.create_task(self._shake_hands())

    async def _shake_hands(self) -> None:
        try:
            await self._channel.start(HANDSHAKE_TIMEOUT_S)
        except HandshakeError as error:
            if self.state != "closed":
                self.close(self._loop.time(), f"dtls_failed: {error}")
            return
        self.leg.secure(self._channel.protection())
        if self.gate is not None:
            self.gate.secure(self._channel.unprotection())
        if self.flow is not None:
            self.flow.connected(self._loop.time())
        self._change("connected", "")

    def _peer_closed(self) -> None:
        self.close(self._loop.time(), "peer_closed")

    def _change(self, state: SessionState, reason: str) -> None:
        self.state = state
        self._on_change(self, reason)


def _new_transaction(ufrag: str) -> bytes:
    """Begins with the ufrag, by which the node finds whose answer it is: it names nobody."""
    return bytes.fromhex(ufrag) + secrets.token_bytes(6)


def _age(now: float, at: float | None) -> float | None:
    return None if at is None else max(0.0, now - at)
