"""A media node: sessions over shared sockets, the crosspoint between them, and their figures."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from bridge import stun
from bridge.answer import Local, answer_publish, answer_receive, candidate_lines
from bridge.codecs import PROGRAM_CODECS, Codec
from bridge.crosspoint import Crosspoint, Output
from bridge.fragment import read_fragment, write_fragment
from bridge.hotpath_choice import PacketPath, choose
from bridge.ice import Candidate, Credentials, Path
from bridge.mediasocket import MediaAddress, open_sockets
from bridge.metrics import Counters, LoopLag, MediaTotals
from bridge.offers import AnswerError, read_answer
from bridge.publishing import Publisher
from bridge.receiveoffer import read_streams
from bridge.receiving import Receiver
from bridge.register import Register
from bridge.rounds import GROUPS, STEP_S
from bridge.sdp import Offer, read_offer
from bridge.session import Identity, Session
from bridge.transport import Certificate
from bridge.trunk import TrunkOffers, TrunkSession
from bridge.trunk import tracks as trunk_tracks
from bridge.udp import UdpSocket
from signaling.wire.control import (
    TRUNK_SLOTS,
    CloseSession,
    ConnectTrunk,
    Done,
    LayersWanted,
    NodeMessage,
    OpenSession,
    OpenTrunk,
    PatchSession,
    Refused,
    Routes,
    SessionEdge,
    SessionInfo,
    SessionOpened,
    SessionPatched,
    SessionStats,
    SignalingMessage,
    Stats,
    TableVersion,
    TrunkOffered,
)
from signaling.wire.errors import WireError
from signaling.wire.ids import Direction, NodeId, Port, Scope, SessionId, SlotName

AT_ONCE = 8
"""Sessions whose figures `Node.report` takes in one go."""


class Node:
    """Opens and closes sessions, applies routes, and forwards, whoever is listening.

    Knows nothing of the control link: `handle` takes its messages and returns the replies,
    `on_edge` is told each change of a session's state, `on_layers` which layers of a track are
    worth sending. Create it in a running loop; call `close`.

    Args:
        announce: where media come to. A plain (IP, UDP port) is bound and announced as it is,
            without TCP; port 0 takes a free one.
        max_sessions: more are refused with ``bridge_full``.
        packet_path: which implementation of it; see `hotpath_choice.choose`.

    Raises:
        NotBuiltError: the compiled packet path is wanted and was not built.
        OSError: an address cannot be bound.
    """

    def __init__(
        self,
        announce: Sequence[tuple[str, int] | MediaAddress],
        max_sessions: int,
        on_edge: Callable[[SessionEdge], None] = lambda edge: None,
        on_layers: Callable[[LayersWanted], None] = lambda wanted: None,
        packet_path: PacketPath = "auto",
    ) -> None:
        self.on_edge = on_edge
        self.on_layers = on_layers
        self.max_sessions = max_sessions
        self._log = structlog.get_logger("bridge")
        self._loop = asyncio.get_running_loop()
        self._certificate = Certificate()
        self._counters = Counters()
        self._media = MediaTotals()
        self._lag = LoopLag()
        self._hot = choose(packet_path)(self._counters, time.monotonic, self._pending)
        self._flush_timer: asyncio.Handle | None = None
        self._reading = self._due = False
        self._crosspoint = Crosspoint(self._hot)
        self._register = Register()
        self._offered = TrunkOffers(self._certificate.fingerprint)
        self._serial = 0
        self._deadline: asyncio.Handle | None = None
        self._deadline_at = 0.0
        # a browser opens two connections to each address, and uses one
        self._media_sockets = open_sockets(
            announce, self._counters, self, 2 * max_sessions, self._hot
        )
        self._step_due = self._loop.time() + STEP_S
        self._stepper = self._loop.call_at(self._step_due, self._step)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The bound UDP addresses, in the order of `announce`."""
        sockets = self._media_sockets.sockets
        return [one.address for one in sockets if isinstance(one, UdpSocket)]

    @property
    def candidates(self) -> Sequence[Candidate]:
        """What answers announce."""
        return self._media_sockets.candidates

    @property
    def packet_path(self) -> str:
        """Which implementation of the packet path runs: ``compiled`` or ``python``."""
        return self._hot.name

    def close(self) -> None:
        """End all sessions, tell the peers, free the sockets."""
        self._stepper.cancel()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        for session in self._register:
            session.close(self._loop.time(), "shutting_down")
        if self._deadline is not None:
            self._deadline.cancel()
        self._media_sockets.close()

    # --- the control link's requests ----------------------------------------------------------

    def handle(self, message: SignalingMessage) -> NodeMessage:
        """Carry out a request; returns its reply. Never raises."""
        try:
            match message:
                case OpenSession():
                    return self._open(message)
                case PatchSession():
                    return self._patch(message)
                case CloseSession(request=request, session=session, reason=reason):
                    held = self._register.get(session)
                    if held is not None:
                        held.close(self._loop.time(), reason or "closed")
                    return Done(request)
                case OpenTrunk():
                    return self._offer_trunk(message)
                case ConnectTrunk():
                    return self._connect_trunk(message)
                case Routes():
                    reply, outputs = self._crosspoint.apply(self._loop.time(), message)
                    self._carry_out(outputs)
                    self._forget(message.scope)
                    return reply
        except WireError as error:
            one = error.problem
            return Refused(message.request, one.code, one.detail, one.params)
        except Exception:
            self._log.exception("request failed", request=type(message).__name__)
            return Refused(message.request, "internal")

    def _open(self, message: OpenSession) -> SessionOpened:
        self._require_room()
        offer = read_offer(message.offer, message.direction)
        identity = self._identity(
            message.scope,
            message.port,
            message.direction,
            slots=tuple(message.slots),
            shared=message.shared,
        )
        credentials = _fresh_credentials()
        local = Local(
            secrets.randbits(62), credentials, self._certificate.fingerprint, self.candidates
        )
        session = Session(
            identity,
            offer,
            credentials,
            self._certificate,
            self._media_sockets.sockets,
            self._counters,
            self._hot.leg(self._loop.time()),
            self._loop.time(),
            self._changed,
        )
        answer = self._attach(session, offer, local, PROGRAM_CODECS[message.codec])
        self._register.add(session)
        self._register.expect(session)
        return SessionOpened(message.request, identity.session, answer, session.etag)

    def _patch(self, message: PatchSession) -> SessionPatched:
        session = self._register.get(message.session)
        if session is None:
            raise WireError("not_found", f"no session {message.session[:64]!r}")
        asked = read_fragment(message.fragment)
        if not message.if_match and asked.credentials != session.remote:
            raise WireError("precondition_required")
        if message.if_match and not {"*", session.etag} & set(message.if_match):
            raise WireError("precondition_failed", "ICE was restarted meanwhile")
        if asked.credentials in (None, session.remote):
            # an ICE-lite side never uses the candidates
            return SessionPatched(message.request, session.etag)
        credentials = _fresh_credentials()
        former = session.ufrags
        session.restart_ice(credentials, asked.credentials)
        self._register.expect(session, former)
        lines = candidate_lines(self.candidates)
        told = write_fragment(asked, credentials, lines)
        return SessionPatched(message.request, session.etag, told)

    def _require_room(self) -> None:
        if len(self._register) + len(self._offered) >= self.max_sessions:
            raise WireError("bridge_full", f"{self.max_sessions} sessions are open")

    def _identity(
        self,
        scope: Scope,
        port: Port,
        direction: Direction,
        *,
        slots: tuple[SlotName, ...] = (),
        shared: bool = False,
        relayed_from: NodeId | None = None,
    ) -> Identity:
        self._serial += 1
        session = SessionId(secrets.token_hex(8))
        return Identity(session, self._serial, scope, port, direction, slots, shared, relayed_from)

    # --- trunks -------------------------------------------------------------------------------

    def _offer_trunk(self, message: OpenTrunk) -> TrunkOffered:
        self._require_room()
        identity = self._identity(
            message.scope, message.port, "publish", relayed_from=message.source
        )
        offer = self._offered.offer(self._loop.time(), identity, _fresh_credentials())
        return TrunkOffered(message.request, identity.session, offer)

    def _connect_trunk(self, message: ConnectTrunk) -> Done:
        offered = self._offered.take(message.session)
        now = self._loop.time()
        try:
            answer = read_answer(message.answer)
            published = trunk_tracks(read_streams(message.answer, TRUNK_SLOTS))
            session = TrunkSession(
                offered, answer, [host for host, _ in self.addresses],
                self._certificate, self._counters, self._hot, now, self._changed,
            )  # fmt: skip
        except (AnswerError, OSError) as error:
            source = offered.identity.relayed_from
            raise WireError("offer_unusable", f"trunk from {source}: {error}") from None
        session.flow = Publisher(
            session,
            published,
            self._crosspoint,
            secrets.randbits(31) + 1,
            self._counters,
            self._carry_out,
            self._register.bind,
            self._hot,
        )
        self._register.add(session)
        session.start(now)
        return Done(message.request)

    def _attach(self, session: Session, offer: Offer, local: Local, video: Codec) -> str:
        """Give the session its flow; returns the answer."""
        ssrcs = _fresh_ssrcs(offer)
        if session.identity.direction == "publish":
            answer, tracks = answer_publish(offer, local, video)
            session.flow = Publisher(
                session,
                tracks,
                self._crosspoint,
                next(ssrcs),
                self._counters,
                self._carry_out,
                self._register.bind,
                self._hot,
            )
        else:
            slots = session.identity.slots
            answer, received = answer_receive(offer, local, slots, ssrcs, video)
            session.flow = Receiver(
                session,
                received,
                self._crosspoint,
                local.credentials.ufrag,
                self._loop.time(),
                self._counters,
                self._carry_out,
            )
        return answer

    # --- packets ------------------------------------------------------------------------------

    def receive_stun(self, now: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`."""
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            self._counters.dropped["malformed"] += 1
            return
        session = self._register.checked(message)
        if session is None:
            self._counters.dropped["unknown_peer"] += 1
            return
        session.receive_stun(now, message, path)

    def receive_stranger(self, now: float, arrival: float, datagram: bytes, path: Path) -> None:
        """See `udp.Host`: equal SSRCs in two sessions are legal, authentication decides."""
        for publisher in self._register.holders(datagram[8:12]):
            if publisher.session.receive_moved(now, arrival, datagram, path):
                return
        self._counters.dropped["unknown_peer"] += 1

    def reads(self, reading: bool) -> None:
        """See `udp.Host`."""
        self._reading = reading
        if not reading and self._due:
            self._flush()

    def _pending(self) -> None:
        """Something waits on a leg: send it once this batch of reads is through."""
        self._due = True
        if not self._reading:
            self._arm_flush(self._loop.call_soon(self._flush))

    def _flush(self) -> None:
        self._due = False
        at = self._hot.flush(self._loop.time())
        self._arm_flush(None if at is None else self._loop.call_at(at, self._flush))

    def _arm_flush(self, timer: asyncio.Handle | None) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._flush_timer = timer

    def _carry_out(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, LayersWanted):
                self.on_layers(output)
                continue
            for publisher in self._register.holders(output.source.ssrc.to_bytes(4, "big")):
                publisher.request_keyframe(output.source)
        self._arm()

    def _arm(self) -> None:
        """Wake the crosspoint when it wants to be; a wake-up that is too early does no harm."""
        due = self._crosspoint.next_deadline()
        if due is None or (self._deadline is not None and self._deadline_at <= due):
            return
        if self._deadline is not None:
            self._deadline.cancel()
        # remembered here: what uvloop gives back for a moment that is past knows no time
        self._deadline_at = due
        self._deadline = self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._deadline = None
        self._carry_out(self._crosspoint.handle_timeout(self._loop.time()))

    # --- time and state -----------------------------------------------------------------------

    def _step(self) -> None:
        now = self._loop.time()
        self._lag.late(self._step_due, now, time.thread_time())
        self._step_due = max(self._step_due + STEP_S, now)
        self._stepper = self._loop.call_at(self._step_due, self._step)
        ticked, sending = self._register.rounds.step()
        for session in ticked:
            session.tick(now)
        for session in sending:
            session.send_feedback(now)
        if self._register.rounds.step_number % GROUPS == 0:
            self._arm()

    def _changed(self, session: Session, reason: str) -> None:
        one = session.identity
        if session.state == "closed" and self._register.remove(session):
            self._media.add([session.stats(self._loop.time())])
            self._forget(one.scope)
        self._log.info(
            "session " + session.state, scope=one.scope, port=one.port, direction=one.direction,
            session=one.session, reason=reason,
        )  # fmt: skip
        self.on_edge(
            SessionEdge(
                one.session,
                one.scope,
                one.port,
                one.direction,
                session.state,
                reason,
                one.relayed_from,
            )
        )
        if session.state == "connected":
            for replaced in self._register.replaced_by(session):
                replaced.close(self._loop.time(), "replaced")

    def _forget(self, scope: Scope) -> None:
        if not self._register.has(scope):
            self._crosspoint.forget(scope)

    # --- figures ------------------------------------------------------------------------------

    def sessions(self) -> list[SessionInfo]:
        """All sessions, for `Hello`."""
        return [session.info for session in self._register]

    def tables(self) -> list[TableVersion]:
        """The routing tables held, for `Hello`."""
        return self._crosspoint.tables()

    def layers_wanted(self) -> list[LayersWanted]:
        """Which layers are worth sending, of every track of several, for after `Hello`."""
        return self._crosspoint.layers_wanted()

    def stats(self) -> Stats:
        """All figures; rates are over the time since the last call."""
        now = self._loop.time()
        return self._summed([one.stats(now) for one in self._register])

    async def report(self) -> Stats:
        """`stats`, a few sessions at a time: those of 130 take milliseconds, and packets pass in
        between."""
        found: list[SessionStats] = []
        for count, session in enumerate(self._register, start=1):
            # what has ended since the last pause has no figures any more
            if session.flow is not None:
                found.append(session.stats(self._loop.time()))
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
        # what has ended meanwhile is in the sums already
        return self._summed([one for one in found if self._register.get(one.session)])

    def _summed(self, sessions: list[SessionStats]) -> Stats:
        counters = self._counters
        dropped = counters.dropped.copy()
        for session in self._register:
            if session.flow is not None:
                dropped.update(session.flow.dropped())
        return Stats(
            at=time.time(),
            cpu_s=time.process_time(),
            loop_lag_s=self._lag.take(),
            stalls=dict(self._lag.stalls),
            tasks=len(asyncio.all_tasks(self._loop)),
            packets_in=counters.packets_in,
            packets_out=counters.packets_out,
            bytes_in=counters.bytes_in,
            bytes_out=counters.bytes_out,
            dropped=dict(dropped),
            sessions=sessions,
            tables=self.tables(),
            traffic=self._media.with_(sessions),
            feedback=dict(counters.feedback),
            latency=list(counters.latency.counts),
            latency_sum_s=counters.latency.sum_s,
            latency_burst=list(counters.latency.burst),
            latency_burst_sum_s=counters.latency.burst_sum_s,
        )


def _fresh_credentials() -> Credentials:
    """Ufrag and password of 48 and 192 bits (RFC 8839 §5.4 wants 24 and 128)."""
    return Credentials(secrets.token_hex(6), secrets.token_hex(24))


def _fresh_ssrcs(offer: Offer) -> Iterator[int]:
    """Random ones that the offer does not use, and that do not repeat."""
    used = {ssrc for section in offer.sections for ssrc in section.ssrcs} | {0}
    while True:
        ssrc = secrets.randbits(32)
        if ssrc not in used:
            used.add(ssrc)
            yield ssrc
