"""SDP of a subscription: a WHEP offer that takes every codec with its repair, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.fingerprint import Fingerprint
from bridge.ice import Credentials
from bridge.offers import AnswerError
from signaling.wire.ids import SlotName, slot_media

CodecName = Literal["opus", "VP8", "H264"]
CLOCK_HZ: dict[CodecName, int] = {"opus": 48_000, "VP8": 90_000, "H264": 90_000}

_AUDIO = ("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1")
_LEVELS = "a=rtcp-fb:111 app level"
_H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
_VIDEO = (
    *(
        line
        for payload_type, name in ((96, "VP8"), (98, "H264"))
        for line in (
            f"a=rtpmap:{payload_type} {name}/90000",
            f"a=rtcp-fb:{payload_type} nack",
            f"a=rtcp-fb:{payload_type} nack pli",
            f"a=rtcp-fb:{payload_type} ccm fir",
            f"a=rtcp-fb:{payload_type} goog-remb",
            f"a=rtpmap:{payload_type + 1} rtx/90000",
            f"a=fmtp:{payload_type + 1} apt={payload_type}",
        )
    ),
    f"a=fmtp:98 {_H264}",
)


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
    mids = " ".join(str(mid) for mid in range(len(slots)))
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
    for mid, slot in enumerate(slots):
        media = slot_media(slot)
        sound = (*_AUDIO, _LEVELS) if levels else _AUDIO
        types, codec = ("111", sound) if media == "audio" else ("96 97 98 99", _VIDEO)
        lines += [
            f"m={media} 9 UDP/TLS/RTP/SAVPF {types}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{credentials.ufrag}",
            f"a=ice-pwd:{credentials.password}",
            f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            "a=recvonly",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *codec,
        ]
    return "\r\n".join(lines) + "\r\n"


def read_streams(answer: str, slots: Sequence[SlotName]) -> list[Stream]:
    """What flows in each slot.

    Raises:
        AnswerError: a slot was not accepted, or in no codec that we offered.
    """
    sections = answer.replace("\r\n", "\n").split("\nm=")[1:]
    if len(sections) < len(slots):
        raise AnswerError(f"{len(slots)} sections were offered, {len(sections)} answered")
    return [_read(slot, text.split("\n")) for slot, text in zip(slots, sections, strict=False)]


def _read(slot: SlotName, lines: Sequence[str]) -> Stream:
    types = lines[0].split()[3:]
    names = {
        number: rest.partition("/")[0]
        for number, _, rest in (one.partition(" ") for one in _values(lines, "rtpmap"))
    }
    ssrcs = list(dict.fromkeys(one.partition(" ")[0] for one in _values(lines, "ssrc")))
    codec = names.get(types[0]) if types else None
    if codec not in CLOCK_HZ or not ssrcs or not all(map(str.isdigit, ssrcs)):
        raise AnswerError(f"the answer gives {slot} no stream: {lines[0][:60]!r}")
    repair = [number for number in types if names.get(number) == "rtx"]
    rtx = (int(repair[0]), int(ssrcs[1])) if repair and len(ssrcs) > 1 else None
    found = next(name for name in CLOCK_HZ if name == codec)
    return Stream(slot, found, int(types[0]), int(ssrcs[0]), rtx)


def _values(lines: Sequence[str], name: str) -> list[str]:
    prefix = f"a={name}:"
    return [line.removeprefix(prefix).strip() for line in lines if line.startswith(prefix)]
