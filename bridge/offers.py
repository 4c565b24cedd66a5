"""SDP of a packet-level endpoint: offers for both doors (RFC 8829, RFC 9725), answers read back.

`receiveoffer` makes other offers of the same parts.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.fingerprint import Fingerprint, is_fingerprint
from bridge.ice import Credentials
from bridge.sdp import LEVEL_URI, MID_URI, RID_URI
from signaling.wire.ids import Media, ProgramCodec

OPUS, VP8, H264 = 111, 96, 108
"""Payload types in our offers."""

LEVEL = 1
"""The id of the header extension by which sound packets state their level (RFC 6464)."""

MID, RID = 2, 3
"""The ids of those by which packets of a layer state whose they are (RFC 9143, RFC 8852)."""

MAX_CANDIDATES = 16
"""Of an answer, that are looked at."""

_VIDEO_MID = 1
_DIGITS = re.compile(r"[0-9]{1,10}")

PICTURES: dict[ProgramCodec, int] = {"VP8": VP8, "H264": H264}
"""Payload type of each codec of pictures."""

SOUND = [
    f"a=extmap:{LEVEL} {LEVEL_URI}",
    f"a=rtpmap:{OPUS} opus/48000/2",
    f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
]
"""Of a section whose payload type is `OPUS`."""
_H264_FORMAT = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
"""Constrained Baseline, level 3.1 (RFC 6184 §8.1)."""


class AnswerError(ValueError):
    """An SDP answer that this endpoint cannot use; the text says what is wrong."""


@dataclass(frozen=True)
class Section:
    """One m-section of an answer, in offer order. `ssrcs` are the answerer's, primary first."""

    media: str
    accepted: bool
    ssrcs: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What is needed to reach the peer: ICE credentials, certificate, addresses, sections.
    `addresses` are its UDP candidates in its order, at least one and no more than
    `MAX_CANDIDATES`."""

    credentials: Credentials
    fingerprint: Fingerprint
    addresses: tuple[tuple[str, int], ...]
    passive: bool
    sections: tuple[Section, ...]

    @property
    def address(self) -> tuple[str, int]:
        """The first."""
        return self.addresses[0]


def publish_offer(
    credentials: Credentials,
    fingerprint: Fingerprint,
    ssrcs: Sequence[tuple[Media, int]],
    layers: Sequence[str] = (),
    codec: ProgramCodec = "VP8",
) -> str:
    """A WHIP offer: one send section per (media, SSRC).

    With `layers`, lowest first, the second section, the picture, is sent in these (RFC 8853); the
    packets say which they are by `layer_extension`, so its SSRC is not said.
    """
    sections = [
        [
            *_section(media, mid, "sendonly", credentials, fingerprint, codec),
            f"a=msid:site site-{mid}",
            *(_layers(layers) if layers and mid == _VIDEO_MID else [f"a=ssrc:{ssrc} cname:site"]),
        ]
        for mid, (media, ssrc) in enumerate(ssrcs)
    ]
    return offer_of(sections)


def layer_extension(name: str) -> bytes:
    """The header extension (RFC 8285) of a packet of this layer."""
    mid, rid = str(_VIDEO_MID).encode(), name.encode()
    data = bytes((MID << 4 | len(mid) - 1,)) + mid + bytes((RID << 4 | len(rid) - 1,)) + rid
    data += bytes(-len(data) % 4)
    return struct.pack("!HH", 0xBEDE, len(data) // 4) + data


def _layers(names: Sequence[str]) -> list[str]:
    return [
        f"a=extmap:{MID} {MID_URI}",
        f"a=extmap:{RID} {RID_URI}",
        *(f"a=rid:{name} send" for name in names),
        f"a=simulcast:send {';'.join(names)}",
    ]


def receive_offer(
    credentials: Credentials,
    fingerprint: Fingerprint,
    medias: Sequence[Media],
    codec: ProgramCodec = "VP8",
) -> str:
    """A WHEP offer: one receive section per slot, in slot order."""
    return offer_of(
        [
            _section(media, mid, "recvonly", credentials, fingerprint, codec)
            for mid, media in enumerate(medias)
        ]
    )


def read_answer(text: str) -> Answer:
    """Read the answer of an ICE-lite peer: one transport, its candidates in the answer.

    Raises:
        AnswerError: no credentials, fingerprint, UDP candidate or section, or not SDP at all.
    """
    session, *bodies = sections_of(text)
    attributes = session + [line for body in bodies for line in body]
    ufrag, password = _value(attributes, "ice-ufrag"), _value(attributes, "ice-pwd")
    return Answer(
        Credentials(ufrag, password),
        _fingerprint(_value(attributes, "fingerprint")),
        _udp_addresses(attributes),
        _value(attributes, "setup") == "passive",
        tuple(_read_section(body) for body in bodies),
    )


def offer_of(sections: Sequence[Sequence[str]]) -> str:
    """An offer of these sections, whose mids are 0, 1, 2 …, over one transport."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(sections))),
        "a=msid-semantic: WMS *",
        *(line for section in sections for line in section),
    ]
    return "\r\n".join(lines) + "\r\n"


def picture_lines(codec: ProgramCodec) -> list[str]:
    """What a section says of one codec of pictures."""
    payload_type = PICTURES[codec]
    return [
        f"a=rtpmap:{payload_type} {codec}/90000",
        *([f"a=fmtp:{payload_type} {_H264_FORMAT}"] if codec == "H264" else []),
        f"a=rtcp-fb:{payload_type} nack",
        f"a=rtcp-fb:{payload_type} nack pli",
        f"a=rtcp-fb:{payload_type} ccm fir",
    ]


def _section(
    media: Media,
    mid: int,
    direction: str,
    credentials: Credentials,
    fingerprint: Fingerprint,
    codec: ProgramCodec,
) -> list[str]:
    payload_type = OPUS if media == "audio" else PICTURES[codec]
    codec_lines = SOUND if media == "audio" else picture_lines(codec)
    return section_lines(
        *(media, mid, direction, [payload_type], credentials, fingerprint), codec_lines
    )


def section_lines(
    media: Media,
    mid: int,
    direction: str,
    payload_types: Sequence[int],
    credentials: Credentials,
    fingerprint: Fingerprint,
    codec_lines: Sequence[str],
) -> list[str]:
    """One section of an offer: our side of the transport, and what the payload types are."""
    return [
        f"m={media} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, payload_types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
        "a=setup:actpass",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *codec_lines,
    ]


def sections_of(answer: str) -> list[list[str]]:
    """The session's lines, then those of each section. Raises AnswerError if there is none."""
    parts: list[list[str]] = [[]]
    for line in answer.splitlines():
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    if len(parts) < 2:
        raise AnswerError("the answer has no media section")
    return parts


def values_of(lines: Sequence[str], name: str) -> list[str]:
    """Of every ``a=name:value`` among the lines."""
    prefix = f"a={name}:"
    return [line.removeprefix(prefix).strip() for line in lines if line.startswith(prefix)]


def _value(lines: Sequence[str], name: str) -> str:
    values = values_of(lines, name)
    if not values:
        raise AnswerError(f"the answer has no a={name}")
    return values[0]


def _fingerprint(value: str) -> Fingerprint:
    algorithm, _, digest = value.partition(" ")
    if not is_fingerprint(algorithm, digest):
        raise AnswerError(f"the answer's fingerprint is unusable: {value[:60]!r}")
    return Fingerprint(algorithm, digest)


def _udp_addresses(lines: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Of the UDP candidates (RFC 8839 §5.1), each once: a bundle's sections repeat them."""
    found: dict[tuple[str, int], None] = {}
    for value in values_of(lines, "candidate"):
        parts = value.split()
        if len(parts) < 6 or parts[2].lower() != "udp":
            continue
        port = parts[5]
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
            raise AnswerError(f"the answer's candidate has no port: {value[:80]!r}")
        found[parts[4], int(port[:6])] = None
    if not found:
        raise AnswerError("the answer has no UDP candidate")
    return tuple(found)[:MAX_CANDIDATES]


def _read_section(lines: Sequence[str]) -> Section:
    parts = lines[0].removeprefix("m=").split()
    if len(parts) < 4:
        raise AnswerError(f"the answer has an unreadable section: {lines[0][:80]!r}")
    accepted = parts[1] != "0" and "a=inactive" not in lines
    return Section(parts[0], accepted, ssrcs_of(lines))


def ssrcs_of(lines: Sequence[str]) -> tuple[int, ...]:
    """A section's SSRCs, each once, primary first."""
    numbers = (value.partition(" ")[0] for value in values_of(lines, "ssrc"))
    return tuple(dict.fromkeys(int(one) for one in numbers if is_number(one, 1 << 32)))


def is_number(text: str, limit: int) -> bool:
    """Whether it is one below `limit`, in no more digits than that may need."""
    return _DIGITS.fullmatch(text) is not None and int(text) < limit
