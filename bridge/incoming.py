"""One layer of a published track over the SSRCs that it had: which counts, and the sums. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bridge import rtp
from bridge.codecs import H264, VP8
from bridge.estimator import Meter
from bridge.h264source import H264Source
from bridge.latching import Latched
from bridge.nack import Losses
from bridge.source import Source
from bridge.vp8source import Vp8Source
from signaling.wire.control import StreamStats
from signaling.wire.ids import SessionId, Track

SSRC_HOLD_S = 1.0
"""A track changes its SSRC at most this often; what comes sooner is dropped (``ssrc_churn``)."""
RETIRE_AFTER_S = 2.0
"""Seconds after which the silent predecessor of a track's source is forgotten."""
RETURN_AFTER_S = 0.3
"""A publisher that goes back to its SSRC before is believed when the newer is silent so long."""


def source_of(owner: SessionId, latched: Latched, header: rtp.Header) -> Source:
    """The source of the SSRC whose first packet has this header, in a session."""
    track = latched.track
    numbers = header.ssrc, header.payload_type
    section = (owner, track.mid) if len(track.layers) > 1 else None
    if track.codec is VP8:
        return Vp8Source(*numbers, section)
    if track.codec is H264:
        return H264Source(*numbers, section, track.sets)
    return Source(track.codec, *numbers, track.level_extension, section)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An SSRC's source, what it carries, and what of it is missing (None: never asked for)."""

    source: Source
    latched: Latched
    losses: Losses | None


class TrackStream:
    """One layer of a track over the SSRCs that it had: its source, the one before, totals of all,
    and the SSRC of its retransmissions."""

    def __init__(self, now: float) -> None:
        self.current: Incoming | None = None
        self.repair: bytes | None = None
        self.repair_at = 0.0
        self._latched_at = now
        self._before: Incoming | None = None
        self._gone = _Totals()
        self._meter = Meter(now)

    def may_change(self, now: float) -> bool:
        """Whether a new SSRC is taken now."""
        return self.current is None or now >= self._latched_at + SSRC_HOLD_S

    def begin(self, now: float, incoming: Incoming) -> list[Incoming]:
        """Take a new source; the one before the last is returned, to be forgotten."""
        forgotten = self._let_go()
        self._before, self.current, self._latched_at = self.current, incoming, now
        return forgotten

    def returned(self, now: float) -> Incoming | None:
        """The predecessor, if it sends again since its successor fell silent: it is current."""
        before, current = self._before, self.current
        if before is None or current is None or before.source.media_at is None:
            return None
        silent_since = current.source.media_at or self._latched_at
        if before.source.media_at < silent_since + RETURN_AFTER_S:
            return None
        self._before, self.current, self._latched_at = current, before, now
        return before

    def retired(self, now: float) -> list[Incoming]:
        """The predecessor, once it is silent, to be forgotten."""
        before = self._before
        if before is None or (before.source.media_at or 0.0) + RETIRE_AFTER_S > now:
            return []
        return self._let_go()

    def _let_go(self) -> list[Incoming]:
        before, self._before = self._before, None
        if before is None:
            return []
        self._gone.add(before.source)
        return [before]

    def stats(self, now: float, track: Track, layer: str, floor: int | None) -> StreamStats:
        assert self.current is not None
        source, totals = self.current.source, self._gone.copy()
        loudness = source.loudness
        for one in (self._before, self.current):
            if one is not None:
                totals.add(one.source)
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
            layer=layer,
            width=source.width or None,
            height=source.height or None,
            profile=source.profile,
            ignores_requests=source.ignores_requests,
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

    def copy(self) -> _Totals:
        sums = _Totals()
        vars(sums).update(vars(self))
        return sums
