"""What a receiving session does: its slots, their sender reports, and what the receiver asks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence

from bridge import rtcp
from bridge.agreed import ReceivedSlot
from bridge.arrivals import Arrivals
from bridge.crosspoint import Crosspoint, Output
from bridge.estimator import Delivery, Meter
from bridge.hotpath import Leg, Outlet
from bridge.line import PAD_S, Line
from bridge.metrics import Counters
from bridge.session import Session
from bridge.slot import Slot
from signaling.wire.control import StreamStats
from signaling.wire.ids import Media, SlotName

REPORTS_OF_COMPOUND = 32
"""Sender reports of 28 bytes each in one compound, to stay below the MTU."""


class Receiver:
    """The `Flow` of a receiving session: one slot for each section of its answer."""

    def __init__(
        self,
        session: Session,
        received: Sequence[ReceivedSlot],
        crosspoint: Crosspoint,
        cname: str,
        now: float,
        counters: Counters,
        carry_out: Callable[[Sequence[Output]], None],
    ) -> None:
        self._session = session
        self._crosspoint = crosspoint
        self._cname = cname
        self._counters = counters
        self._carry_out = carry_out
        self._outs = {one.ssrc: _Out(one, session.leg) for one in received}
        self._meters: dict[Media, Meter] = {
            media: Meter(now) for media in dict.fromkeys(one.codec.media for one in received)
        }
        self._levelled = [self._outs[one.ssrc] for one in received if one.levels]
        self._rtt_s: float | None = None
        self._loop = asyncio.get_running_loop()
        self._padder: asyncio.TimerHandle | None = None
        self._line = Line(
            now,
            session.leg,
            {out.name: out.slot for out in self._outs.values()},
            crosspoint,
            carry_out,
        )

    def connected(self, now: float) -> None:
        """See `Flow`."""
        one = self._session.identity
        for out in self._outs.values():
            self._carry_out(self._crosspoint.add_slot(now, one.scope, one.port, out.name, out.slot))
        self._line.begin(now)

    def receive_rtp(self, now: float, arrival: float, packet: bytes) -> None:
        """See `Flow`: a receiver has nothing to send."""
        self._counters.dropped["unexpected_rtp"] += 1

    def receive_rtcp(self, now: float, wall: float, compound: bytes) -> None:
        """See `Flow`. However often one compound asks for a keyframe, it is one wish."""
        asked: set[int] = set()
        for packet in rtcp.parse(compound):
            match packet:
                case rtcp.ReceiverReport(blocks=blocks) | rtcp.SenderReport(blocks=blocks):
                    self._reported(now, wall, blocks)
                case Arrivals():
                    self._line.arrivals(now, packet)
                case rtcp.MaximumBitrate(bitrate_bps=bitrate_bps):
                    self._line.maximum(now, bitrate_bps)
                case rtcp.PictureLoss(media_ssrc=ssrc):
                    asked.add(ssrc)
                case rtcp.FullIntra(requests=requests):
                    for ssrc, number in requests:
                        out = self._outs.get(ssrc)
                        # the same number is the same request, repeated (RFC 5104 §4.3.1.1)
                        if out is not None and out.fir_number != number:
                            out.fir_number = number
                            asked.add(ssrc)
                case rtcp.Nack(media_ssrc=ssrc, lost=lost):
                    out = self._outs.get(ssrc)
                    if out is not None:
                        out.slot.outlet.resend(now, self._line.resendable(now, out.name, lost))
                case _:
                    pass
        for out in map(self._outs.get, asked):
            if out is not None:
                self._carry_out(self._crosspoint.request_keyframe(now, out.slot))

    def reports(self, now: float, wall: float) -> Sequence[bytes]:
        """See `Flow`: an SR for each slot that was fed since its last one."""
        ntp = rtcp.ntp_time(wall)
        reports: list[rtcp.SenderReport] = []
        for out in self._outs.values():
            outlet = out.slot.outlet
            outlet.forget(now)
            packets = outlet.packets
            if packets == out.reported_packets:
                continue
            timestamp = out.slot.timestamp(now)
            if timestamp is not None:
                out.reported_packets = packets
                reports.append(
                    rtcp.SenderReport(outlet.ssrc, ntp, timestamp, packets, outlet.octets)
                )
        return [
            rtcp.build([*part, rtcp.CanonicalName(part[0].ssrc, self._cname)])
            for part in _parts(reports, REPORTS_OF_COMPOUND)
        ]

    def feedback(self, now: float) -> Sequence[bytes]:
        """See `Flow`: how loud its sounds are, where it wants to know; its line is looked after at
        the same pace."""
        line = self._line
        if now >= line.due:
            line.tick(now)
        if line.padding and self._padder is None:
            self._pad()
        return self._levels(now) if self._levelled else ()

    def _levels(self, now: float) -> Sequence[bytes]:
        levels = []
        for out in self._levelled:
            loudness = out.slot.source.loudness if out.slot.source is not None else None
            if loudness is not None and loudness.stated(now):
                levels.append((out.slot.outlet.ssrc, round(-loudness.smoothed)))
        if not levels:
            return ()
        head = rtcp.ReceiverReport(levels[0][0])
        return [rtcp.build([head, rtcp.Levels(levels[0][0], tuple(levels))])]

    def dropped(self) -> Mapping[str, int]:
        """See `Flow`: packets that could not be protected, and those that found no room."""
        failures = sum(one.slot.outlet.failures for one in self._outs.values())
        return {"protect_failed": failures, "send_buffer": self._session.leg.dropped}

    def stats(self, now: float) -> list[StreamStats]:
        """See `Flow`: one for each kind of media, over its slots."""
        return [self._stats(now, media, meter) for media, meter in self._meters.items()]

    def budget_bps(self) -> float | None:
        """See `Flow`."""
        return self._line.budget_bps

    def paused(self) -> list[SlotName]:
        """See `Flow`."""
        return self._line.paused

    def rtt_s(self) -> float | None:
        """See `Flow`."""
        return self._rtt_s

    def media_at(self) -> float | None:
        """See `Flow`: nothing comes in."""
        return None

    def closed(self, now: float) -> None:
        """See `Flow`."""
        if self._padder is not None:
            self._padder.cancel()
        for out in self._outs.values():
            self._carry_out(self._crosspoint.remove_slot(now, out.slot))
        self._counters.dropped.update(self.dropped())

    def _pad(self) -> None:
        self._padder = None
        self._line.pad(self._loop.time())
        if self._line.padding:
            self._padder = self._loop.call_later(PAD_S, self._pad)

    def _reported(self, now: float, wall: float, blocks: Sequence[rtcp.ReportBlock]) -> None:
        ntp = rtcp.ntp_time(wall)
        losses: dict[Outlet, float] = {}
        for block in blocks:
            out = self._outs.get(block.ssrc)
            if out is not None:
                out.delivery.reported(ntp, block)
                losses[out.slot.outlet] = out.delivery.loss_ratio
                if out.delivery.rtt_s is not None:
                    self._rtt_s = out.delivery.rtt_s
        self._line.reported(now, losses, self._rtt_s)

    def _stats(self, now: float, media: Media, meter: Meter) -> StreamStats:
        outs = [one for one in self._outs.values() if one.slot.codec.media == media]
        octets = sum(one.slot.outlet.octets for one in outs)
        sent = [(one.sent_since(), one.delivery.loss_ratio) for one in outs]
        total = sum(packets for packets, _ in sent)
        return StreamStats(
            media=media,
            track=None,
            packets=sum(one.slot.outlet.packets for one in outs),
            bytes=octets,
            bitrate_bps=meter.bitrate_bps(now, octets),
            lost=sum(one.delivery.lost for one in outs),
            loss_ratio=sum(packets * ratio for packets, ratio in sent) / total if total else 0.0,
            jitter_s=max(one.delivery.jitter_s for one in outs),
            keyframe_requests=sum(one.slot.keyframe_requests for one in outs),
        )


class _Out:
    """One slot, and what is remembered of its receiver."""

    def __init__(self, received: ReceivedSlot, leg: Leg) -> None:
        self.name = received.slot
        self.delivery = Delivery(received.codec.clock_rate)
        self.fir_number: int | None = None
        self.reported_packets = 0
        self._counted = 0
        self.slot = Slot(
            received.codec,
            leg.outlet(
                received.ssrc,
                received.payload_type,
                urgent=received.codec.media == "audio",
                nack=received.nack,
                rtx=received.rtx,
                rtx_sequence=secrets.randbits(15),
                extension=received.twcc_extension or 0,
            ),
            first_sequence=secrets.randbits(15),
            first_timestamp=secrets.randbits(32),
            first_picture_id=secrets.randbits(15),
        )

    def sent_since(self) -> int:
        """Packets since the last call."""
        before, self._counted = self._counted, self.slot.outlet.packets
        return self._counted - before


def _parts(reports: list[rtcp.SenderReport], size: int) -> list[list[rtcp.SenderReport]]:
    return [reports[at : at + size] for at in range(0, len(reports), size)]
