"""Health of one site: offline, connecting, good, fair, poor or lost; and its control link apart.

A site is judged by its media, as its bridge node hears them: RTP that it sends, ICE consent
(RFC 7675) and what it reports of what it gets; by how good they are, and by its own statistics.
Its page's socket is judged for itself: a site whose socket is gone may still be on air.

It is *lost* only when a live bridge node says that it hears nothing. What a stale node or a
stalled monitor did not hear is nobody's fault, and the state stays as it was while ages grow.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.evidence import Evidence
from monitor.grade import Grader
from monitor.thresholds import Thresholds
from signaling.wire.figures import ControlState, HealthState, SiteFigures
from signaling.wire.ids import NodeId
from signaling.wire.samples import (
    NodeGone,
    NodeHeard,
    SiteGone,
    SiteHeard,
    SiteMedia,
    SitePicture,
    SiteRefused,
    SiteReported,
)

Event = (
    SiteHeard
    | SiteGone
    | SiteMedia
    | SiteReported
    | SitePicture
    | SiteRefused
    | NodeHeard
    | NodeGone
)

ALIVE: frozenset[HealthState] = frozenset({"good", "fair", "poor"})
"""States in which media come."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of state. `cause` is for the log: what was or was not heard."""

    before: HealthState
    after: HealthState
    at: float
    cause: str


@dataclass(frozen=True, slots=True)
class ControlEdge:
    """A change of the control link; `state` is the site's own meanwhile."""

    before: ControlState
    after: ControlState
    at: float
    state: HealthState


@dataclass(frozen=True, slots=True)
class CodecEdge:
    """Its encoder was refused, for the first time in a while: it offers `offered`, and the
    conference has `codec`."""

    offered: str
    codec: str
    at: float


AnyEdge = Edge | ControlEdge | CodecEdge


class SiteHealth:
    """The machine of one site. All times are seconds of one clock, which only the caller reads."""

    def __init__(self, now: float, thresholds: Thresholds | None = None) -> None:
        self.state: HealthState = "offline"
        self.since = now
        self.control: ControlState = "none"
        self.pardoned = False
        self._limits = thresholds or Thresholds()
        self._heard = Evidence(self._limits)
        self._grader = Grader(self._limits)
        self._left = False
        self._flowing = 0

    def handle(self, now: float, event: Event | None) -> list[AnyEdge]:
        """Take in what was heard, or None when only time has passed; returns what has changed.

        Silence is judged only when time has passed, so that whoever calls can `pardon` before.
        """
        edges: list[AnyEdge] = []
        match event:
            case SiteHeard():
                self._heard.page(event.at)
                self._left = False
            case SiteGone():
                if event.leaving:
                    self._leave()
            case SiteReported():
                self._heard.statistics(event)
            case SitePicture():
                self._heard.picture(event)
            case SiteMedia():
                self._take_in(now, event)
            case SiteRefused(offered=offered, codec=codec):
                if self._heard.refused(now, event):
                    edges.append(CodecEdge(offered, codec, now))
            case NodeHeard() | NodeGone():
                self._heard.node_edge(event)
            case None:
                pass
        edges += self._judge(now, ticked=event is None)
        edges += self._judge_control(now)
        return edges

    def next_deadline(self) -> float | None:
        """When silence alone would change something; None if it never would."""
        heard, limits = self._heard, self._limits
        found = []
        if self.control == "good" and heard.control_at is not None:
            found.append(heard.control_at + limits.control_lost_after_s)
        if self.state in ALIVE and not self.pardoned and heard.node_at is not None:
            silent_at = heard.silent_at()
            if silent_at is not None and silent_at <= heard.node_at + limits.node_speaks_s:
                found.append(silent_at)
        return min(found, default=None)

    def forgive(self, now: float, seconds: float) -> None:
        """Time in which nobody listened: everything heard before counts as that much later."""
        self._heard.forgive(now, seconds)

    def pardon(self) -> None:
        """Its node hears nobody: silence is not this site's until `accuse`."""
        self.pardoned = True

    def accuse(self, now: float) -> None:
        """Its node hears again, or has been excused for long enough: silence counts from now."""
        self.pardoned = False
        self._heard.forgive_media(now, now)

    @property
    def node(self) -> NodeId | None:
        """The bridge node that serves it, or did."""
        return self._heard.node

    @property
    def media_at(self) -> float | None:
        """When its RTP was last heard; None for a site that sends none."""
        return self._heard.rtp_at

    @property
    def reported_at(self) -> float | None:
        """Of when its node's newest figures of it are."""
        return self._heard.reported_at

    def figures(self, now: float) -> SiteFigures:
        """The state and the figures behind it."""
        return self._heard.figures(now, self.state, self.since, self.control)

    # --- what was heard -------------------------------------------------------------------------

    def _leave(self) -> None:
        self._left = True
        self._heard.forget()
        self._grader.restart()
        self._flowing = 0

    def _take_in(self, now: float, sample: SiteMedia) -> None:
        empty = sample.publish is None and sample.receive is None
        if self._left:
            self._left = not empty
            self._heard.stays_behind(sample)
            return
        if not self._heard.media(sample):
            return
        self._flowing = self._flowing + 1 if self._heard.flows(now) else 0
        if self.state in ALIVE and self._flowing:
            self._grader.take_in(self._heard.quality(now))

    # --- what it means --------------------------------------------------------------------------

    def _judge(self, now: float, ticked: bool) -> list[Edge]:
        after, cause = self._verdict(now, ticked)
        if after == self.state:
            return []
        edge = Edge(self.state, after, now, cause)
        if after == "lost":
            self._grader.restart()
        self.state, self.since = after, now
        return [edge]

    def _verdict(self, now: float, ticked: bool) -> tuple[HealthState, str]:
        heard = self._heard
        if self._left:
            return "offline", "it left"
        flows = self._flowing >= self._limits.good_in_a_row and heard.flows(now)
        if self.pardoned or heard.blind(now):
            return self.state, "its bridge node is silent"
        if self.state in ALIVE or self.state == "lost":
            if flows:
                return self._grader.grade, heard.worst_words(now)
            silence = heard.silence(now) if ticked and self.state != "lost" else None
            return ("lost", silence) if silence else (self.state, "too early to say")
        if flows:
            return "good", "media come"
        if heard.control(now) == "good" or heard.has_session():
            return "connecting", "its page or media session is there"
        return "offline", "neither control link nor media session"

    def _judge_control(self, now: float) -> list[ControlEdge]:
        before, self.control = self.control, self._heard.control(now)
        if before == self.control:
            return []
        return [ControlEdge(before, self.control, now, self.state)]
