"""One site as the tests play it: samples of it, and a room that says them and notes changes."""

from __future__ import annotations

from monitor.health import ControlEdge, Event, SiteHealth
from signaling.wire.control import SessionState, SessionStats, StreamStats
from signaling.wire.figures import ControlState, HealthState
from signaling.wire.ids import ConferenceId, Direction, NodeId, Port, Scope, SessionId, SiteCode
from signaling.wire.pages import Report
from signaling.wire.samples import (
    NodeHeard,
    SiteGone,
    SiteHeard,
    SiteMedia,
    SiteReported,
)

CONFERENCE, SITE = ConferenceId("hn"), SiteCode("48")
NODE, OTHER = NodeId("node-1"), NodeId("node-2")


def session(
    direction: Direction = "publish",
    consent: float | None = 0.1,
    media: float | None = 0.1,
    state: SessionState = "connected",
    **figures: object,
) -> SessionStats:
    fixed = {"session": SessionId(direction), "scope": Scope("hn"), "port": Port("48/main")}
    return SessionStats(
        **fixed | figures,  # type: ignore[arg-type]
        direction=direction,
        state=state,
        consent_age_s=consent,
        media_age_s=media,
    )


def receiving(consent: float | None = 0.1, **figures: object) -> SessionStats:
    return session("receive", consent, None, **figures)  # type: ignore[arg-type]


def lossy(loss_ratio: float, session_id: str = "publish") -> SessionStats:
    stream = StreamStats("audio", "mic", 50, 4000, 32_000.0, loss_ratio=loss_ratio)
    return session(streams=[stream], session=SessionId(session_id))


class Room:
    """A site as the tests play it: says what is heard at `now`, and notes every change."""

    def __init__(self) -> None:
        self.health = SiteHealth(0.0)
        self.now = 0.0
        self.changes: list[tuple[float, HealthState]] = []
        self.control: list[tuple[float, ControlState, HealthState]] = []
        self.causes: list[str] = []

    @property
    def state(self) -> HealthState:
        return self.health.state

    @property
    def states(self) -> list[HealthState]:
        return [state for _, state in self.changes]

    def hear(self, event: Event | None) -> None:
        for edge in self.health.handle(self.now, event):
            if isinstance(edge, ControlEdge):
                self.control.append((self.now, edge.after, edge.state))
            else:
                self.changes.append((self.now, edge.after))
                self.causes.append(edge.cause)

    def page(self) -> None:
        self.hear(SiteHeard(CONFERENCE, SITE, self.now))

    def closed(self, leaving: bool) -> None:
        self.hear(SiteGone(CONFERENCE, SITE, self.now, leaving))

    def reports(self, report: Report) -> None:
        self.hear(SiteReported(CONFERENCE, SITE, self.now, report))

    def media(
        self,
        publish: SessionStats | None = None,
        receive: SessionStats | None = None,
        node: NodeId = NODE,
    ) -> None:
        self.hear(SiteMedia(CONFERENCE, SITE, node, self.now, publish, receive))

    def node(self) -> None:
        self.hear(NodeHeard(NODE, self.now))

    def second(
        self,
        page: bool = True,
        publish: SessionStats | None = None,
        receive: SessionStats | None = None,
    ) -> None:
        """One second of a bridge node that reports; without sessions all media have ended."""
        self.now += 0.5
        self.hear(None)
        self.now += 0.5
        if page:
            self.page()
        self.node()
        self.media(publish, receive)
        self.hear(None)

    def become_good(self) -> None:
        for _ in range(3):
            self.second(publish=session())
        assert self.state == "good"

    def silent(self, seconds: int, page: bool = True, consent: bool = False) -> None:
        """Its RTP ends now; for so many seconds its node says so."""
        since = self.now
        for _ in range(seconds):
            age = self.now + 1 - since
            self.second(page, session(consent=0.5 if consent else age, media=age))
