"""How the sites do: what the monitor says of each, as pages get it once a second."""

from __future__ import annotations

from typing import Literal

import msgspec

from signaling.wire.ids import SiteCode

HealthState = Literal["offline", "connecting", "good", "fair", "poor", "lost"]
Picture = Literal["ok", "black", "frozen", "test_card"]
"""What a site's camera shows: something that lives, nothing, always the same, colour bars or one
flat colour."""
ControlState = Literal["good", "lost", "none"]
"""A site's page or agent: heard, silent for too long, or never there (a plain encoder)."""


class SiteFigures(msgspec.Struct, frozen=True):
    """A site's health and the figures behind it.

    Ages are seconds; None is never. `control_age_s`: since its page or agent was last heard,
    `consent_age_s`: since its last ICE consent check, `media_age_s`: since its last RTP packet.
    `rtt_s`, `loss_ratio` (0–1), `bitrate_bps`, `jitter_s` are of what the site sends;
    `receive_loss_ratio` is what it reports about what it gets.

    `state` judges media; `control` tells the page's socket apart, so that "control lost, media
    good" can be seen. `quality` (0–1) is what good, fair and poor are made from.

    From `freeze_ratio` on it is what its own statistics said, `client_age_s` ago: share of time in
    which its picture stood still, pictures decoded and sent, whether it has camera and microphone,
    how loud it is.

    Four are of its microphone as its node hears it, muted or not (`StreamStats`):
    `mic_level_dbov` the loudest packet of the last second, None without packets or if they do not
    say; `mic_heard` somebody speaks; `mic_clipping_ratio` share of packets at the end of the scale;
    `floor_position` where its sound is carried to the others, None if nowhere.

    `picture` is what a media worker sees in the camera's picture; None: nobody looked lately.
    `other_codec`: its encoder was refused lately, because it offers these codecs alone and the
    conference has another.
    """

    state: HealthState
    since: float
    control_age_s: float | None
    consent_age_s: float | None
    media_age_s: float | None
    rtt_s: float | None
    loss_ratio: float | None
    jitter_s: float | None
    bitrate_bps: float | None
    receive_loss_ratio: float | None
    control: ControlState = "none"
    quality: float | None = None
    client_age_s: float | None = None
    freeze_ratio: float | None = None
    frames_per_s: float | None = None
    sent_frames_per_s: float | None = None
    camera: bool | None = None
    microphone: bool | None = None
    microphone_level: float | None = None
    mic_level_dbov: float | None = None
    mic_heard: bool | None = None
    mic_clipping_ratio: float | None = None
    floor_position: int | None = None
    picture: Picture | None = None
    other_codec: str | None = None


class MixFigures(msgspec.Struct, frozen=True):
    """The mixes for players that take one sound: how many are wanted, how many flow, and whether
    that has been too few for longer than they take to come. Players without one hear a single
    speaker."""

    wanted: int
    flowing: int
    missing: bool = False


class Figures(msgspec.Struct, frozen=True, tag="figures"):
    """Once a second, and when a state changes. `at` is when they were taken; `nodes` is the age of
    each bridge node's report.

    A site page gets its own site only. `suspects` are nodes whose sites all fell silent in the same
    second: the fault is there, and no site is blamed for it. `mixes` is None while none is wanted,
    and for sites.
    """

    at: float
    nodes: dict[str, float]
    sites: dict[SiteCode, SiteFigures]
    suspects: list[str] = []
    mixes: MixFigures | None = None
