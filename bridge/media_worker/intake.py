"""One slot of a subscription: packets in, whole frames with their wall-clock times out. Pure.

It says which packets to ask for again (RFC 4585 §6.2.1, RFC 4588) and when only a keyframe helps.
"""

from __future__ import annotations

from typing import NamedTuple

from bridge import rtp
from bridge.estimator import Reception
from bridge.media_worker.frames import Frame, assembler
from bridge.media_worker.reorder import HOLD_S, Reorder
from bridge.media_worker.wallclock import WallClock
from bridge.nack import Losses
from bridge.receiveoffer import CLOCK_HZ, CodecName, Stream
from signaling.wire.ids import SlotName

KEYFRAME_AGAIN_S = 0.5
"""Between two requests for a keyframe."""


class Received(NamedTuple):
    """A frame of a slot: when its first packet's moment was, by the node's clock (Unix seconds)."""

    slot: SlotName
    codec: CodecName
    at: float
    frame: Frame


class Intake:
    """Feed it `receive`, `repair` and `report`; `take` frames, and send what `missing` and
    `wants_keyframe` say. `now` is monotonic seconds, `wall` Unix seconds."""

    def __init__(self, stream: Stream, *, patient: bool = False, hold_s: float = HOLD_S) -> None:
        """`patient`: keyframes are asked for only when `ask_keyframe` says so; `hold_s`: see
        `Reorder`."""
        self._patient = patient
        self.stream = stream
        self.reception = Reception(CLOCK_HZ[stream.codec])
        self.media_at: float | None = None
        self._video = stream.codec != "opus"
        self._losses = Losses()
        self._reorder = Reorder(hold_s)
        self._frames = assembler(stream.codec)
        self._clock = WallClock(CLOCK_HZ[stream.codec])
        self._asked_at: float | None = None
        self._wanted = False
        self._began: float | None = None

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return self._reorder.lost

    @property
    def skipped(self) -> int:
        """Frames that were left out, for want of them or of a keyframe."""
        return self._frames.skipped

    def receive(self, now: float, wall: float, packet: bytes) -> None:
        """An RTP packet of the stream itself."""
        header = rtp.parse(packet)
        if header is None:
            return
        self.reception.receive(now, header.sequence, header.timestamp, header.end - header.start)
        self._put(now, wall, packet, header)

    def repair(self, now: float, wall: float, packet: bytes) -> None:
        """A retransmission: the first two octets are the number that the original had."""
        header = rtp.parse(packet)
        if header is None or header.end - header.start < 2:
            return
        sequence = packet[header.start] << 8 | packet[header.start + 1]
        original = header._replace(sequence=sequence, start=header.start + 2)
        self._put(now, wall, packet, original)

    def report(self, now: float, ntp: int, timestamp: int) -> None:
        """The node's sender report of this stream."""
        self.reception.sender_report(now, ntp)
        self._clock.report(ntp, timestamp)

    def take(self, now: float) -> list[Received]:
        """The frames that are whole by now, in order."""
        found = []
        for ordered in self._reorder.take(now):
            if ordered is None:
                self._frames.gap()
                continue
            packet, header = ordered
            # of now nothing can be told: it may have waited, and at the end now lies ahead
            assert self._began is not None
            at = self._clock.at(self._began, header.timestamp)
            frame = self._frames.put(packet, header)
            if frame is not None:
                found.append(Received(self.stream.slot, self.stream.codec, at, frame))
        return found

    def missing(self, now: float, rtt_s: float) -> list[int]:
        """The packets to ask for now; sound is not repaired, which the bridge does not offer."""
        return self._losses.due(now, rtt_s) if self._video else []

    def wants_keyframe(self, now: float) -> bool:
        """Whether to ask for a keyframe now: something came, but nothing can be made of it."""
        if not self._video or self.media_at is None:
            return False
        starving = not self._patient and self._frames.starved and now - self.media_at < 1.0
        if not (starving or self._wanted):
            return False
        if self._asked_at is not None and now < self._asked_at + KEYFRAME_AGAIN_S:
            return False
        self._asked_at, self._wanted = now, False
        return True

    def ask_keyframe(self) -> None:
        """A subscriber wants one, for a reason of its own."""
        self._wanted = True

    def _put(self, now: float, wall: float, packet: bytes, header: rtp.Header) -> None:
        self.media_at = now
        if self._began is None:
            self._began = wall
        self._losses.received(now, header.sequence)
        self._reorder.put(now, packet, header)
