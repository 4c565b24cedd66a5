"""What a publishing session does with packets: finds whose they are, and answers with reports."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from bridge import rtcp, rtp
from bridge.agreed import PublishedTrack
from bridge.ceiling import CEILING_BPS, Ceiling
from bridge.congestion import TransportFeedback
from bridge.crosspoint import Crosspoint, Output
from bridge.estimator import round_trip_s
from bridge.hotpath import HotPath
from bridge.incoming import SSRC_HOLD_S, Incoming, TrackStream, source_of
from bridge.latching import latch
from bridge.layers import LayerPlan
from bridge.loudness import QUIET_DBOV
from bridge.metrics import Counters
from bridge.nack import FIRST_RTT_S, REORDER_S, Losses
from bridge.repair import repaired_sequence, restored
from bridge.session import Session
from bridge.source import Source
from signaling.wire.control import StreamStats
from signaling.wire.ids import SlotName, Track

log = structlog.get_logger("bridge.publishing")

MAX_BITRATE_BPS, MAX_LAYERED_BITRATE_BPS = 2_500_000, 4_000_000
"""The ceiling that REMB states to a publisher for its video: of one layer, or of several …"""
SMALL_BITRATE_BPS = 200_000
"""… and for a small picture in a section of its own."""


class Publisher:
    """The `Flow` of a publishing session: one source for each layer of a track, latched by SSRC
    (`bridge.latching`). However often it changes SSRCs, two are kept for each layer."""

    def __init__(
        self,
        session: Session,
        tracks: Sequence[PublishedTrack],
        crosspoint: Crosspoint,
        ssrc: int,
        counters: Counters,
        carry_out: Callable[[Sequence[Output]], None],
        on_bound: Callable[[Publisher, bytes, bool], None],
        hot: HotPath,
    ) -> None:
        self.session = session
        self._on_bound = on_bound
        self._tracks = tracks
        self._plans = _plans(session.identity.session, tracks)
        self._crosspoint = crosspoint
        self._ssrc = ssrc
        self._counters = counters
        self._carry_out = carry_out
        self._incoming: dict[bytes, Incoming] = {}
        self._repairs: dict[bytes, TrackStream] = {}
        self._streams: dict[tuple[Track, str], TrackStream] = {}
        self._rtt_s: float | None = None
        # one counter runs over all packets of a transport, so the sections agree on its id
        ids = {one.twcc_extension for one in tracks}
        self._twcc_extension = ids.pop() if len(ids) == 1 else None
        self._arrivals = TransportFeedback(ssrc)
        self._loop = asyncio.get_running_loop()
        self._ceiling = Ceiling(self._loop.time())
        self._nack_timer: asyncio.TimerHandle | None = None
        self._gate = session.gate = hot.gate(
            self, counters.dropped, self._ceiling, self._arrivals, self._twcc_extension
        )

    def connected(self, now: float) -> None:
        """See `Flow`: sources come with their first packet."""

    def receive_rtp(self, now: float, arrival: float, packet: bytes) -> None:
        """See `Flow`."""
        if not self._ceiling.admit(now, len(packet)):
            self._refuse(now, packet)
            return
        if self._twcc_extension is not None:
            number = rtp.transport_sequence(packet, self._twcc_extension)
            if number is not None:
                self._arrivals.received(arrival, number)
        incoming = self._incoming.get(packet[8:12])
        if incoming is None:
            repaired = self._repairs.get(packet[8:12])
            if repaired is not None:
                self._repair(now, repaired, packet)
                return
            incoming = self._latch(now, packet)
            if incoming is None:
                return
        losses = incoming.losses
        if losses is not None:
            losses.received(now, packet[2] << 8 | packet[3])
            if self._nack_timer is None and losses.missing:
                self._nack_timer = self._loop.call_later(REORDER_S, self._ask_for_lost)
        outputs = self._crosspoint.forward(now, incoming.source, packet)
        if outputs:
            self._carry_out(outputs)

    def receive_rtcp(self, now: float, wall: float, compound: bytes) -> None:
        """See `Flow`."""
        for packet in rtcp.parse(compound):
            match packet:
                case rtcp.SenderReport(ssrc=ssrc, ntp=ntp):
                    incoming = self._incoming.get(ssrc.to_bytes(4, "big"))
                    if incoming is not None:
                        incoming.source.reception.sender_report(now, ntp)
                case rtcp.Levels(levels=levels):
                    self._told(now, levels)
                case rtcp.ReferenceReply(replies=replies):
                    for ssrc, last, delay in replies:
                        rtt_s = round_trip_s(rtcp.ntp_time(wall), last, delay)
                        if ssrc == self._ssrc and rtt_s is not None:
                            self._rtt_s = rtt_s
                case _:
                    pass

    def _told(self, now: float, levels: Sequence[tuple[int, int]]) -> None:
        for ssrc, level in levels:
            incoming = self._incoming.get(ssrc.to_bytes(4, "big"))
            if incoming is not None and incoming.source.loudness is not None:
                incoming.source.loudness.told(now, -float(level))

    def request_keyframe(self, source: Source) -> None:
        """Send a PLI for this source, if it is one of ours."""
        if source not in self._sources():
            return
        packets = [*self._head(()), rtcp.PictureLoss(self._ssrc, source.ssrc)]
        self.session.send_rtcp(rtcp.build(packets))

    def reports(self, now: float, wall: float) -> Sequence[bytes]:
        """See `Flow`: RR, REMB, and XR for the round trip (RFC 3611 §4.4)."""
        self._retire(now)
        self._tell_ceiling(now)
        sources = self._sources()
        found = [source.reception.report(now, source.ssrc) for source in sources]
        blocks = tuple(block for block in found if block is not None)
        packets = self._head(blocks)
        packets += self._ceilings()
        packets.append(rtcp.ReferenceTime(self._ssrc, rtcp.ntp_time(wall)))
        return [rtcp.build(packets)]

    def feedback(self, now: float) -> Sequence[bytes]:
        """See `Flow`: arrival times of the publisher's packets."""
        self._give_back(now)
        source = next(iter(self._sources()), None)
        if source is None:
            return ()
        head = rtcp.build(self._head(()))
        return [head + report for report in self._arrivals.reports(source.ssrc)]

    def dropped(self) -> Mapping[str, int]:
        """See `Flow`: by the sources bound now."""
        total: Counter[str] = Counter()
        for source in self._sources():
            total.update(source.dropped)
        return total

    def stats(self, now: float) -> list[StreamStats]:
        """See `Flow`."""
        one = self.session.identity
        floor = self._crosspoint.floor_position(one.scope, one.port)
        return [
            stream.stats(now, *key, floor)
            for key, stream in self._streams.items()
            if stream.current is not None
        ]

    def budget_bps(self) -> float | None:
        """See `Flow`: nothing flows out."""
        return None

    def paused(self) -> list[SlotName]:
        """See `Flow`."""
        return []

    def rtt_s(self) -> float | None:
        """See `Flow`."""
        return self._rtt_s

    def media_at(self) -> float | None:
        """See `Flow`."""
        times = [one.media_at for one in self._sources() if one.media_at is not None]
        return max(times, default=None)

    def closed(self, now: float) -> None:
        """See `Flow`."""
        for source in self._sources():
            self._forget(now, source)
        if self._nack_timer is not None:
            self._nack_timer.cancel()

    # --- whose packet -----------------------------------------------------------------------

    def _sources(self) -> list[Source]:
        return [one.source for one in self._incoming.values()]

    def _ceilings(self) -> list[rtcp.Packet]:
        """REMB; of a small picture in a section of its own apart, since its encoder is too."""
        small: list[int] = []
        others: list[int] = []
        layered = False
        for one in self._incoming.values():
            track = one.latched.track
            if track.codec.media == "video":
                (small if track.layers == ("alt",) else others).append(one.source.ssrc)
                layered |= len(track.layers) > 1
        most = MAX_LAYERED_BITRATE_BPS if layered else MAX_BITRATE_BPS
        return [
            rtcp.MaximumBitrate(self._ssrc, bitrate_bps, tuple(ssrcs))
            for bitrate_bps, ssrcs in ((most, others), (SMALL_BITRATE_BPS, small))
            if ssrcs
        ]

    def _latch(self, now: float, packet: bytes) -> Incoming | None:
        """Make a source of a new SSRC, or drop and count the packet."""
        header = rtp.parse(packet)
        if header is None:
            self._counters.dropped["malformed"] += 1
            return None
        latched = latch(self._tracks, packet, header)
        if isinstance(latched, str):
            self._counters.dropped[latched] += 1
            return None
        key = latched.track.track, latched.layer
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = TrackStream(now)
        if latched.repairs:
            self._latch_repair(now, packet, stream)
            return None
        if not stream.may_change(now):
            self._counters.dropped["ssrc_churn"] += 1
            return None
        source = source_of(self.session.identity.session, latched, header)
        if source.loudness is not None and self.session.identity.relayed_from is not None:
            # its own node says in a moment how loud it is; until then it displaces nobody
            source.loudness.told(now, QUIET_DBOV)
        incoming = Incoming(source, latched, Losses() if latched.track.nack else None)
        for old in stream.begin(now, incoming):
            self._forget(now, old.source)
        self._incoming[packet[8:12]] = incoming
        self._on_bound(self, packet[8:12], True)
        self._bind(now, incoming)
        if self._gate is not None:
            self._gate.add(source, incoming.losses, self._crosspoint.feed(source))
        return incoming

    def _latch_repair(self, now: float, packet: bytes, stream: TrackStream) -> None:
        """Remember whose retransmissions an SSRC carries; one at a time for each layer."""
        if stream.repair is not None:
            if now < stream.repair_at + SSRC_HOLD_S:
                self._counters.dropped["ssrc_churn"] += 1
                return
            del self._repairs[stream.repair]
        stream.repair, stream.repair_at = packet[8:12], now
        self._repairs[stream.repair] = stream
        self._repair(now, stream, packet)

    def _bind(self, now: float, incoming: Incoming) -> None:
        one, track = self.session.identity, incoming.latched.track.track
        self._carry_out(
            self._crosspoint.add_source(
                now,
                one.scope,
                one.port,
                track,
                incoming.source,
                incoming.latched.layer,
                self._plans[track],
            )
        )

    def _give_back(self, now: float) -> None:
        """A track whose publisher has returned to the SSRC before is that one again."""
        for stream in self._streams.values():
            returned = stream.returned(now)
            if returned is not None:
                self._bind(now, returned)

    def _retire(self, now: float) -> None:
        for stream in self._streams.values():
            for old in stream.retired(now):
                self._forget(now, old.source)

    # --- what was lost ----------------------------------------------------------------------

    def _repair(self, now: float, stream: TrackStream, packet: bytes) -> None:
        """Put a retransmission where it is missing; most are probes of the path and repeat what
        has come."""
        header = rtp.parse(packet)
        incoming = stream.current
        if header is None or incoming is None or incoming.losses is None:
            self._counters.dropped["malformed" if header is None else "rtx_early"] += 1
            return
        sequence = repaired_sequence(packet, header)
        if sequence is None:
            self._counters.dropped["padding"] += 1
        elif not incoming.losses.awaits(sequence):
            self._counters.dropped["rtx_unneeded"] += 1
        else:
            incoming.losses.received(now, sequence)
            source = incoming.source
            original = restored(packet, header, source.ssrc, source.payload_type)
            self._carry_out(self._crosspoint.forward(now, source, original))

    def _ask_for_lost(self) -> None:
        """Send NACKs that are due, and come back while anything is missing."""
        now = self._loop.time()
        due = []
        for incoming in self._incoming.values():
            if incoming.losses is None:
                continue
            lost = incoming.losses.due(now, FIRST_RTT_S if self._rtt_s is None else self._rtt_s)
            if lost:
                # each in a compound of its own: 256 single losses fill a datagram
                nack = rtcp.Nack(self._ssrc, incoming.source.ssrc, tuple(lost))
                self.session.send_rtcp(rtcp.build([*self._head(()), nack]))
            due.append(incoming.losses.next_deadline())
        at = min((one for one in due if one is not None), default=None)
        self._nack_timer = None if at is None else self._loop.call_at(at, self._ask_for_lost)

    def _refuse(self, now: float, packet: bytes) -> None:
        """It is more than anybody may send. Nobody reports it as come, so that who heeds feedback
        slows down, and nobody asks for it again."""
        self._counters.dropped["over_ceiling"] += 1
        incoming = self._incoming.get(packet[8:12])
        if incoming is not None and incoming.losses is not None:
            incoming.losses.received(now, packet[2] << 8 | packet[3])

    def _tell_ceiling(self, now: float) -> None:
        edge = self._ceiling.edge(now)
        one = self.session.identity
        if edge == "cut":
            log.warning(
                "publisher sends more than the ceiling, the rest is dropped",
                scope=one.scope, port=one.port, session=one.session,
                ceiling_bps=round(CEILING_BPS), next_step="lower the bitrate of its encoder",
            )  # fmt: skip
        elif edge == "free":
            log.info(
                "publisher is below the ceiling again", scope=one.scope, port=one.port,
                session=one.session, dropped=self._ceiling.dropped,
            )  # fmt: skip

    def _forget(self, now: float, source: Source) -> None:
        ssrc = source.ssrc.to_bytes(4, "big")
        del self._incoming[ssrc]
        self._on_bound(self, ssrc, False)
        self._counters.dropped.update(source.dropped)
        if self._gate is not None:
            self._gate.remove(source)
        self._carry_out(self._crosspoint.remove_source(now, source))

    def _head(self, blocks: tuple[rtcp.ReportBlock, ...]) -> list[rtcp.Packet]:
        return [
            rtcp.ReceiverReport(self._ssrc, blocks),
            rtcp.CanonicalName(self._ssrc, self.session.identity.session),
        ]


def _plans(owner: str, tracks: Sequence[PublishedTrack]) -> dict[Track, LayerPlan]:
    """The layers of each track; a small picture in a section of its own is the lowest."""
    found = {}
    for track in dict.fromkeys(one.track for one in tracks):
        sections = [one.layers for one in tracks if one.track == track]
        sections.sort(key=lambda layers: layers != ("alt",))
        found[track] = LayerPlan(owner, tuple(sections))
    return found
