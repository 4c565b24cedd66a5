"""The receiving half of a synthetic site, and of who watches one: a WHEP session of packets.

It counts what comes into each slot, and decodes only when a step asks whom it sees or hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge import offers, rtcp
from bridge.endpoint.peer import CONNECT_S, REPORT_S, Door, Peer, PeerState, phase
from bridge.endpoint.senses import Ear, Eye, Sound
from bridge.endpoint.wheel import Wheel
from bridge.estimator import Reception
from bridge.transport import Certificate
from signaling.wire.ids import ProgramCodec, SlotName, slot_media

_ASK_AGAIN_S = 0.5
_CNAME = "site"
_HEADER = struct.Struct("!BBHI")


@dataclass(frozen=True)
class Seen:
    """A picture in a slot: whose, which frame, when its last packet came (event loop time), and its
    width in pixels."""

    label: str | None
    counter: int | None
    at: float
    width: int = 0


class NotSeenError(Exception):
    """The wanted picture did not come in time; `last` is what came instead, None if nothing."""

    def __init__(self, slot: SlotName, label: str | None, last: Seen | None, packets: int) -> None:
        self.slot, self.label, self.last, self.packets = slot, label, last, packets
        super().__init__(f"{slot}: expected {label or 'a picture'}, {self.found}")

    @property
    def found(self) -> str:
        """What came, for a person."""
        if self.last is None:
            return f"no picture decoded, {self.packets} packets came"
        width = f", {self.last.width} pixels wide" if self.last.width else ""
        return f"saw {self.last.label or 'a picture without code'}{width}"


class Inlet:
    """What comes into one slot."""

    def __init__(self, slot: SlotName, ssrc: int, clock_hz: int) -> None:
        self.slot, self.ssrc = slot, ssrc
        self.reception = Reception(clock_hz)
        self.last_at: float | None = None
        self.longest_gap_s = 0.0
        self.listeners: list[Callable[[float, bytes], None]] = []

    def take(self, now: float, packet: bytes) -> None:
        """Count a plain RTP packet and pass it to whoever looks or listens."""
        _, _, sequence, timestamp = _HEADER.unpack_from(packet)
        self.reception.receive(now, sequence, timestamp, len(packet) - _HEADER.size - 4)
        if self.last_at is not None and now - self.last_at > self.longest_gap_s:
            self.longest_gap_s = now - self.last_at
        self.last_at = now
        for listener in self.listeners:
            listener(now, packet)

    def restart_gap(self, now: float) -> None:
        """Measure `longest_gap_s` anew from now on."""
        self.longest_gap_s, self.last_at = 0.0, now if self.last_at is not None else None


class Watcher:
    """A WHEP session that counts packets per slot, and looks or listens when asked. Pictures are
    asked for in `codec` alone."""

    def __init__(
        self,
        slots: Sequence[SlotName],
        wheel: Wheel,
        certificate: Certificate,
        codec: ProgramCodec = "VP8",
    ) -> None:
        self.slots = tuple(slots)
        self._codec = codec
        self.inlets: dict[SlotName, Inlet] = {}
        self.unknown_packets = 0
        self._wheel = wheel
        self._by_ssrc: dict[int, Inlet] = {}
        self._ssrc = secrets.randbits(32)
        self._peer = Peer(wheel, certificate, self._take, self._reported)
        self._report_due = 0.0

    @property
    def state(self) -> PeerState:
        """Of the session's transport."""
        return self._peer.state

    async def open(self, door: Door, timeout_s: float = CONNECT_S) -> None:
        """Receive through this door; returns when connected.

        Raises what the door raises, as `Peer.connect`, and AnswerError when the answer gives a
        slot no SSRC.
        """
        peer = self._peer
        medias = [slot_media(slot) for slot in self.slots]
        offer = offers.receive_offer(
            peer.credentials, peer.certificate.fingerprint, medias, self._codec
        )
        answer = offers.read_answer(await door(offer))
        self._name_slots(answer)
        await peer.connect(answer, timeout_s)
        self._report_due = asyncio.get_running_loop().time() + phase() * REPORT_S
        self._wheel.add(self._turn)

    def close(self) -> None:
        """End the transport; the session's resource is the door's to delete."""
        self._wheel.remove(self._turn)
        self._peer.close()

    def offline(self, cut: bool) -> None:
        """Cut its network, or mend it."""
        self._peer.offline = cut

    def vanish(self) -> None:
        """End without a word, as a killed process does."""
        self._wheel.remove(self._turn)
        self._peer.vanish()

    def packets(self, *slots: SlotName) -> int:
        """How many came into these slots (all, if none is named) since the session began."""
        return sum(self.inlets[slot].reception.packets for slot in slots or self.slots)

    async def next_packet(self, *slots: SlotName, timeout_s: float = 5.0) -> float:
        """When the next packet comes into one of these slots (event loop time).

        Raises:
            TimeoutError: not in time.
        """
        arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def listen(now: float, packet: bytes) -> None:
            if not arrived.done():
                arrived.set_result(now)

        for slot in slots:
            self.inlets[slot].listeners.append(listen)
        try:
            async with asyncio.timeout(timeout_s):
                return await arrived
        finally:
            for slot in slots:
                self.inlets[slot].listeners.remove(listen)

    async def see(
        self,
        slot: SlotName,
        label: str | None = None,
        timeout_s: float = 5.0,
        ask_after_s: float = 0.0,
        width: int | None = None,
    ) -> Seen:
        """The first picture in the slot from now on, or the first that shows `label` in `width`.

        Asks for a keyframe after `ask_after_s`, and again, until one comes. Arrival counts, not
        the end of decoding, which waits for its turn: what came in time is looked at before
        anything is judged or asked for, however long that takes a busy process.

        Raises:
            NotSeenError: not in time.
        """
        inlet, eye = self.inlets[slot], Eye(self._codec)
        before = inlet.reception.packets
        found: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        last: list[Seen] = []

        def decode(now: float, packet: bytes) -> None:
            sighting = None if found.done() else eye.look(packet)
            if sighting is not None:
                last[:] = [Seen(sighting.label, sighting.counter, now, sighting.width)]
                if sighting.label == (label or sighting.label) and last[0].width == (
                    width or last[0].width
                ):
                    found.set_result(last[0])

        def listen(now: float, packet: bytes) -> None:
            self._wheel.defer(lambda: decode(now, packet))

        inlet.listeners.append(listen)
        asking = asyncio.create_task(self._ask(inlet, ask_after_s, last))
        try:
            await asyncio.wait([found], timeout=timeout_s)
        finally:
            inlet.listeners.remove(listen)
            packets = inlet.reception.packets - before
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
        if not found.done():
            await self._caught_up()
        if found.done():
            return found.result()
        raise NotSeenError(slot, label, last[0] if last else None, packets)

    async def hear(self, slot: SlotName, span_s: float = 0.3) -> Sound:
        """What sounds in the slot during the next `span_s` seconds; silence if nothing comes.

        As in `see` arrival counts: what a busy process reads too late has come in time, and what
        came before is not of this span.
        """
        inlet, ear = self.inlets[slot], Ear()
        begin = asyncio.get_running_loop().time()

        def listen(now: float, packet: bytes) -> None:
            if begin <= now <= begin + span_s:
                self._wheel.defer(lambda: ear.listen(packet))

        inlet.listeners.append(listen)
        try:
            await asyncio.sleep(span_s)
            await self._caught_up()  # the sockets have been read
        finally:
            inlet.listeners.remove(listen)
        await self._caught_up()
        return ear.heard()

    async def _caught_up(self) -> None:
        """Wait until all that has come so far is decoded."""
        drained = asyncio.Event()
        self._wheel.defer(drained.set)
        await drained.wait()

    async def _ask(self, inlet: Inlet, after_s: float, last: list[Seen]) -> None:
        await asyncio.sleep(after_s)
        await self._caught_up()
        while not last:
            request = rtcp.PictureLoss(self._ssrc, inlet.ssrc)
            self._peer.send_rtcp(rtcp.build([rtcp.ReceiverReport(self._ssrc), request]))
            await asyncio.sleep(_ASK_AGAIN_S)
            await self._caught_up()

    def _name_slots(self, answer: offers.Answer) -> None:
        for slot, section in zip(self.slots, answer.sections, strict=False):
            if section.accepted and section.ssrcs:
                clock_hz = 48_000 if section.media == "audio" else 90_000
                inlet = Inlet(slot, section.ssrcs[0], clock_hz)
                self.inlets[slot] = self._by_ssrc[inlet.ssrc] = inlet
        missing = [slot for slot in self.slots if slot not in self.inlets]
        if missing:
            raise offers.AnswerError(f"the answer has no SSRC for {', '.join(missing)}")

    def _take(self, now: float, packet: bytes) -> None:
        inlet = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        if inlet is None:
            self.unknown_packets += 1
        else:
            inlet.take(now, packet)

    def _reported(self, now: float, compound: bytes) -> None:
        for packet in rtcp.parse(compound):
            if isinstance(packet, rtcp.SenderReport) and packet.ssrc in self._by_ssrc:
                self._by_ssrc[packet.ssrc].reception.sender_report(now, packet.ntp)

    def _turn(self, now: float) -> None:
        if now < self._report_due:
            return
        self._report_due = now + REPORT_S
        now = asyncio.get_running_loop().time()  # a slow turn is no part of the round trip
        found = (inlet.reception.report(now, inlet.ssrc) for inlet in self.inlets.values())
        blocks = [block for block in found if block is not None]
        for start in range(0, max(1, len(blocks)), rtcp.MAX_BLOCKS):
            report = rtcp.ReceiverReport(self._ssrc, tuple(blocks[start : start + rtcp.MAX_BLOCKS]))
            self._peer.send_rtcp(rtcp.build([report, rtcp.CanonicalName(self._ssrc, _CNAME)]))
