"""The packet path in plain Python: runs everywhere; the compiled one is held equal to it."""

from __future__ import annotations

import struct
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from bridge.hotpath import (
    MAX_PACKET,
    PACED_LIMIT,
    PAD_OCTETS,
    SENT_HISTORY,
    URGENT_LIMIT,
    Address,
    Desk,
    Flow,
    Protection,
    Wire,
)
from bridge.metrics import Counters
from bridge.pacer import MAX_WAIT_S, STEP_S, LinkPacer, Spreader
from bridge.packetcache import HISTORY, Budget, Memory, Run

if TYPE_CHECKING:
    from bridge.ceiling import Ceiling
    from bridge.congestion import TransportFeedback
    from bridge.slot import Slot
    from bridge.source import Packet

_HEADER: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HHBHx")
_PICTURE: Final = struct.Struct("!HH")
_RESENT: Final = struct.Struct("!H")

_MEDIA, _RTX, _AGAIN, _PAD = range(4)


class _Kept(NamedTuple):
    """A packet of a source, as all its slots share it. `size` is the plain packet's, without
    extensions."""

    sequence: int
    at: float
    arrival: float
    timestamp: int
    marker: int
    picture: int
    descriptor: int
    tl0_picture: int
    tail: bytes
    size: int
    burst: bool


_PADDING: Final = _Kept(
    sequence=0,
    at=0.0,
    arrival=0.0,
    timestamp=0,
    marker=0,
    picture=-1,
    descriptor=0,
    tl0_picture=-1,
    tail=bytes(PAD_OCTETS - 1) + bytes((PAD_OCTETS,)),
    size=12 + PAD_OCTETS,
    burst=False,
)


class _Job(NamedTuple):
    """One packet that waits on a leg, in the numbers of its slot. `number` is the transport-wide
    one of a packet that is sent again as it was."""

    outlet: PlainOutlet
    kept: _Kept
    kind: int
    at: float
    sequence: int
    timestamp: int
    picture: int
    tl0_picture: int
    burst: bool
    number: int = -1


class PlainPath:
    """See `hotpath.HotPath`.

    Args:
        counters: `latency` is told how long packets took; wires count the rest.
        clock: the monotonic one, read when packets have left.
        on_pending: called when something waits after nothing did: `flush` soon.
    """

    name = "python"

    def __init__(
        self, counters: Counters, clock: Callable[[], float], on_pending: Callable[[], None]
    ) -> None:
        self._latency = counters.latency
        self._clock = clock
        self._on_pending = on_pending
        self._told = False
        self._busy: deque[PlainLeg] = deque()
        self._spreader = Spreader()
        self._left: Counter[tuple[float, bool]] = Counter()

    def leg(self, now: float) -> PlainLeg:
        """See `hotpath.HotPath`."""
        return PlainLeg(self, now)

    def gate(
        self,
        flow: Flow,
        dropped: Counter[str],
        ceiling: Ceiling,
        arrivals: TransportFeedback,
        number_extension: int | None,
    ) -> None:
        """See `hotpath.HotPath`: there is none."""

    def reader(self, desk: Desk, descriptor: int, counters: Counters) -> None:
        """See `hotpath.HotPath`: the desk itself."""

    def forward(self, now: float, packet: Packet, slots: Sequence[Slot], /) -> None:
        """See `hotpath.Fanout`."""
        history = packet.history
        if packet.starts_keyframe:
            history.keyframe_timestamp = packet.timestamp
        sequence, timestamp = packet.sequence, packet.timestamp
        picture, tl0_picture, tail = packet.picture, packet.tl0_picture, packet.tail
        kept = _Kept(
            sequence,
            now,
            self._latency.arrival,
            timestamp,
            packet.marker,
            picture,
            packet.descriptor,
            tl0_picture,
            tail,
            12 + (0 if picture < 0 else 4 + (tl0_picture >= 0)) + len(tail),
            timestamp == history.keyframe_timestamp,
        )
        history.store(kept)
        late = packet.late
        for slot in slots:
            outlet = slot.outlet
            assert isinstance(outlet, PlainOutlet)
            if not late or sequence >= outlet.first:
                outlet.forward(now, kept)

    def flush(self, now: float) -> float | None:
        """See `hotpath.HotPath`."""
        self._told = False
        spreader = self._spreader
        spreader.refill(now)
        busy, self._busy = self._busy, deque()
        for leg in busy:
            leg.hurry(now, self._left)
        # who got nothing this time is first the next
        after: list[PlainLeg] = []
        for leg in busy:
            again = after if spreader.credit > 0 else self._busy
            leg.drain(now, spreader, self._left)
            leg.listed = leg.waiting > 0
            if leg.listed:
                again.append(leg)
        self._busy.extend(after)
        if self._left:
            self._took()
        return now + STEP_S if self._busy else None

    def _took(self) -> None:
        at = self._clock()
        for (arrival, burst), packets in self._left.items():
            self._latency.took(at - arrival, packets, burst)
        self._left.clear()

    def pending(self, leg: PlainLeg) -> None:
        """Something new waits on a leg."""
        if not leg.listed:
            leg.listed = True
            self._busy.append(leg)
        if not self._told:
            self._told = True
            self._on_pending()


class PlainLeg:
    """See `hotpath.Leg`."""

    def __init__(self, path: PlainPath, now: float) -> None:
        self.dropped = 0
        self.held_up = False
        self.listed = False
        self.waiting = 0
        self.budget = Budget(now)
        self._path = path
        self._protect: Callable[[bytes], bytes] | None = None
        self._wire: Wire | None = None
        self._address: Address = ()
        self._pacer = LinkPacer(now)
        self._urgent: deque[_Job] = deque()
        self._paced: deque[_Job] = deque()
        self._paced_octets = 0
        self._number = 0
        self._sent: dict[int, tuple[float, int]] = {}

    def secure(self, protection: Protection) -> None:
        """See `hotpath.Leg`."""
        self._protect = protection.protect

    def aim(self, wire: Wire, address: Address) -> None:
        """See `hotpath.Leg`."""
        self._wire, self._address = wire, address

    def halt(self) -> None:
        """See `hotpath.Leg`."""
        self._wire = None
        self._urgent.clear()
        self._paced.clear()
        self.waiting = self._paced_octets = 0

    def pace(self, bps: float) -> None:
        """See `hotpath.Leg`."""
        self._pacer.pace(bps)

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
    ) -> PlainOutlet:
        """See `hotpath.Leg`."""
        memory = Memory(self.budget) if nack else None
        return PlainOutlet(self, ssrc, payload_type, urgent, memory, rtx, rtx_sequence, extension)

    def sent(self, first: int, count: int) -> list[tuple[int, float, int]]:
        """See `hotpath.Leg`."""
        numbers = ((first + n) & 0xFFFF for n in range(min(count, SENT_HISTORY)))
        return [(one, *self._sent[one]) for one in numbers if one in self._sent]

    def close(self) -> None:
        """See `hotpath.Leg`."""
        self._protect = None
        self.halt()

    def push(self, job: _Job) -> bool:
        """Let it wait for the next flush; False if that cannot be."""
        outlet = job.outlet
        if self._protect is None:
            outlet.failures += 1
            return False
        if self._wire is None:
            self.dropped += 1
            return False
        urgent = outlet.urgent or job.kind != _MEDIA
        queue, limit = (self._urgent, URGENT_LIMIT) if urgent else (self._paced, PACED_LIMIT)
        if len(queue) >= limit:
            self.dropped += 1
            return False
        queue.append(job)
        if not urgent:
            self._paced_octets += job.kept.size
        self.waiting += 1
        self._path.pending(self)
        return True

    def hurry(self, now: float, left: Counter[tuple[float, bool]]) -> None:
        """Send what does not wait for its turn."""
        wire = self._wire
        while wire is not None and self._urgent and not wire.full:
            self.waiting -= 1
            self._send(now, wire, self._urgent.popleft(), left)

    def drain(self, now: float, spreader: Spreader, left: Counter[tuple[float, bool]]) -> None:
        """Send what the pacer lets leave."""
        wire, paced = self._wire, self._paced
        if wire is None or not paced or wire.full:
            return
        oldest_at = paced[0].at
        allowance = self._pacer.allowance(now, self._paced_octets, oldest_at)
        overdue = oldest_at + MAX_WAIT_S <= now
        octets = 0
        while paced and octets < allowance and (overdue or spreader.credit > 0) and not wire.full:
            job = paced.popleft()
            octets += job.kept.size
            spreader.credit -= job.kept.size
            self.waiting -= 1
            self._send(now, wire, job, left)
        self._paced_octets -= octets
        self._pacer.spent(octets)
        self.held_up = bool(paced)

    def _send(self, now: float, wire: Wire, job: _Job, left: Counter[tuple[float, bool]]) -> None:
        outlet, kept, protect = job.outlet, job.kept, self._protect
        number = self._number if job.number < 0 else job.number
        packet = outlet.build(job, number)
        try:
            if protect is None or len(packet) > MAX_PACKET:
                raise ValueError(len(packet))
            datagram = protect(packet)
        except Exception:
            outlet.failures += 1
            return
        if job.kind == _MEDIA:
            outlet.departed(job, number)
            if kept.arrival:
                left[kept.arrival, job.burst] += 1
        if outlet.extension and job.number < 0:
            self._number = (number + 1) & 0xFFFF
            self._sent.pop((number - SENT_HISTORY) & 0xFFFF, None)
            self._sent[number] = (now, len(datagram))
        wire.send(datagram, self._address)


class PlainOutlet:
    """See `hotpath.Outlet`. The offsets are what is added to the numbers of the source."""

    def __init__(
        self,
        leg: PlainLeg,
        ssrc: int,
        payload_type: int,
        urgent: bool,
        memory: Memory | None,
        rtx: tuple[int, int] | None,
        rtx_sequence: int,
        extension: int,
    ) -> None:
        self.leg = leg
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.urgent = urgent
        self.extension = extension
        self.packets = self.octets = self.failures = self.resent = 0
        self.first = self.sequence_offset = self.timestamp_offset = 0
        self.picture_offset = self.tl0_picture_offset = 0
        self.last = -1
        self.last_at = 0.0
        self._memory = memory
        self._rtx = rtx
        self._rtx_sequence = rtx_sequence
        # (extended, transport-wide) numbers of what may have to be sent again as it was
        self._numbers: dict[int, tuple[int, int]] | None = (
            {} if extension and memory is not None and rtx is None else None
        )

    def begin(
        self,
        now: float,
        packet: Packet,
        sequence_offset: int,
        timestamp_offset: int,
        picture_offset: int,
        tl0_picture_offset: int,
    ) -> None:
        """See `hotpath.Outlet`."""
        self.first = packet.sequence
        self.sequence_offset = sequence_offset
        self.timestamp_offset = timestamp_offset
        self.picture_offset = picture_offset
        self.tl0_picture_offset = tl0_picture_offset
        if self._memory is not None:
            self._memory.begin(
                now,
                Run(
                    packet.history,
                    packet.sequence + sequence_offset,
                    sequence_offset,
                    timestamp_offset,
                    picture_offset,
                    tl0_picture_offset,
                ),
            )

    def forward(self, now: float, kept: _Kept) -> None:
        """Queue a packet of the run."""
        sequence = kept.sequence + self.sequence_offset
        self.last = max(self.last, sequence)
        self.last_at = now
        self.leg.push(
            _Job(
                self,
                kept,
                _MEDIA,
                now,
                sequence,
                kept.timestamp + self.timestamp_offset,
                kept.picture + self.picture_offset,
                kept.tl0_picture + self.tl0_picture_offset,
                kept.burst or self.leg.held_up,
            )
        )

    def resend(self, now: float, lost: Sequence[int]) -> int:
        """See `hotpath.Outlet`."""
        if self._memory is None:
            return 0
        answered = 0
        for one in lost:
            found = self._memory.find(now, self.last, one)
            if found is None:
                continue
            sequence, kept, run = found
            assert isinstance(kept, _Kept)
            number = -1
            if self._numbers is not None:
                before, number = self._numbers.get(sequence % HISTORY, (-1, -1))
                if before != sequence:
                    continue  # it has not left yet
            answered += self.leg.push(
                _Job(
                    self,
                    kept,
                    _AGAIN if self._rtx is None else _RTX,
                    now,
                    sequence,
                    kept.timestamp + run.timestamp_offset,
                    kept.picture + run.picture_offset,
                    kept.tl0_picture + run.tl0_picture_offset,
                    False,
                    number,
                )
            )
        self.resent += answered
        return answered

    @property
    def pads(self) -> bool:
        """See `hotpath.Outlet`."""
        return self._rtx is not None and self.extension > 0

    def pad(self, now: float, count: int) -> int:
        """See `hotpath.Outlet`."""
        if self._rtx is None:
            return 0
        job = _Job(self, _PADDING, _PAD, now, 0, 0, 0, 0, False)
        return sum(self.leg.push(job) for _ in range(count))

    def forget(self, now: float) -> None:
        """See `hotpath.Outlet`."""
        if self._memory is not None:
            self._memory.forget(now, self.last_at)

    def departed(self, job: _Job, number: int) -> None:
        """Count a packet that left, under that transport-wide number if there are any."""
        self.packets += 1
        self.octets += job.kept.size - 12
        if self._numbers is not None:
            self._numbers[job.sequence % HISTORY] = (job.sequence, number)

    def build(self, job: _Job, number: int) -> bytes:
        """The plain packet of a job."""
        kept = job.kept
        payload_type, ssrc, sequence, resent = self.payload_type, self.ssrc, job.sequence, b""
        if job.kind in (_RTX, _PAD):
            assert self._rtx is not None
            payload_type, ssrc = self._rtx
            self._rtx_sequence += 1
            sequence = self._rtx_sequence
            resent = _RESENT.pack(job.sequence & 0xFFFF) if job.kind == _RTX else b""
        head = _HEADER.pack(
            (0x90 if self.extension else 0x80) | (0x20 if job.kind == _PAD else 0),
            kept.marker | payload_type,
            sequence & 0xFFFF,
            job.timestamp & 0xFFFFFFFF,
            ssrc,
        )
        if self.extension:
            head += _EXTENSION.pack(0xBEDE, 1, self.extension << 4 | 1, number)
        if kept.picture < 0:
            return head + resent + kept.tail
        picture = _PICTURE.pack(kept.descriptor, 0x8000 | job.picture & 0x7FFF)
        if kept.tl0_picture >= 0:
            picture += bytes((job.tl0_picture & 0xFF,))
        return head + resent + picture + kept.tail
