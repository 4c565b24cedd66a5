"""One WHEP session of the worker: what it subscribes to, opened again whenever it is lost.

Packet level: it asks for lost packets, for keyframes when only these help, and hands out whole
frames. Recorder, stills and mixer all receive by this.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import aiohttp
import structlog

from bridge import rtcp
from bridge.endpoint.doors import RefusedError, Resource
from bridge.endpoint.peer import CONNECT_S, REPORT_S, Peer, PeerState
from bridge.endpoint.wheel import Wheel
from bridge.media_worker.intake import Intake, Received
from bridge.offers import AnswerError, read_answer
from bridge.receiveoffer import offer, read_streams
from bridge.transport import Certificate, HandshakeError
from signaling.wire.ids import SessionId, SlotName

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 2.0
CEILING_BPS = 50_000_000
"""What is told as the path's capacity: the worker is near the node and wants all."""
_CNAME = "worker"

log = structlog.get_logger("worker")

OnFrames = Callable[[Sequence[Received]], None]


class Receiving(Protocol):
    """What work sees of its `Subscription`."""

    connected: bool

    @property
    def lost(self) -> int:
        """Packets that never came."""

    @property
    def skipped(self) -> int:
        """Frames that were left out because of them."""

    async def run(self) -> None:
        """Subscribe until cancelled."""

    def session_closed(self, session: SessionId) -> None:
        """The bridge ended a session; perhaps this one's."""

    def ask_keyframe(self) -> None:
        """Have every picture begin anew soon."""


Subscribe = Callable[[Callable[[], str], Sequence[SlotName], OnFrames, str], Receiving]
"""Makes a subscription from what gives the token, slots, what gets the frames, and a name."""


class Subscription:
    """Receives `slots` of one port from `run` to its end.

    Args:
        http: for the door, which is `base_url` and ``/whep``.
        token: gives the Bearer token of the moment, which names conference and port.
        on_frames: gets whole frames, from the wheel's turn; must not block.
        name: for log lines.
        patient: a picture that cannot be decoded waits for a keyframe; none is asked for.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        token: Callable[[], str],
        slots: Sequence[SlotName],
        wheel: Wheel,
        certificate: Certificate,
        on_frames: OnFrames,
        name: str,
        *,
        patient: bool = False,
    ) -> None:
        self._patient = patient
        self._http, self._url, self._token = http, f"{base_url}/whep", token
        self._slots, self._wheel, self._certificate = tuple(slots), wheel, certificate
        self._on_frames = on_frames
        self._log = log.bind(of=name)
        self._ssrc = secrets.randbits(32)
        self._intakes: list[Intake] = []
        self._by_ssrc: dict[int, tuple[Intake, bool]] = {}
        self._peer: Peer | None = None
        self._resource: Resource | None = None
        self._over = asyncio.Event()
        self._report_due = 0.0
        self._past_lost = self._past_skipped = 0
        self._told = ""
        self.connected = False

    @property
    def lost(self) -> int:
        """Packets that never came, since the start."""
        return self._past_lost + sum(intake.lost for intake in self._intakes)

    @property
    def skipped(self) -> int:
        """Frames that were left out because of them, since the start."""
        return self._past_skipped + sum(intake.skipped for intake in self._intakes)

    async def run(self) -> None:
        """Subscribe, again and again, until cancelled; then the session is deleted."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._session()
                retry_s = FIRST_RETRY_S
            except (
                *(RefusedError, AnswerError, HandshakeError, TimeoutError),
                *(aiohttp.ClientError, OSError),
            ) as error:
                self._say(f"{type(error).__name__}: {error}")
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    def session_closed(self, session: SessionId) -> None:
        """Signaling says that the bridge ended a session; perhaps ours."""
        location = self._resource.location if self._resource is not None else None
        if location is not None and location.endswith(f"/{session}"):
            self._over.set()

    def ask_keyframe(self) -> None:
        """Have every picture begin anew soon."""
        for intake in self._intakes:
            intake.ask_keyframe()

    def ask_slot(self, slot: SlotName) -> None:
        """Have one picture begin anew soon."""
        for intake in self._intakes:
            if intake.stream.slot == slot:
                intake.ask_keyframe()

    async def _session(self) -> None:
        """One session, until it is lost."""
        self._over = asyncio.Event()
        peer = Peer(self._wheel, self._certificate, self._rtp, self._rtcp, self._changed)
        door = Resource(self._http, self._url, self._token(), self._slots)
        self._peer, self._resource = peer, door
        try:
            answer = await door(offer(peer.credentials, peer.certificate.fingerprint, self._slots))
            self._take_streams(answer)
            await peer.connect(read_answer(answer), CONNECT_S)
            self.connected, self._told = True, ""
            self._log.info("receiving", slots=list(self._slots))
            self._wheel.add(self._turn)
            await self._over.wait()
            self._say("session lost")
        finally:
            self.connected = False
            self._wheel.remove(self._turn)
            self._hand_out(asyncio.get_running_loop().time() + CONNECT_S)
            peer.close()
            await asyncio.shield(_deleted(door))

    def _take_streams(self, answer: str) -> None:
        self._past_lost, self._past_skipped = self.lost, self.skipped
        streams = read_streams(answer, self._slots)
        self._intakes = [Intake(stream, patient=self._patient) for stream in streams]
        self._by_ssrc = {}
        for intake in self._intakes:
            self._by_ssrc[intake.stream.ssrc] = intake, False
            if intake.stream.rtx is not None:
                self._by_ssrc[intake.stream.rtx[1]] = intake, True

    def _changed(self, state: PeerState) -> None:
        if state in ("lost", "closed"):
            self._over.set()

    def _say(self, why: str) -> None:
        """One line for each edge, however often it is tried."""
        if why != self._told:
            self._told = why
            self._log.warning("not receiving", reason=why, next="subscribing again")

    def _rtp(self, now: float, packet: bytes) -> None:
        found = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        if found is None:
            return
        intake, resent = found
        loop_now = asyncio.get_running_loop().time()
        wall = time.time() - (loop_now - now)
        (intake.repair if resent else intake.receive)(now, wall, packet)

    def _rtcp(self, now: float, compound: bytes) -> None:
        for packet in rtcp.parse(compound):
            if isinstance(packet, rtcp.SenderReport) and packet.ssrc in self._by_ssrc:
                intake = self._by_ssrc[packet.ssrc][0]
                intake.report(now, packet.ntp, packet.rtp_timestamp)

    def _turn(self, now: float) -> None:
        self._hand_out(now)
        peer = self._peer
        assert peer is not None
        asked: list[rtcp.Packet] = []
        for intake in self._intakes:
            lost = intake.missing(now, peer.rtt_s or 0.0)
            if lost:
                asked.append(rtcp.Nack(self._ssrc, intake.stream.ssrc, tuple(lost)))
            if intake.wants_keyframe(now):
                asked.append(rtcp.PictureLoss(self._ssrc, intake.stream.ssrc))
        if now >= self._report_due:
            self._report_due = now + REPORT_S
            asked += self._reports()
        elif asked:
            asked.insert(0, rtcp.ReceiverReport(self._ssrc))
        if asked:
            peer.send_rtcp(rtcp.build(asked))

    def _hand_out(self, now: float) -> None:
        frames = [frame for intake in self._intakes for frame in intake.take(now)]
        if frames:
            self._on_frames(frames)

    def _reports(self) -> list[rtcp.Packet]:
        now = asyncio.get_running_loop().time()  # a slow turn is no part of the round trip
        found = (one.reception.report(now, one.stream.ssrc) for one in self._intakes)
        blocks = tuple(block for block in found if block is not None)[: rtcp.MAX_BLOCKS]
        ssrcs = tuple(one.stream.ssrc for one in self._intakes)
        return [
            rtcp.ReceiverReport(self._ssrc, blocks),
            rtcp.CanonicalName(self._ssrc, _CNAME),
            rtcp.MaximumBitrate(self._ssrc, CEILING_BPS, ssrcs),
        ]


async def _deleted(door: Resource) -> None:
    """End the resource if it can be reached; the node ends it by itself otherwise."""
    try:
        await door.delete()
    except (RefusedError, aiohttp.ClientError, OSError, TimeoutError):
        return
