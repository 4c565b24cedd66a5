"""A WHEP session of the worker: it asks for lost packets, for keyframes when only these help, and
hands out whole frames. Recorder, stills and mixer all receive by this.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge import rtcp
from bridge.endpoint.peer import CONNECT_S, REPORT_S, Peer
from bridge.media_worker.intake import Intake, Received
from bridge.media_worker.reorder import HOLD_S
from bridge.media_worker.standing import Standing, Way
from bridge.receiveoffer import offer, read_streams
from signaling.wire.ids import SessionId, SlotName

CEILING_BPS = 50_000_000
"""What is told as the path's capacity: the worker is near the node and wants all."""
_CNAME = "worker"

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


class Listening(Receiving, Protocol):
    """A subscription that says when it is connected, and when it is not."""

    up: asyncio.Event
    down: asyncio.Event


Subscribe = Callable[[Callable[[], str], Sequence[SlotName], OnFrames, str], Receiving]
"""Makes a subscription from what gives the token, slots, what gets the frames, and a name."""
Listen = Callable[[Callable[[], str], Sequence[SlotName], OnFrames, str], Listening]


class Subscription(Standing):
    """Receives `slots` of one port from `run` to its end.

    Args:
        token: gives the Bearer token of the moment, which names conference and port.
        on_frames: gets whole frames, from the wheel's turn; must not block.
        name: for log lines.
        patient: a picture that cannot be decoded waits for a keyframe; none is asked for.
        hold_s: how long a missing packet is waited for before what follows it is handed out.
    """

    def __init__(
        self,
        way: Way,
        token: Callable[[], str],
        slots: Sequence[SlotName],
        on_frames: OnFrames,
        name: str,
        *,
        patient: bool = False,
        hold_s: float = HOLD_S,
    ) -> None:
        super().__init__(way, "whep", token, slots, name, "receiving")
        self._patient, self._hold_s = patient, hold_s
        self._on_frames = on_frames
        self._ssrc = secrets.randbits(32)
        self._intakes: list[Intake] = []
        self._by_ssrc: dict[int, tuple[Intake, bool]] = {}
        self._report_due = 0.0
        self._past_lost = self._past_skipped = 0

    @property
    def lost(self) -> int:
        """Packets that never came, since the start."""
        return self._past_lost + sum(intake.lost for intake in self._intakes)

    @property
    def skipped(self) -> int:
        """Frames that were left out because of them, since the start."""
        return self._past_skipped + sum(intake.skipped for intake in self._intakes)

    def ask_keyframe(self) -> None:
        """Have every picture begin anew soon."""
        for intake in self._intakes:
            intake.ask_keyframe()

    def ask_slot(self, slot: SlotName) -> None:
        """Have one picture begin anew soon."""
        for intake in self._intakes:
            if intake.stream.slot == slot:
                intake.ask_keyframe()

    def _offer(self, peer: Peer) -> str:
        return offer(peer.credentials, peer.certificate.fingerprint, self._slots)

    def _answered(self, answer: str) -> None:
        self._past_lost, self._past_skipped = self.lost, self.skipped
        streams = read_streams(answer, self._slots)
        self._intakes = [
            Intake(stream, patient=self._patient, hold_s=self._hold_s) for stream in streams
        ]
        self._by_ssrc = {}
        for intake in self._intakes:
            self._by_ssrc[intake.stream.ssrc] = intake, False
            if intake.stream.rtx is not None:
                self._by_ssrc[intake.stream.rtx[1]] = intake, True

    def _ended(self) -> None:
        self._hand_out(asyncio.get_running_loop().time() + CONNECT_S)

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
