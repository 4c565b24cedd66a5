"""SDP of a subscription: a WHEP offer that takes every codec with its repair, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.fingerprint import Fingerprint
from bridge.ice import Credentials
from bridge.offers import (
    H264,
    OPUS,
    PICTURES,
    SOUND,
    VP8,
    AnswerError,
    is_number,
    offer_of,
    picture_lines,
    section_lines,
    sections_of,
    ssrcs_of,
    values_of,
)
from signaling.wire.ids import SlotName, slot_media

CodecName = Literal["opus", "VP8", "H264"]
CLOCK_HZ: dict[CodecName, int] = {"opus": 48_000, "VP8": 90_000, "H264": 90_000}

_RTX_OF: dict[int, int] = {VP8: 97, H264: 109}
"""Payload types of what is sent again (RFC 4588), by that of the picture."""

_LEVELS = f"a=rtcp-fb:{OPUS} app level"
_VIDEO_TYPES = [payload_type for pair in _RTX_OF.items() for payload_type in pair]
_VIDEO = [
    line
    for name, payload_type in PICTURES.items()
    for line in (
        *picture_lines(name),
        f"a=rtcp-fb:{payload_type} goog-remb",
        f"a=rtpmap:{_RTX_OF[payload_type]} rtx/90000",
        f"a=fmtp:{_RTX_OF[payload_type]} apt={payload_type}",
    )
]


@dataclass(frozen=True)
class Stream:
    """One slot as the answer gives it; `rtx` is payload type and SSRC of what is sent again."""

    slot: SlotName
    codec: CodecName
    payload_type: int
    ssrc: int
    rtx: tuple[int, int] | None


def offer(
    credentials: Credentials,
    fingerprint: Fingerprint,
    slots: Sequence[SlotName],
    *,
    levels: bool = False,
) -> str:
    """A WHEP offer with one receive section per slot, in slot order. `levels` asks to be told how
    loud each sound is (`rtcp.Levels`)."""
    sound = [*SOUND, *([_LEVELS] if levels else [])]
    sections = []
    for mid, slot in enumerate(slots):
        media = slot_media(slot)
        types, codecs = ([OPUS], sound) if media == "audio" else (_VIDEO_TYPES, _VIDEO)
        sections.append(
            section_lines(media, mid, "recvonly", types, credentials, fingerprint, codecs)
        )
    return offer_of(sections)


def read_streams(answer: str, slots: Sequence[SlotName]) -> list[Stream]:
    """What flows in each slot.

    Raises:
        AnswerError: a slot was not accepted, or in no codec that we offered.
    """
    _, *sections = sections_of(answer)
    if len(sections) < len(slots):
        raise AnswerError(f"{len(slots)} sections were offered, {len(sections)} answered")
    return [_read(slot, lines) for slot, lines in zip(slots, sections, strict=False)]


def _read(slot: SlotName, lines: Sequence[str]) -> Stream:
    types = [one for one in lines[0].split()[3:] if is_number(one, 128)]
    names = {
        number: rest.partition("/")[0]
        for number, _, rest in (one.partition(" ") for one in values_of(lines, "rtpmap"))
    }
    ssrcs = ssrcs_of(lines)
    codec = next((name for name in CLOCK_HZ if types and names.get(types[0]) == name), None)
    if codec is None or not ssrcs:
        raise AnswerError(f"the answer gives {slot} no stream: {lines[0][:60]!r}")
    repair = [number for number in types if names.get(number) == "rtx"]
    rtx = (int(repair[0]), ssrcs[1]) if repair and len(ssrcs) > 1 else None
    return Stream(slot, codec, int(types[0]), ssrcs[0], rtx)
