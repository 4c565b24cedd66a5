"""Identifiers as types, so that a mix-up does not type-check.

The words are those of docs/architecture.md: a *seat* is (conference, site), an *endpoint* is
one device on a seat, a *session* is one WHIP or WHEP resource on a node, a *port* is what the
bridge calls an endpoint, a *scope* is what it calls a conference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NewType

ConferenceId = NewType("ConferenceId", str)
SiteCode = NewType("SiteCode", str)
DeviceId = NewType("DeviceId", str)
PageId = NewType("PageId", str)
AccountName = NewType("AccountName", str)
CommandId = NewType("CommandId", str)

NodeId = NewType("NodeId", str)
BootId = NewType("BootId", str)
WorkerId = NewType("WorkerId", str)
SessionId = NewType("SessionId", str)
Scope = NewType("Scope", str)
Port = NewType("Port", str)
SlotName = NewType("SlotName", str)

CENTRAL = SiteCode("00")
"""The central site's seat, unless a template names a roster row."""

Role = Literal["administrator", "operator", "technician", "secretary", "viewer", "site", "system"]
Track = Literal["mic", "camera", "slides"]
Media = Literal["audio", "video"]
ProgramCodec = Literal["VP8", "H264"]
"""The one codec of a conference's pictures."""
Direction = Literal["publish", "receive"]
SlotKind = Literal["stage", "floor", "preview", "cue", "thumb", "mix"]

SLOT_MEDIA: dict[str, Media] = {
    "stage": "video",
    "preview": "video",
    "thumb": "video",
    "floor": "audio",
    "cue": "audio",
    "mix": "audio",
}

MAX_SLOTS = 160
"""Receive sections that one session may ask for."""

FLOOR_POSITIONS = 4
"""Microphones that are carried at once; each has a slot of its own at every receiver."""

_SLOTS = re.compile(r"[a-z]+:[0-9]{1,3}")


MIX_TRACK: Track = "mic"
"""The track that a port which publishes a mix publishes it as."""


_MIX = "mix/"


def mix_port(listener: str) -> Port:
    """What publishes the sound of the floor as one stream: for ``program`` all of it, for a site's
    code without that site."""
    return Port(f"{_MIX}{listener}")


def is_mix(port: Port) -> bool:
    """Whether the port is one of `mix_port`."""
    return port.startswith(_MIX)


def heard_by(port: Port) -> Port:
    """Whose ears what the port hears is for: its own, and of a site's mix the site's device's.
    Nobody hears itself."""
    return Port(f"{port.removeprefix(_MIX)}/main") if is_mix(port) else port


def slot_name(kind: SlotKind, index: int) -> SlotName:
    """``stage:1`` for the first stage picture; `index` counts from 1."""
    return SlotName(f"{kind}:{index}")


def slot_kind(slot: SlotName) -> SlotKind:
    """The kind in a slot's name, which must have come from `slot_name` or `parse_slots`."""
    kind = slot.partition(":")[0]
    assert kind in SLOT_MEDIA, slot
    return kind  # type: ignore[return-value]


def slot_media(slot: SlotName) -> Media:
    """What flows through the slot: floor, cue and mix carry sound, all others pictures."""
    return SLOT_MEDIA[slot_kind(slot)]


_FLOOR = "@floor/"


def floor_port(position: int) -> Port:
    """The virtual port of a floor position, from 1: a route from it carries whoever holds it."""
    return Port(f"{_FLOOR}{position}")


def floor_position(port: Port) -> int | None:
    """The position that a virtual port means, None for a port of an endpoint; 0: there is none."""
    if not port.startswith(_FLOOR):
        return None
    position = port.removeprefix(_FLOOR)
    known = position.isascii() and position.isdigit() and len(position) == 1
    return int(position) if known and int(position) <= FLOOR_POSITIONS else 0


def parse_slots(text: str) -> list[SlotName]:
    """Read ``stage:4,floor:4,thumb:8``: how many slots of each kind, in that order.

    Returns the names ``stage:1 … stage:4, floor:1 …``.

    Raises:
        ValueError: an unknown or repeated kind, a count outside 1–160, or over 160 in all; the
            message names the bad part and what is allowed.
    """
    slots = list(_parse_counts(text))
    if len(slots) > MAX_SLOTS:
        raise ValueError(f"{len(slots)} slots asked for, at most {MAX_SLOTS} are allowed")
    return slots


def _parse_counts(text: str) -> Iterator[SlotName]:
    seen: set[str] = set()
    for part in text.split(","):
        kind, _, count = part.partition(":")
        if not _SLOTS.fullmatch(part) or kind not in SLOT_MEDIA:
            allowed = ", ".join(SLOT_MEDIA)
            raise ValueError(f"slots {part[:40]!r}: write kind:count with a kind of {allowed}")
        if kind in seen:
            raise ValueError(f"slots: {kind} stands there twice")
        if not 1 <= int(count) <= MAX_SLOTS:
            raise ValueError(f"slots {part!r}: the count must be 1 to {MAX_SLOTS}")
        seen.add(kind)
        for index in range(1, int(count) + 1):
            yield SlotName(f"{kind}:{index}")
