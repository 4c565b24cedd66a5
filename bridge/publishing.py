"""What a publishing session does with packets: finds whose they are, and answers with reports."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bridge import rtcp, rtp
from bridge.answer import PublishedTrack
from bridge.congestion import TransportFeedback
from bridge.crosspoint import Crosspoint, Output
from bridge.estimator import Meter, round_trip_s
from bridge.metrics import Counters
from bridge.nack import REORDER_S, Losses
from bridge.session import Session
from bridge.source import Source
from signaling.wire.control import StreamStats
from signaling.wire.ids import Track

SSRC_HOLD_S = 1.0
"""A track changes its SSRC at most this often; what comes sooner is dropped (``ssrc_churn``)."""
RETIRE_AFTER_S = 2.0
"""Seconds after which the silent predecessor of a track's source is forgotten."""
MAX_BITRATE_BPS = 2_500_000
"""The ceiling that REMB states to a publisher for its video."""


class Publisher:
    """The `Flow` of a publishing session: one source for each track, latched by SSRC.

    An SSRC is known from the offer's ``a=ssrc``, else by the mid extension, else by its payload
    type (each section has one of its own or is the only one of its media).
    """

    def __init__(
        self,
        session: Session,
        tracks: Sequence[PublishedTrack],
        crosspoint: Crosspoint,
        ssrc: int,
        counters: Counters,
        carry_out: Callable[[Sequence[Output]], None],
        on_bound: Callable[[Publisher, bytes, bool], None],
    ) -> None:
        self.session = session
        self._on_bound = on_bound
        self._tracks = tracks
        self._crosspoint = crosspoint
        self._ssrc = ssrc
        self._counters = counters
        self._carry_out = carry_out
        self._sources: dict[bytes, Source] = {}
        self._current: dict[Track, _Stream] = {}
        self._rtt_s: float | None = None
        # one counter runs over all packets of a transport, so the sections agree on its id
        ids = {one.twcc_extension for one in tracks}
        self._twcc_extension = ids.pop() if len(ids) == 1 else None
        self._arrivals = TransportFeedback(ssrc)
        self._losses: dict[int, Losses] = {}
        self._loop = asyncio.get_running_loop()
        self._nack_timer: asyncio.TimerHandle | None = None

    def connected(self, now: float) -> None:
        """See `Flow`: sources come with their first packet."""

    def receive_rtp(self, now: float, arrival: float, packet: bytes) -> None:
        """See `Flow`."""
        source = self._sources.get(packet[8:12])
        if source is None:
            source = self._latch(now, packet)
            if source is None:
                return
        if self._twcc_extension is not None:
            number = rtp.transport_sequence(packet, self._twcc_extension)
            if number is not None:
                self._arrivals.received(arrival, number)
        losses = self._losses.get(source.ssrc)
        if losses is not None:
            losses.received(now, packet[2] << 8 | packet[3])
            if self._nack_timer is None and losses.missing:
                self._nack_timer = self._loop.call_later(REORDER_S, self._ask_for_lost)
        outputs = self._crosspoint.forward(now, source, packet)
        if outputs:
            self._carry_out(outputs)

    def receive_rtcp(self, now: float, wall: float, compound: bytes) -> None:
        """See `Flow`."""
        for packet in rtcp.parse(compound):
            match packet:
                case rtcp.SenderReport(ssrc=ssrc, ntp=ntp):
                    source = self._sources.get(ssrc.to_bytes(4, "big"))
                    if source is not None:
                        source.reception.sender_report(now, ntp)
                case rtcp.ReferenceReply(replies=replies):
                    for ssrc, last, delay in replies:
                        rtt_s = round_trip_s(rtcp.ntp_time(wall), last, delay)
                        if ssrc == self._ssrc and rtt_s is not None:
                            self._rtt_s = rtt_s
                case _:
                    pass

    def request_keyframe(self, source: Source) -> None:
        """Send a PLI for this source, if it is one of ours."""
        if source not in self._sources.values():
            return
        packets = [*self._head(()), rtcp.PictureLoss(self._ssrc, source.ssrc)]
        self.session.send_rtcp(rtcp.build(packets))

    def reports(self, now: float, wall: float) -> Sequence[bytes]:
        """See `Flow`: RR, REMB, and XR for the round trip (RFC 3611 §4.4)."""
        self._retire(now)
        sources = self._sources.values()
        found = [source.reception.report(now, source.ssrc) for source in sources]
        blocks = tuple(block for block in found if block is not None)
        packets = self._head(blocks)
        video = tuple(one.ssrc for one in sources if one.codec.media == "video")
        if video:
            packets.append(rtcp.MaximumBitrate(self._ssrc, MAX_BITRATE_BPS, video))
        packets.append(rtcp.ReferenceTime(self._ssrc, rtcp.ntp_time(wall)))
        return [rtcp.build(packets)]

    def feedback(self) -> Sequence[bytes]:
        """See `Flow`: arrival times of the publisher's packets."""
        source = next(iter(self._sources.values()), None)
        if source is None:
            return ()
        head = rtcp.build(self._head(()))
        return [head + report for report in self._arrivals.reports(source.ssrc)]

    def dropped(self) -> Mapping[str, int]:
        """See `Flow`: by the sources bound now."""
        total: Counter[str] = Counter()
        for source in self._sources.values():
            total.update(source.dropped)
        return total

    def stats(self, now: float) -> list[StreamStats]:
        """See `Flow`."""
        one = self.session.identity
        floor = self._crosspoint.floor_position(one.scope, one.port)
        return [stream.stats(now, track, floor) for track, stream in self._current.items()]

    def rtt_s(self) -> float | None:
        """See `Flow`."""
        return self._rtt_s

    def media_at(self) -> float | None:
        """See `Flow`."""
        times = [one.media_at for one in self._sources.values() if one.media_at is not None]
        return max(times, default=None)

    def closed(self, now: float) -> None:
        """See `Flow`."""
        for source in list(self._sources.values()):
            self._forget(now, source)
        if self._nack_timer is not None:
            self._nack_timer.cancel()

    # --- whose packet -----------------------------------------------------------------------

    def _latch(self, now: float, packet: bytes) -> Source | None:
        """Make a source of a new SSRC, or drop and count the packet."""
        header = rtp.parse(packet)
        if header is None:
            self._counters.dropped["malformed"] += 1
            return None
        track = self._track_of(packet, header)
        if track is None:
            self._counters.dropped["unknown_ssrc"] += 1
            return None
        if track.payload_type != header.payload_type:
            self._counters.dropped["unknown_payload"] += 1
            return None
        stream = self._current.get(track.track)
        if stream is None:
            stream = self._current[track.track] = _Stream(now)
        elif now < stream.latched_at + SSRC_HOLD_S:
            self._counters.dropped["ssrc_churn"] += 1
            return None
        source = Source(track.codec, header.ssrc, header.payload_type, track.level_extension)
        for old in stream.begin(now, source):
            self._forget(now, old)
        self._sources[packet[8:12]] = source
        self._on_bound(self, packet[8:12], True)
        if track.nack:
            self._losses[source.ssrc] = Losses()
        one = self.session.identity
        self._carry_out(self._crosspoint.add_source(now, one.scope, one.port, track.track, source))
        return source

    def _track_of(self, packet: bytes, header: rtp.Header) -> PublishedTrack | None:
        for track in self._tracks:
            if header.ssrc in track.ssrcs:
                return track
        for track in self._tracks:
            if track.mid_extension is not None:
                mid = rtp.extension(packet, header, track.mid_extension)
                if mid is not None and mid == track.mid.encode():
                    return track
        fitting = [one for one in self._tracks if one.payload_type == header.payload_type]
        return fitting[0] if len(fitting) == 1 else None

    def _retire(self, now: float) -> None:
        for stream in self._current.values():
            for old in stream.retired(now):
                self._forget(now, old)

    def _ask_for_lost(self) -> None:
        """Send NACKs that are due, and come back while anything is missing."""
        now = self._loop.time()
        for ssrc, losses in self._losses.items():
            lost = losses.due(now, self._rtt_s or 0.0)
            if lost:
                # each in a compound of its own: 256 single losses fill a datagram
                nack = rtcp.Nack(self._ssrc, ssrc, tuple(lost))
                self.session.send_rtcp(rtcp.build([*self._head(()), nack]))
        due = [one.next_deadline() for one in self._losses.values()]
        at = min((one for one in due if one is not None), default=None)
        self._nack_timer = None if at is None else self._loop.call_at(at, self._ask_for_lost)

    def _forget(self, now: float, source: Source) -> None:
        self._losses.pop(source.ssrc, None)
        ssrc = source.ssrc.to_bytes(4, "big")
        self._sources.pop(ssrc, None)
        self._on_bound(self, ssrc, False)
        self._counters.dropped.update(source.dropped)
        self._carry_out(self._crosspoint.remove_source(now, source))

    def _head(self, blocks: tuple[rtcp.ReportBlock, ...]) -> list[rtcp.Packet]:
        return [
            rtcp.ReceiverReport(self._ssrc, blocks),
            rtcp.CanonicalName(self._ssrc, self.session.identity.session),
        ]


class _Stream:
    """One track over the SSRCs that it had: its source, the one before, and totals of all."""

    def __init__(self, now: float) -> None:
        self.latched_at = now
        self._source: Source | None = None
        self._before: Source | None = None
        self._gone = _Totals()
        self._meter = Meter(now)

    def begin(self, now: float, source: Source) -> list[Source]:
        """Take a new source; the one before the last is returned, to be forgotten."""
        forgotten = [] if self._before is None else [self._before]
        if self._source is not None:
            self._gone.add(self._source)
        self._before, self._source, self.latched_at = self._source, source, now
        return forgotten

    def retired(self, now: float) -> list[Source]:
        """The predecessor, once it is silent, to be forgotten."""
        before = self._before
        if before is None or (before.media_at or 0.0) + RETIRE_AFTER_S > now:
            return []
        self._before = None
        return [before]

    def stats(self, now: float, track: Track, floor: int | None) -> StreamStats:
        assert self._source is not None
        totals, source = self._gone.with_(self._source), self._source
        loudness = source.loudness
        return StreamStats(
            media=source.codec.media,
            track=track,
            packets=totals.packets,
            bytes=totals.octets,
            bitrate_bps=self._meter.bitrate_bps(now, totals.octets),
            lost=totals.lost,
            loss_ratio=source.reception.loss_ratio,
            jitter_s=source.reception.jitter_s,
            keyframes=totals.keyframes,
            keyframe_requests=totals.keyframe_requests,
            level_dbov=loudness.take_level() if loudness else None,
            heard=loudness.heard(now) if loudness else None,
            clipping_ratio=loudness.take_clipping() if loudness else None,
            floor=floor if loudness else None,
        )


class _Totals:
    """Sums over sources that are gone."""

    def __init__(self) -> None:
        self.packets = self.octets = self.lost = self.keyframes = self.keyframe_requests = 0

    def add(self, source: Source) -> None:
        self.packets += source.reception.packets
        self.octets += source.reception.octets
        self.lost += source.reception.lost
        self.keyframes += source.keyframes
        self.keyframe_requests += source.keyframe_requests

    def with_(self, source: Source) -> _Totals:
        sums = _Totals()
        vars(sums).update(vars(self))
        sums.add(source)
        return sums
