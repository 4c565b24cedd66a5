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

_SLOTS = re.compile(r"[a-z]+:[0-9]{1,3}")


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
