"""What the monitor is told, and what it tells: samples in, health out. Never journalled."""

from __future__ import annotations

import msgspec

from signaling.wire.control import SessionStats
from signaling.wire.figures import Picture, SiteFigures
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.pages import Report


class SiteHeard(msgspec.Struct, frozen=True, tag="site_heard"):
    """A frame came from a site's page or agent: its control link lives."""

    conference: ConferenceId
    site: SiteCode
    at: float


class SiteGone(msgspec.Struct, frozen=True, tag="site_gone"):
    """A site's control link closed. `leaving`: it said so itself, or its seat was given up."""

    conference: ConferenceId
    site: SiteCode
    at: float
    leaving: bool


class SiteMedia(msgspec.Struct, frozen=True, tag="site_media"):
    """A node's figures for the sessions of one site (none left: both None). `at`: when received."""

    conference: ConferenceId
    site: SiteCode
    node: NodeId
    at: float
    publish: SessionStats | None
    receive: SessionStats | None


class SiteReported(msgspec.Struct, frozen=True, tag="site_reported"):
    """A site's page sent its own WebRTC statistics."""

    conference: ConferenceId
    site: SiteCode
    at: float
    report: Report


class SitePicture(msgspec.Struct, frozen=True, tag="site_picture"):
    """What a media worker saw in a site's picture. `at`: when the picture came."""

    conference: ConferenceId
    site: SiteCode
    at: float
    picture: Picture


class SiteRefused(msgspec.Struct, frozen=True, tag="site_refused"):
    """A site's picture was refused: its encoder offered the codecs `offered`, none of which is the
    conference's (`codec`)."""

    conference: ConferenceId
    site: SiteCode
    at: float
    offered: str
    codec: str


class ConferenceOpened(msgspec.Struct, frozen=True, tag="conference_opened"):
    """Which sites there are to watch; sent at creation, at load, and when the roster changes."""

    conference: ConferenceId
    sites: list[SiteCode]
    at: float


class ConferenceClosed(msgspec.Struct, frozen=True, tag="conference_closed"):
    """Nothing more to watch there."""

    conference: ConferenceId
    at: float


class NodeHeard(msgspec.Struct, frozen=True, tag="node_heard"):
    """A bridge node's report arrived."""

    node: NodeId
    at: float


class NodeGone(msgspec.Struct, frozen=True, tag="node_gone"):
    """A bridge node's control link closed: its silence says nothing about the sites."""

    node: NodeId
    at: float


Sample = (
    SiteHeard
    | SiteGone
    | SiteMedia
    | SiteReported
    | SitePicture
    | SiteRefused
    | ConferenceOpened
    | ConferenceClosed
    | NodeHeard
    | NodeGone
)


class HealthReport(msgspec.Struct, frozen=True):
    """The monitor's word, once a second and conference: each site's state and figures.

    `suspects`: nodes that hear none of their sites since one and the same second.
    """

    conference: ConferenceId
    at: float
    nodes: dict[str, float]
    sites: dict[SiteCode, SiteFigures]
    suspects: list[str] = []
