"""What a conference is at one moment. Built by `evolve` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from signaling.wire.commands import Scene
from signaling.wire.ids import ConferenceId, DeviceId, ProgramCodec, SiteCode
from signaling.wire.pages import Phase
from signaling.wire.recordings import RecordingProblem, RecordingState

MAX_SCENE_SEATS = 4
"""Pictures in one scene, slides among them; each has a stage slot of its own at every receiver."""


REOPEN_S = 1800.0
"""How long after its end a conference can be reopened, seconds."""


class SiteInfo(msgspec.Struct, frozen=True):
    """What the roster and the template say of a site. `order` is the protocol order, from 0."""

    code: SiteCode
    name: str
    full_name: str
    banner: str
    region: str = ""
    order: int = 0
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A site's place in the conference. Devices come and go, the seat keeps its flags.

    `present` says that the holder's page was connected, or its media consent fresh, within the
    last ten seconds; only then is another device turned away. `standby` is a further device that
    waits to take over. `spoken_s` is the speaking time of speeches that have ended. `sharing`: the
    device offers slides. `heard_at`: when voice first came from its microphone. `plain`: the
    holder is an encoder, which has no page.
    """

    site: SiteInfo
    device: DeviceId | None = None
    plain: bool = False
    present: bool = False
    muted_by_operator: bool = True
    muted_by_site: bool = True
    standby: DeviceId | None = None
    heard_at: float | None = None
    hand_since: float | None = None
    help_since: float | None = None
    spoken_s: float = 0.0
    sharing: bool = False

    @property
    def microphone_open(self) -> bool:
        """Neither the operator nor the site has shut it."""
        return not (self.muted_by_operator or self.muted_by_site)


@dataclass(frozen=True, slots=True)
class Speech:
    """Who was given the floor, since when; the rest is what undoing it brings back."""

    site: SiteCode
    since: float
    program_before: Scene
    muted_before: bool
    queue_before: tuple[SiteCode, ...]
    hand_before: float | None
    next_before: SiteCode | None
    last_remote_before: SiteCode | None
    speech_before: Speech | None


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be recorded: the program, and each of `sites` as it is heard. `number` counts the
    starts of the conference from 1. `state` and `problem` are what the media worker made of it."""

    number: int
    since: float
    sites: tuple[SiteCode, ...] = ()
    state: RecordingState = "starting"
    problem: RecordingProblem | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """One conference.

    `floor` holds the open microphones by time of opening. Which of them are carried when there are
    more than positions is the bridge's to decide, which hears them.
    `last_remote` is the remote site that was last on air: what the central site sees.
    `queue` holds the sites with a raised hand, in the order in which they are called; `next` was
    told that it comes next. `at` is the time of the newest event. `codec` is what all pictures are
    published and received in.
    """

    conference: ConferenceId
    title: str
    title_en: str
    organizer: str
    starts_at: float
    central: SiteCode
    seats: Mapping[SiteCode, Seat]
    program: Scene
    at: float
    phase: Phase = "scheduled"
    started_at: float | None = None
    ended_at: float | None = None
    preview: Scene | None = None
    last_remote: SiteCode | None = None
    floor: tuple[SiteCode, ...] = ()
    queue: tuple[SiteCode, ...] = ()
    next: SiteCode | None = None
    speech: Speech | None = None
    codec: ProgramCodec = "VP8"
    recording: Recording | None = None
    recordings: int = 0
    """How many were started so far."""

    @property
    def carries_media(self) -> bool:
        """Sites receive: it is live, or its trial run is on."""
        return self.phase in ("live", "rehearsal")
