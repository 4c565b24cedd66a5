"""What can be asked of a conference, and by whom.

Pages send the commands of `signaling.wire.commands`; the ones here come from the service itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from signaling.conference.state import SiteInfo
from signaling.wire.commands import PageCommand
from signaling.wire.ids import ConferenceId, DeviceId, ProgramCodec, Role, SiteCode
from signaling.wire.recordings import RecordingId, RecordingProblem, RecordingState


class Create(msgspec.Struct, frozen=True, tag="create"):
    """Found a conference; roster and template are copied into its first event."""

    conference: ConferenceId
    title: str
    title_en: str
    organizer: str
    starts_at: float
    central: SiteCode
    sites: tuple[SiteInfo, ...]
    draft: bool = False
    codec: ProgramCodec = "VP8"


class Join(msgspec.Struct, frozen=True, tag="join"):
    """A device claims the site's seat, or its place as standby: its page has connected, or it is a
    `plain` encoder, which has none."""

    site: SiteCode
    device: DeviceId
    standby: bool = False
    plain: bool = False


class Lose(msgspec.Struct, frozen=True, tag="lose"):
    """The seat's device has been silent for ten seconds, socket and media both."""

    site: SiteCode


class LoseStandby(msgspec.Struct, frozen=True, tag="lose_standby"):
    """The page of the seat's standby device is gone."""

    site: SiteCode
    device: DeviceId


class Hear(msgspec.Struct, frozen=True, tag="hear"):
    """Voice came from the microphone of the seat's device, as its packets state it."""

    site: SiteCode
    device: DeviceId


class NoteRecording(msgspec.Struct, frozen=True, tag="note_recording"):
    """What the media worker makes of the recording of this number has changed."""

    number: int
    state: RecordingState
    problem: RecordingProblem | None = None


class DeleteRecording(msgspec.Struct, frozen=True, tag="delete_recording"):
    """The files of a recording that has ended are to go."""

    recording: RecordingId


Command = Create | Join | Lose | LoseStandby | Hear | NoteRecording | DeleteRecording | PageCommand


@dataclass(frozen=True, slots=True)
class Actor:
    """Who commands. `name` goes into the journal; `site` and `device` are a site page's own."""

    role: Role
    name: str
    site: SiteCode | None = None
    device: DeviceId | None = None


SYSTEM = Actor("system", "system")
