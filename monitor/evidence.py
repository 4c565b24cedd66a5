"""What was heard of one site, and for how long nothing: the facts, without a verdict. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from monitor.score import Impairments, quality
from monitor.thresholds import Thresholds
from signaling.wire.control import SessionStats, StreamStats
from signaling.wire.figures import ControlState, HealthState, Picture, SiteFigures
from signaling.wire.ids import NodeId, SessionId
from signaling.wire.pages import Report
from signaling.wire.samples import (
    NodeGone,
    NodeHeard,
    SiteMedia,
    SitePicture,
    SiteRefused,
    SiteReported,
)

REPORT_S = 5.0
"""How often a page sends its statistics, and so the time that their seconds of freezing are of."""


class Evidence:
    """The newest of each kind, with its time; None is never. Of several streams the worst speaks.

    `control_at`: its page or agent. `rtp_at`, `consent_at`: its media, as its node heard them.
    `node_at`: that node's latest report.
    """

    def __init__(self, limits: Thresholds) -> None:
        self.control_at: float | None = None
        self.node: NodeId | None = None
        self.node_at: float | None = None
        self.rtp_at: float | None = None
        self.consent_at: float | None = None
        self._limits = limits
        self._media: SiteMedia | None = None
        self._received = False
        self._published: SessionId | None = None
        self._report: Report | None = None
        self._report_at: float | None = None
        self._picture: Picture | None = None
        self._pictured_at: float | None = None
        self._refused: SiteRefused | None = None

    # --- taking in ------------------------------------------------------------------------------

    def page(self, at: float) -> None:
        """A frame of its page or agent."""
        self.control_at = _later(self.control_at, at)

    def statistics(self, sample: SiteReported) -> None:
        """Its own WebRTC statistics."""
        self._report, self._report_at = sample.report, sample.at

    def picture(self, sample: SitePicture) -> None:
        """What its camera shows."""
        self._picture, self._pictured_at = sample.picture, sample.at

    def refused(self, now: float, sample: SiteRefused) -> bool:
        """Its encoder's offer was refused; whether that is news."""
        before, self._refused = self.other_codec(now), sample
        return self.other_codec(now) != before

    def media(self, sample: SiteMedia) -> bool:
        """A node's figures of its sessions; False for a node that has nothing to do with it."""
        if not self.stays_behind(sample):
            return False
        for session in (sample.publish, sample.receive):
            if session is not None and session.consent_age_s is not None:
                self.consent_at = _later(self.consent_at, sample.at - session.consent_age_s)
        if sample.publish is not None and sample.publish.media_age_s is not None:
            self.rtp_at = _later(self.rtp_at, sample.at - sample.publish.media_age_s)
        self._watch_receiving(sample)
        return True

    def stays_behind(self, sample: SiteMedia) -> bool:
        """As `media`, of a site that has left: its sessions are none of its own any more."""
        if sample.publish is None and sample.receive is None and sample.node != self.node:
            return False
        if sample.node == self.node:
            self._node_reports(sample.at)
        self.node, self.node_at, self._media = sample.node, sample.at, sample
        return True

    def node_edge(self, sample: NodeHeard | NodeGone) -> None:
        """A node reported, or its link closed; others than this site's say nothing."""
        if sample.node != self.node:
            return
        if isinstance(sample, NodeHeard):
            self._node_reports(sample.at)
        else:
            self.node_at = None

    def forget(self) -> None:
        """The device left: what comes next is a new one."""
        self.control_at = self.rtp_at = self.consent_at = None
        self._report = self._report_at = None
        self._picture = self._pictured_at = None
        self._received = False

    def forgive(self, now: float, seconds: float) -> None:
        """Nobody listened for so long: all that was heard before counts as that much later."""
        self.control_at = _shifted(self.control_at, now, seconds)
        self.node_at = _shifted(self.node_at, now, seconds)
        self._report_at = _shifted(self._report_at, now, seconds)
        self.forgive_media(now, seconds)

    def forgive_media(self, now: float, seconds: float) -> None:
        """As `forgive`, when only the node did not listen."""
        self.rtp_at = _shifted(self.rtp_at, now, seconds)
        self.consent_at = _shifted(self.consent_at, now, seconds)

    def _watch_receiving(self, sample: SiteMedia) -> None:
        """A new device's first session says nothing yet of whether it means to receive."""
        published = sample.publish.session if sample.publish else None
        if published not in (None, self._published):
            self._published, self._received = published, False
        if sample.receive is not None and sample.receive.state == "connected":
            self._received = True

    def _node_reports(self, at: float) -> None:
        """The node that serves this site speaks; what it missed while it was stale is forgiven."""
        last = self.node_at
        if last is None and self._media is not None:
            last = self._media.at
        if last is not None and at - last > self._limits.node_stale_s:
            self.forgive_media(at, at - last)
        self.node_at = _later(self.node_at, at)

    # --- what there is --------------------------------------------------------------------------

    @property
    def reported_at(self) -> float | None:
        """Of when the newest figures of its sessions are."""
        return None if self._media is None else self._media.at

    def other_codec(self, now: float) -> str | None:
        """What its encoder offers in vain; None once its media come, or it tries no more."""
        refused = self._refused
        if refused is None or now - refused.at > self._limits.refused_valid_s:
            return None
        came = self.rtp_at is not None and self.rtp_at > refused.at
        return None if came else refused.offered

    def control(self, now: float) -> ControlState:
        """Its page's socket: heard, silent for too long, or never there."""
        if self.control_at is None:
            return "none"
        silent = now - self.control_at >= self._limits.control_lost_after_s
        return "lost" if silent else "good"

    def has_session(self) -> bool:
        """It has a WHIP or WHEP session that is not over."""
        return any(session.state != "closed" for session in self._sessions())

    def flows(self, now: float) -> bool:
        """RTP comes; of a site that only receives, consent."""
        if not self.has_session():
            return False
        if self.rtp_at is not None:
            return now - self.rtp_at < self._limits.fresh_s
        publishes = self._media is not None and self._media.publish is not None
        if publishes or self.consent_at is None:
            return False
        return now - self.consent_at < self._limits.receiver_lost_after_s

    def blind(self, now: float) -> bool:
        """Its node is stale, so that silence of media says nothing."""
        return self.has_session() and not self._node_fresh(now)

    def silent_at(self) -> float | None:
        """When it will have been silent for too long, if nothing more comes."""
        if self.rtp_at is not None:
            return self.rtp_at + self._limits.lost_after_s
        if self.consent_at is not None:
            return self.consent_at + self._limits.receiver_lost_after_s
        return None

    def silence(self, now: float) -> str | None:
        """What has been silent for too long, as far as its node can tell; None: nothing."""
        silent_at = self.silent_at()
        if silent_at is None or self.node_at is None:
            return None
        if min(now, self.node_at + self._limits.node_speaks_s) < silent_at:
            return None
        if self.rtp_at is None:
            return "no ICE consent"
        consent = self.consent_at is not None and (
            now - self.consent_at < self._limits.receiver_lost_after_s
        )
        return "no RTP, though ICE consent is fresh" if consent else "neither RTP nor ICE consent"

    # --- how good it is -------------------------------------------------------------------------

    def quality(self, now: float) -> float | None:
        """0–1, as `monitor.score` has it; 0 when it sends but gets nothing. None: unknown."""
        if not self._node_fresh(now):
            return None
        return 0.0 if self._deaf() else quality(self._impairments(now))

    def worst_words(self, now: float) -> str:
        """What a poor connection suffers from, for the log."""
        if self._deaf():
            return "it sends, but receives nothing"
        known = zip(Impairments._fields, self._impairments(now), strict=True)
        return ", ".join(f"{name} {value:.3g}" for name, value in known if value) or "media come"

    def figures(
        self, now: float, state: HealthState, since: float, control: ControlState
    ) -> SiteFigures:
        """All of it, beside the verdict that was made of it."""
        fresh = self._node_fresh(now)
        publish = self._media.publish if self._media and fresh else None
        receive = self._media.receive if self._media and fresh else None
        sent = publish.streams if publish else []
        report = self._fresh_report(now) or Report()
        mic = next((stream for stream in sent if stream.track == "mic"), None)
        return SiteFigures(
            state=state,
            since=since,
            control_age_s=_age(now, self.control_at),
            consent_age_s=_age(now, self.consent_at),
            media_age_s=_age(now, self.rtp_at),
            rtt_s=_first_rtt(publish, receive),
            loss_ratio=_worst(_flowing(sent), lambda stream: stream.loss_ratio),
            jitter_s=_worst(_flowing(sent), lambda stream: stream.jitter_s),
            bitrate_bps=sum(stream.bitrate_bps for stream in sent) if sent else None,
            receive_loss_ratio=_most(_received_loss(receive), report.receive_loss_ratio),
            control=control,
            quality=self.quality(now),
            client_age_s=_age(now, self._report_at),
            freeze_ratio=_freeze_ratio(report),
            frames_per_s=report.frames_per_s,
            sent_frames_per_s=report.sent_frames_per_s,
            camera=report.camera,
            microphone=report.microphone,
            microphone_level=report.microphone_level,
            mic_level_dbov=mic.level_dbov if mic else None,
            mic_heard=mic.heard if mic else None,
            mic_clipping_ratio=mic.clipping_ratio if mic else None,
            floor_position=mic.floor if mic else None,
            picture=self._fresh_picture(now),
            other_codec=self.other_codec(now),
        )

    def _impairments(self, now: float) -> Impairments:
        publish = self._media.publish if self._media else None
        receive = self._media.receive if self._media else None
        report = self._fresh_report(now) or Report()
        sent = _flowing(publish.streams if publish else [])
        # a picture's packets leave in bursts, which RFC 3550 counts as jitter: sound speaks
        sound = [stream for stream in sent if stream.media == "audio"] or sent
        lost = _worst(sent, lambda stream: stream.loss_ratio)
        return Impairments(
            loss_ratio=_most(lost, _received_loss(receive), report.receive_loss_ratio),
            rtt_s=_most(_first_rtt(publish, receive), report.rtt_s),
            jitter_s=_worst(sound, lambda stream: stream.jitter_s),
            freeze_ratio=_freeze_ratio(report),
        )

    def _deaf(self) -> bool:
        """It had a session to receive by, which is gone or silent while it goes on sending."""
        if not self._received or self._media is None:
            return False
        receive = self._media.receive
        return receive is None or receive.state in ("lost", "closed")

    def _fresh_report(self, now: float) -> Report | None:
        if self._report_at is None or now - self._report_at > self._limits.report_valid_s:
            return None
        return self._report

    def _fresh_picture(self, now: float) -> Picture | None:
        if self._pictured_at is None or now - self._pictured_at > self._limits.picture_valid_s:
            return None
        return self._picture

    def _node_fresh(self, now: float) -> bool:
        return self.node_at is not None and now - self.node_at <= self._limits.node_stale_s

    def _sessions(self) -> list[SessionStats]:
        sessions = (self._media.publish, self._media.receive) if self._media else ()
        return [session for session in sessions if session is not None]


def _later(known: float | None, new: float) -> float:
    return new if known is None else max(known, new)


def _shifted(moment: float | None, now: float, seconds: float) -> float | None:
    return None if moment is None else min(now, moment + seconds)


def _age(now: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _most(*figures: float | None) -> float | None:
    return max((figure for figure in figures if figure is not None), default=None)


def _worst(streams: Iterable[StreamStats], figure: Callable[[StreamStats], float]) -> float | None:
    return max((figure(stream) for stream in streams), default=None)


def _flowing(streams: Sequence[StreamStats]) -> Sequence[StreamStats]:
    """Those that say something of the path now: not the layers that rest."""
    return [stream for stream in streams if stream.bitrate_bps > 0] or streams


def _received_loss(receive: SessionStats | None) -> float | None:
    return _worst(receive.streams if receive else [], lambda stream: stream.loss_ratio)


def _first_rtt(publish: SessionStats | None, receive: SessionStats | None) -> float | None:
    rtts = [session.rtt_s for session in (publish, receive) if session and session.rtt_s]
    return rtts[0] if rtts else None


def _freeze_ratio(report: Report) -> float | None:
    return None if report.freeze_s is None else min(1.0, max(0.0, report.freeze_s / REPORT_S))
