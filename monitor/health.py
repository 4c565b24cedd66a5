"""Health of one site: offline, connecting, good or lost (fair and poor are for a later score).

A site is judged by what was heard of it: its page's control link, ICE consent (RFC 7675) and RTP.
It is *lost* only when a live bridge node says that it hears nothing. What a stale node or a
stalled monitor did not hear is nobody's fault, and the state stays as it was while ages grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from signaling.wire.control import StreamStats
from signaling.wire.ids import NodeId
from signaling.wire.pages import HealthState, SiteFigures
from signaling.wire.samples import NodeGone, NodeHeard, SiteGone, SiteHeard, SiteMedia

Event = SiteHeard | SiteGone | SiteMedia | NodeHeard | NodeGone


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a verdict changes; all in seconds but `good_samples`, which counts reports in a row.

    Between `fresh_s` and `lost_after_s` of silence a site keeps its state: that is the hysteresis.
    """

    fresh_s: float = 3.0
    lost_after_s: float = 4.0
    good_samples: int = 2
    control_s: float = 6.0
    node_stale_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of state. `cause` is for the log: what was or was not heard."""

    before: HealthState
    after: HealthState
    at: float
    cause: str


class SiteHealth:
    """The machine of one site. All times are seconds of one clock, which only the caller reads."""

    def __init__(self, now: float, thresholds: Thresholds | None = None) -> None:
        self.state: HealthState = "offline"
        self.since = now
        self._limits = thresholds or Thresholds()
        self._left = False
        self._control_at: float | None = None
        self._node: NodeId | None = None
        self._node_at: float | None = None
        self._media: SiteMedia | None = None
        self._consent_at: float | None = None
        self._rtp_at: float | None = None
        self._flowing = 0

    def handle(self, now: float, event: Event | None) -> list[Edge]:
        """Take in what was heard, or None when only time has passed; returns the change, if any."""
        if isinstance(event, SiteHeard):
            self._control_at = _later(self._control_at, event.at)
            self._left = False
        elif isinstance(event, SiteGone):
            if event.leaving:
                self._leave()
        elif isinstance(event, SiteMedia):
            self._take_in(now, event)
        elif isinstance(event, NodeHeard | NodeGone) and event.node == self._node:
            if isinstance(event, NodeHeard):
                self._node_reports(event.at)
            else:
                self._node_at = None
        return self._judge(now)

    def next_deadline(self) -> float | None:
        """When silence alone would change the state; None if it never would."""
        limits = self._limits
        if self.state == "connecting" and self._control_at is not None:
            return self._control_at + limits.control_s
        if self.state != "good" or self._node_at is None or self._consent_at is None:
            return None
        silent = [self._consent_at] if self._rtp_at is None else [self._consent_at, self._rtp_at]
        deadline = min(silent) + limits.lost_after_s
        return deadline if deadline <= self._node_at + limits.node_stale_s else None

    def forgive(self, now: float, seconds: float) -> None:
        """Time in which nobody listened: everything heard before counts as that much later."""
        self._control_at = _shifted(self._control_at, now, seconds)
        self._node_at = _shifted(self._node_at, now, seconds)
        self._forgive_media(now, seconds)

    def figures(self, now: float) -> SiteFigures:
        """The state and the figures behind it. Of several streams the worst one speaks."""
        media = self._media if self._node_fresh(now) else None
        publish = media.publish if media else None
        receive = media.receive if media else None
        sent = publish.streams if publish else []
        rtts = [session.rtt_s for session in (publish, receive) if session and session.rtt_s]
        return SiteFigures(
            state=self.state,
            since=self.since,
            control_age_s=_age(now, self._control_at),
            consent_age_s=_age(now, self._consent_at),
            media_age_s=_age(now, self._rtp_at),
            rtt_s=rtts[0] if rtts else None,
            loss_ratio=_worst(sent, lambda stream: stream.loss_ratio),
            jitter_s=_worst(sent, lambda stream: stream.jitter_s),
            bitrate_bps=sum(stream.bitrate_bps for stream in sent) if sent else None,
            receive_loss_ratio=_worst(
                receive.streams if receive else [], lambda stream: stream.loss_ratio
            ),
        )

    # --- what was heard -------------------------------------------------------------------------

    def _leave(self) -> None:
        self._left = True
        self._control_at = None
        self._consent_at = None
        self._rtp_at = None
        self._flowing = 0

    def _take_in(self, now: float, sample: SiteMedia) -> None:
        empty = sample.publish is None and sample.receive is None
        if empty and sample.node != self._node:
            return
        if sample.node == self._node:
            self._node_reports(sample.at)
        self._node, self._node_at, self._media = sample.node, sample.at, sample
        if self._left:
            self._left = not empty
            return
        for session in (sample.publish, sample.receive):
            if session is not None and session.consent_age_s is not None:
                self._consent_at = _later(self._consent_at, sample.at - session.consent_age_s)
        if sample.publish is not None and sample.publish.media_age_s is not None:
            self._rtp_at = _later(self._rtp_at, sample.at - sample.publish.media_age_s)
        self._flowing = self._flowing + 1 if self._flows(now) else 0

    def _node_reports(self, at: float) -> None:
        """The node that serves this site speaks; what it missed while it was stale is forgiven."""
        last = self._node_at
        if last is None and self._media is not None:
            last = self._media.at
        if last is not None and at - last > self._limits.node_stale_s:
            self._forgive_media(at, at - last)
        self._node_at = _later(self._node_at, at)

    def _forgive_media(self, now: float, seconds: float) -> None:
        self._consent_at = _shifted(self._consent_at, now, seconds)
        self._rtp_at = _shifted(self._rtp_at, now, seconds)

    # --- what it means --------------------------------------------------------------------------

    def _judge(self, now: float) -> list[Edge]:
        after, cause = self._verdict(now)
        if after == self.state:
            return []
        edge = Edge(self.state, after, now, cause)
        self.state, self.since = after, now
        return [edge]

    def _verdict(self, now: float) -> tuple[HealthState, str]:
        if self._left:
            return "offline", "it left"
        if self._blind(now):
            return self.state, "its bridge node is silent"
        if self.state in ("good", "lost"):
            return self._verdict_once_good(now)
        if self._flowing >= self._limits.good_samples and self._flows(now):
            return "good", "consent and media are fresh"
        if self._control_lives(now) or self._has_session():
            return "connecting", "its page or media session is there"
        return "offline", "neither control link nor media session"

    def _verdict_once_good(self, now: float) -> tuple[HealthState, str]:
        if self._flowing >= self._limits.good_samples and self._flows(now):
            return "good", "consent and media are fresh"
        if self.state == "lost":
            return "lost", "still silent"
        for name, heard_at in (("ICE consent", self._consent_at), ("RTP", self._rtp_at)):
            if heard_at is not None and now - heard_at >= self._limits.lost_after_s:
                return "lost", f"no {name} for {now - heard_at:.1f} s"
        return "good", "silent for too short a time to say"

    def _flows(self, now: float) -> bool:
        """Consent is fresh, and so is RTP if the site publishes or ever did."""
        sample, limit = self._media, self._limits.fresh_s
        if sample is None or self._consent_at is None or not self._has_session():
            return False
        if now - self._consent_at >= limit:
            return False
        if self._rtp_at is not None:
            return now - self._rtp_at < limit
        return sample.publish is None and sample.receive is not None

    def _blind(self, now: float) -> bool:
        """Its bridge node is stale, so that silence of media says nothing."""
        return self._has_session() and not self._node_fresh(now)

    def _node_fresh(self, now: float) -> bool:
        return self._node_at is not None and now - self._node_at <= self._limits.node_stale_s

    def _has_session(self) -> bool:
        sample = self._media
        sessions = (sample.publish, sample.receive) if sample else ()
        return any(session is not None and session.state != "closed" for session in sessions)

    def _control_lives(self, now: float) -> bool:
        return self._control_at is not None and now - self._control_at < self._limits.control_s


def _later(known: float | None, new: float) -> float:
    return new if known is None else max(known, new)


def _shifted(moment: float | None, now: float, seconds: float) -> float | None:
    return None if moment is None else min(now, moment + seconds)


def _age(now: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _worst(streams: Iterable[StreamStats], figure: Callable[[StreamStats], float]) -> float | None:
    return max((figure(stream) for stream in streams), default=None)
