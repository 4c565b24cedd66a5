"""SDP answers of the bridge: what it takes of an offer, and how it says so (RFC 9725, RFC 9429).

A session never renegotiates, so an answer states all that will ever flow: one payload type for each
section, and for receivers one SSRC for each slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.codecs import OPUS, VP8, Codec
from bridge.fingerprint import Fingerprint
from bridge.ice import Credentials
from bridge.sdp import LEVEL_URI, MID_URI, TWCC_URI, Offer, Section
from signaling.wire.errors import WireError
from signaling.wire.ids import Media, SlotName, Track, slot_media

CODECS: dict[Media, Codec] = {"audio": OPUS, "video": VP8}
"""What is forwarded."""

_PUBLISH_FEEDBACK: dict[Media, tuple[str, ...]] = {
    "audio": ("transport-cc",),
    "video": ("transport-cc", "goog-remb", "nack", "nack pli"),
}
_RECEIVE_FEEDBACK: dict[Media, tuple[str, ...]] = {
    "audio": (),
    "video": ("ccm fir", "nack", "nack pli"),
}
_PUBLISH_EXTENSIONS = (MID_URI, LEVEL_URI, TWCC_URI)
_FORMAT = {
    # the receiver's wishes (RFC 7587 §6.1): mono, silence not sent, errors corrected forward
    "opus": "minptime=10;useinbandfec=1;usedtx=1;stereo=0",
}


START_BITRATE_KBPS = 800
"""Chromium's first estimate; from its own 300 it would begin with a quarter of the picture."""


@dataclass(frozen=True)
class Local:
    """What this side's transport says of itself. `addresses` are announced as candidates."""

    session: int
    credentials: Credentials
    fingerprint: Fingerprint
    addresses: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class PublishedTrack:
    """A section that will send to us. Extension ids are None where not agreed; `nack`: it resends
    what we ask for, under the same SSRC, since RTX is not agreed."""

    mid: str
    track: Track
    codec: Codec
    payload_type: int
    ssrcs: tuple[int, ...]
    mid_extension: int | None
    twcc_extension: int | None
    nack: bool


@dataclass(frozen=True)
class ReceivedSlot:
    """A section that a slot feeds, under the SSRC that the answer states.

    `nack`: the receiver asks for lost packets. `rtx` is (payload type, SSRC) of retransmissions;
    None sends them again as they were.
    """

    mid: str
    slot: SlotName
    codec: Codec
    payload_type: int
    ssrc: int
    nack: bool
    rtx: tuple[int, int] | None


@dataclass(frozen=True)
class _Accepted:
    payload_types: str
    lines: tuple[str, ...]


def answer_publish(offer: Offer, local: Local) -> tuple[str, list[PublishedTrack]]:
    """Take the first audio as mic, the first video as camera, the second as slides.

    Further sections, and those that do not send, are answered inactive; those without a codec of
    ours are rejected.

    Raises:
        WireError: ``offer_without_media`` (nothing to be sent), ``offer_no_codec``.
    """
    free: dict[Media, list[Track]] = {"audio": ["mic"], "video": ["camera", "slides"]}
    accepted: dict[str, _Accepted] = {}
    tracks = []
    for section, media, payload_type in _candidates(offer, lambda one: one.sends):
        if not free[media]:
            continue
        track = free[media].pop(0)
        extensions = {
            uri: section.extensions[uri] for uri in _PUBLISH_EXTENSIONS if uri in section.extensions
        }
        lines = ["a=recvonly"]
        lines += [f"a=extmap:{number} {uri}" for uri, number in extensions.items()]
        lines += _codec_lines(section, media, payload_type, _PUBLISH_FEEDBACK[media])
        if media == "video":
            lines.append(f"a=fmtp:{payload_type} x-google-start-bitrate={START_BITRATE_KBPS}")
        accepted[section.mid] = _Accepted(str(payload_type), tuple(lines))
        tracks.append(
            PublishedTrack(
                section.mid,
                track,
                CODECS[media],
                payload_type,
                section.ssrcs,
                extensions.get(MID_URI),
                extensions.get(TWCC_URI) if _has_feedback(section, "transport-cc") else None,
                media == "video" and _has_feedback(section, "nack"),
            )
        )
    return _write(offer, local, accepted), tracks


def answer_receive(
    offer: Offer, local: Local, slots: Sequence[SlotName], ssrcs: Iterator[int]
) -> tuple[str, list[ReceivedSlot]]:
    """Match the slots to the receive sections, in offer order for each kind of media.

    Further sections are answered inactive. `ssrcs` yields a fresh SSRC for each slot.

    Raises:
        WireError: ``offer_without_media`` (nothing to be received), ``offer_no_codec``,
            ``slots_invalid`` (none, or more slots of a kind of media than sections).
    """
    wanted: dict[Media, list[SlotName]] = {"audio": [], "video": []}
    for slot in slots:
        wanted[slot_media(slot)].append(slot)
    accepted: dict[str, _Accepted] = {}
    found = []
    for section, media, payload_type in _candidates(offer, lambda one: one.receives):
        if not wanted[media]:
            continue
        slot = wanted[media].pop(0)
        one = _received(section, media, slot, payload_type, ssrcs)
        stream = "program" if list(slots) == ["stage:1", "floor:1"] else slot.replace(":", "-")
        accepted[section.mid] = _slot_section(section, media, one, stream, local)
        found.append(one)
    missing = wanted["audio"] + wanted["video"]
    if missing or not found:
        raise WireError(
            "slots_invalid",
            f"no receive section for {', '.join(missing[:8])}" if missing else "no slots asked for",
        )
    return _write(offer, local, accepted), found


def _received(
    section: Section, media: Media, slot: SlotName, payload_type: int, ssrcs: Iterator[int]
) -> ReceivedSlot:
    nack = media == "video" and _has_feedback(section, "nack")
    rtx = next((one.rtx for one in section.codecs if one.payload_type == payload_type), None)
    return ReceivedSlot(
        mid=section.mid,
        slot=slot,
        codec=CODECS[media],
        payload_type=payload_type,
        ssrc=next(ssrcs),
        nack=nack,
        rtx=(rtx, next(ssrcs)) if nack and rtx is not None else None,
    )


def _slot_section(
    section: Section, media: Media, slot: ReceivedSlot, stream: str, local: Local
) -> _Accepted:
    track = slot.slot.replace(":", "-")
    payload_types = str(slot.payload_type)
    lines = ["a=sendonly", f"a=msid:{stream} {track}"]
    lines += _codec_lines(section, media, slot.payload_type, _RECEIVE_FEEDBACK[media])
    ssrcs = [slot.ssrc]
    if slot.rtx is not None:
        repair, ssrc = slot.rtx
        payload_types += f" {repair}"
        ssrcs.append(ssrc)
        lines += [
            f"a=rtpmap:{repair} rtx/{slot.codec.clock_rate}",
            f"a=fmtp:{repair} apt={slot.payload_type}",
            f"a=ssrc-group:FID {slot.ssrc} {ssrc}",
        ]
    for ssrc in ssrcs:
        lines += [
            f"a=ssrc:{ssrc} cname:{local.credentials.ufrag}",
            f"a=ssrc:{ssrc} msid:{stream} {track}",
        ]
    return _Accepted(payload_types, tuple(lines))


def _candidates(
    offer: Offer, wanted: Callable[[Section], bool]
) -> Iterable[tuple[Section, Media, int]]:
    """Sections in the wanted direction that have our codec, with its payload type."""
    sections = [one for one in offer.sections if one.usable and wanted(one)]
    if not sections:
        raise WireError("offer_without_media", "no section has the direction of this door")
    found = []
    for section in sections:
        payload_type = _payload_type(section)
        if section.media is not None and payload_type is not None:
            found.append((section, section.media, payload_type))
    if not found:
        names = sorted({codec.name for one in sections for codec in one.codecs})
        raise WireError("offer_no_codec", f"offered {', '.join(names)[:200]}; taken: opus, VP8")
    return found


def _payload_type(section: Section) -> int | None:
    if section.media is None:
        return None
    ours = CODECS[section.media]
    for codec in section.codecs:
        if codec.name == ours.name.lower() and codec.clock_rate == ours.clock_rate:
            return codec.payload_type
    return None


def _has_feedback(section: Section, kind: str) -> bool:
    payload_type = _payload_type(section)
    return any(one.payload_type == payload_type and kind in one.feedback for one in section.codecs)


def _codec_lines(
    section: Section, media: Media, payload_type: int, feedback: Iterable[str]
) -> Iterator[str]:
    codec = CODECS[media]
    channels = "/2" if codec is OPUS else ""
    yield f"a=rtpmap:{payload_type} {codec.name}/{codec.clock_rate}{channels}"
    if codec.name in _FORMAT:
        yield f"a=fmtp:{payload_type} {_FORMAT[codec.name]}"
    for kind in feedback:
        if _has_feedback(section, kind):
            yield f"a=rtcp-fb:{payload_type} {kind}"


def _write(offer: Offer, local: Local, accepted: dict[str, _Accepted]) -> str:
    """The whole answer: every section of the offer in its order (RFC 3264 §6)."""
    kept = [one.mid for one in offer.sections if _is_kept(one, accepted)]
    lines = [
        "v=0",
        f"o=- {local.session} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(kept)}",
        "a=ice-lite",
        "a=msid-semantic:WMS *",
    ]
    for section in offer.sections:
        if section.mid not in kept:
            lines += [f"m={section.line}", "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=inactive"]
            continue
        media, _, rest = section.line.partition(" 0 ")
        profile = rest.partition(" ")[0]
        taken = accepted.get(section.mid) or _inactive(section)
        lines += [f"m={media} 9 {profile} {taken.payload_types}", "c=IN IP4 0.0.0.0"]
        lines += [f"a=mid:{section.mid}", *taken.lines, "a=rtcp-mux"]
        if section.reduced_size:
            lines.append("a=rtcp-rsize")
        lines += _transport(offer, local)
    return "\r\n".join(lines) + "\r\n"


def _is_kept(section: Section, accepted: dict[str, _Accepted]) -> bool:
    """Also idle sections stay in the bundle, unless there is no codec to name for them."""
    return section.mid in accepted or (section.usable and _payload_type(section) is not None)


def _inactive(section: Section) -> _Accepted:
    payload_type = _payload_type(section)
    assert section.media is not None
    assert payload_type is not None
    lines = _codec_lines(section, section.media, payload_type, ())
    return _Accepted(str(payload_type), ("a=inactive", *lines))


def _transport(offer: Offer, local: Local) -> Iterator[str]:
    """Said in each section: some peers read the candidates of a bundle's last one alone."""
    yield f"a=ice-ufrag:{local.credentials.ufrag}"
    yield f"a=ice-pwd:{local.credentials.password}"
    yield f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}"
    # passive whenever the offer allows it: then we are the DTLS server (RFC 5763 §5)
    yield f"a=setup:{'active' if offer.setup == 'passive' else 'passive'}"
    for index, (host, port) in enumerate(local.addresses):
        priority = 126 << 24 | (65535 - index) << 8 | 255
        yield f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host"
    yield "a=end-of-candidates"
