"""What has happened. Events are stored for ever, so they are never changed, only added to.

Each tag ends in its version. A field may be added with a default; any other change is a new version
beside the old one, which `decode` then turns into the new. `at` is Unix seconds and never less than
that of the event before; `by` names the actor.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from signaling.conference.state import SiteInfo
from signaling.wire.ids import ConferenceId, DeviceId, SiteCode
from signaling.wire.pages import Scene

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


class Started(msgspec.Struct, frozen=True, tag="started.1"):
    """It is live."""

    at: float
    by: str


class Ended(msgspec.Struct, frozen=True, tag="ended.1"):
    """It is over."""

    at: float
    by: str


class DeviceJoined(msgspec.Struct, frozen=True, tag="device_joined.1"):
    """A device has the seat. One that did not have it before starts with its microphone shut."""

    at: float
    by: str
    site: SiteCode
    device: DeviceId


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


Event = (
    Created
    | Started
    | Ended
    | DeviceJoined
    | DeviceLost
    | DeviceLeft
    | PreviewSet
    | Taken
    | Muted
    | Unmuted
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The bytes that the journal stores and its hash chain binds."""
    return _encoder.encode(event)


def decode(body: bytes) -> Event:
    """The event in stored bytes. Raises msgspec.DecodeError: the journal was not written by us."""
    return _decoder.decode(body)
