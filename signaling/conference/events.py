"""What has happened. Events are stored for ever, so they are never changed, only added to.

Each tag ends in its version. A field may be added with a default; any other change is a new version
beside the old one, which `decode` then turns into the new. `at` is Unix seconds and never less than
that of the event before; `by` names the actor.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from signaling.conference.state import SiteInfo
from signaling.wire.commands import Scene
from signaling.wire.ids import ConferenceId, DeviceId, ProgramCodec, SiteCode
from signaling.wire.recordings import RecordingProblem, RecordingState

MuteHolder = Literal["operator", "site"]


class Created(msgspec.Struct, frozen=True, tag="created.1"):
    """The conference exists; `sites` in protocol order, the central one among them."""

    at: float
    by: str
    conference: ConferenceId
    title: str
    title_en: str
    organizer: str
    starts_at: float
    central: SiteCode
    sites: tuple[SiteInfo, ...]
    draft: bool = False
    codec: ProgramCodec = "VP8"


class Scheduled(msgspec.Struct, frozen=True, tag="scheduled.1"):
    """The draft is ready for its sites."""

    at: float
    by: str


class RehearsalStarted(msgspec.Struct, frozen=True, tag="rehearsal_started.1"):
    """The trial run is on."""

    at: float
    by: str


class RehearsalEnded(msgspec.Struct, frozen=True, tag="rehearsal_ended.1"):
    """The trial run is over, and what it left behind with it."""

    at: float
    by: str


class Started(msgspec.Struct, frozen=True, tag="started.1"):
    """It is live."""

    at: float
    by: str


class Ended(msgspec.Struct, frozen=True, tag="ended.1"):
    """It is over."""

    at: float
    by: str


class RecessBegun(msgspec.Struct, frozen=True, tag="recess_begun.1"):
    """A break; who spoke has ended."""

    at: float
    by: str


class Resumed(msgspec.Struct, frozen=True, tag="resumed.1"):
    """The break is over."""

    at: float
    by: str


class Reopened(msgspec.Struct, frozen=True, tag="reopened.1"):
    """The end was taken back."""

    at: float
    by: str


class DeviceJoined(msgspec.Struct, frozen=True, tag="device_joined.1"):
    """A device has the seat. One that did not have it before starts with its microphone shut: by
    its own flag, or by the operator's if it is a `plain` encoder, which could not lift its own."""

    at: float
    by: str
    site: SiteCode
    device: DeviceId
    plain: bool = False


class DeviceLost(msgspec.Struct, frozen=True, tag="device_lost.1"):
    """The seat's device fell silent; the seat and its flags wait for it, or for another."""

    at: float
    by: str
    site: SiteCode


class DeviceLeft(msgspec.Struct, frozen=True, tag="device_left.1"):
    """The seat's device gave it up."""

    at: float
    by: str
    site: SiteCode


class StandbyArmed(msgspec.Struct, frozen=True, tag="standby_armed.1"):
    """A further device waits beside the one that holds the seat."""

    at: float
    by: str
    site: SiteCode
    device: DeviceId


class StandbyGone(msgspec.Struct, frozen=True, tag="standby_gone.1"):
    """It waits no longer."""

    at: float
    by: str
    site: SiteCode


class MicrophoneHeard(msgspec.Struct, frozen=True, tag="microphone_heard.1"):
    """Voice came from this device for the first time since it took the seat: its microphone works.
    Later words are nobody's business but the floor's."""

    at: float
    by: str
    site: SiteCode
    device: DeviceId


class PreviewSet(msgspec.Struct, frozen=True, tag="preview_set.1"):
    """An operator prepares this picture, or none."""

    at: float
    by: str
    scene: Scene | None


class Taken(msgspec.Struct, frozen=True, tag="taken.1"):
    """This picture is on air."""

    at: float
    by: str
    scene: Scene


class Muted(msgspec.Struct, frozen=True, tag="muted.1"):
    """A flag that keeps the site's microphone shut was set."""

    at: float
    by: str
    site: SiteCode
    holder: MuteHolder


class Unmuted(msgspec.Struct, frozen=True, tag="unmuted.1"):
    """That flag was lifted; the microphone is open once no flag is left."""

    at: float
    by: str
    site: SiteCode
    holder: MuteHolder


class HandRaised(msgspec.Struct, frozen=True, tag="hand_raised.1"):
    """The site asks to speak."""

    at: float
    by: str
    site: SiteCode


class HandLowered(msgspec.Struct, frozen=True, tag="hand_lowered.1"):
    """The site left the queue."""

    at: float
    by: str
    site: SiteCode


class HandsOrdered(msgspec.Struct, frozen=True, tag="hands_ordered.1"):
    """The queue has this order; sites that are not named have left it."""

    at: float
    by: str
    sites: tuple[SiteCode, ...]


class NextMarked(msgspec.Struct, frozen=True, tag="next_marked.1"):
    """This site was told that it comes next; None: nobody is."""

    at: float
    by: str
    site: SiteCode | None


class FloorGiven(msgspec.Struct, frozen=True, tag="floor_given.1"):
    """The site speaks: on air, unmuted by the operator, out of the queue."""

    at: float
    by: str
    site: SiteCode


class FloorTakenBack(msgspec.Struct, frozen=True, tag="floor_taken_back.1"):
    """The last `FloorGiven` is undone."""

    at: float
    by: str


class FloorEnded(msgspec.Struct, frozen=True, tag="floor_ended.1"):
    """The speaker has finished."""

    at: float
    by: str


class SlidesShared(msgspec.Struct, frozen=True, tag="slides_shared.1"):
    """The site offers a second picture."""

    at: float
    by: str
    site: SiteCode


class SlidesStopped(msgspec.Struct, frozen=True, tag="slides_stopped.1"):
    """It does no longer; no scene has it any more."""

    at: float
    by: str
    site: SiteCode


class HelpAsked(msgspec.Struct, frozen=True, tag="help_asked.1"):
    """The site calls a technician."""

    at: float
    by: str
    site: SiteCode


class HelpCleared(msgspec.Struct, frozen=True, tag="help_cleared.1"):
    """The call is answered."""

    at: float
    by: str
    site: SiteCode


class RecordingStarted(msgspec.Struct, frozen=True, tag="recording_started.1"):
    """The program is recorded from now on, and each of `sites`; the conference's `number`-th."""

    at: float
    by: str
    number: int
    sites: tuple[SiteCode, ...] = ()


class RecordedSitesChosen(msgspec.Struct, frozen=True, tag="recorded_sites_chosen.1"):
    """The recording goes on, with these sites beside the program."""

    at: float
    by: str
    sites: tuple[SiteCode, ...]


class RecordingNoted(msgspec.Struct, frozen=True, tag="recording_noted.1"):
    """Whether it is really being stored, and what is in the way."""

    at: float
    by: str
    state: RecordingState
    problem: RecordingProblem | None = None


class RecordingStopped(msgspec.Struct, frozen=True, tag="recording_stopped.1"):
    """Nothing is recorded any more."""

    at: float
    by: str


class RecordingDeleted(msgspec.Struct, frozen=True, tag="recording_deleted.1"):
    """The files of a recording were deleted."""

    at: float
    by: str
    recording: str


Event = (
    Created
    | Scheduled
    | RehearsalStarted
    | RehearsalEnded
    | Started
    | RecessBegun
    | Resumed
    | Ended
    | Reopened
    | DeviceJoined
    | DeviceLost
    | DeviceLeft
    | StandbyArmed
    | StandbyGone
    | MicrophoneHeard
    | PreviewSet
    | Taken
    | Muted
    | Unmuted
    | HandRaised
    | HandLowered
    | HandsOrdered
    | NextMarked
    | FloorGiven
    | FloorTakenBack
    | FloorEnded
    | SlidesShared
    | SlidesStopped
    | HelpAsked
    | HelpCleared
    | RecordingStarted
    | RecordedSitesChosen
    | RecordingNoted
    | RecordingStopped
    | RecordingDeleted
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The bytes that the journal stores and its hash chain binds."""
    return _encoder.encode(event)


def decode(body: bytes) -> Event:
    """The event in stored bytes. Raises msgspec.DecodeError: the journal was not written by us."""
    return _decoder.decode(body)
