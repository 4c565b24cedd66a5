"""SDP answers of the bridge: what it takes of an offer, and how it says so (RFC 9725, RFC 9429).

A session never renegotiates, so an answer states all that will ever flow: one payload type for each
section, and for receivers one SSRC for each slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bridge import sdp
from bridge.agreed import PublishedTrack, ReceivedSlot
from bridge.codecchoice import CodecChoice, offered_sets
from bridge.codecs import H264, VP8, Codec
from bridge.fingerprint import Fingerprint
from bridge.ice import Candidate, Credentials
from bridge.layers import ranked
from bridge.sdp import LEVEL_URI, MID_URI, REPAIRED_URI, RID_URI, TWCC_URI, Offer, Section
from signaling.wire.errors import WireError
from signaling.wire.ids import Media, SlotName, Track, slot_media

LEVELS_FEEDBACK = "app level"
"""What a receiver offers that wants to be told how loud sounds are (RFC 4585 §4.2)."""

_PUBLISH_FEEDBACK: dict[Media, tuple[str, ...]] = {
    "audio": ("transport-cc",),
    "video": ("transport-cc", "goog-remb", "nack", "nack pli"),
}
_RECEIVE_FEEDBACK: dict[Media, tuple[str, ...]] = {
    "audio": ("transport-cc", LEVELS_FEEDBACK),
    "video": ("transport-cc", "goog-remb", "ccm fir", "nack", "nack pli"),
}
_PUBLISH_EXTENSIONS = (MID_URI, LEVEL_URI, TWCC_URI)
_LAYER_EXTENSIONS = (RID_URI, REPAIRED_URI)
START_BITRATE_KBPS = 800
"""Chromium's first estimate; from its own 300 it would begin with a quarter of the picture."""


@dataclass(frozen=True)
class Local:
    """What this side's transport says of itself."""

    session: int
    credentials: Credentials
    fingerprint: Fingerprint
    candidates: Sequence[Candidate]


@dataclass(frozen=True)
class _Accepted:
    payload_types: str
    lines: tuple[str, ...]


def answer_publish(
    offer: Offer, local: Local, video: Codec = VP8
) -> tuple[str, list[PublishedTrack]]:
    """Take the first audio as mic, the first video as camera, the second as slides.

    A video section marked ``slides`` (RFC 4796) is the slides wherever it stands, and one marked
    ``alt`` beside a camera is the camera's small picture.

    Sound is Opus, pictures are `video` alone. Further sections, and those that do not send, are
    answered inactive; those without a codec of ours are rejected.

    Raises:
        WireError: ``offer_without_media`` (nothing to be sent), ``offer_no_codec``,
            ``offer_other_codec`` (a picture, but not in this codec).
    """
    accepted: dict[str, _Accepted] = {}
    tracks = []
    taken = CodecChoice(video)
    candidates = list(taken.candidates(offer, lambda one: one.sends))
    places = _places([section for section, _, _ in candidates])
    for section, media, offered in candidates:
        if section.mid not in places:
            continue
        track, name = places[section.mid]
        one = _published(section, taken.codecs[media], track, offered)
        start = f"x-google-start-bitrate={START_BITRATE_KBPS}" if media == "video" else None
        codec_lines = taken.lines(media, offered, _PUBLISH_FEEDBACK[media], start)
        accepted[section.mid] = _publish_section(section, one, codec_lines)
        tracks.append(replace(one, layers=(name,)) if one.layers == ("",) else one)
    return _write(offer, local, accepted, taken), tracks


def _places(sections: Sequence[Section]) -> dict[str, tuple[Track, str]]:
    """Mid → track, and what its layer is called if it has but one."""
    sounds = [one.mid for one in sections if one.media == "audio"]
    pictures = [one for one in sections if one.media == "video"]
    small = [one.mid for one in pictures if "alt" in one.content]
    marked = [one.mid for one in pictures if one.mid not in small and "slides" in one.content]
    plain = [one.mid for one in pictures if one.mid not in small + marked]
    if not plain:
        plain, small = small, []
    found: dict[str, tuple[Track, str]] = {}
    if sounds:
        found[sounds[0]] = ("mic", "")
    if plain:
        found[plain[0]] = ("camera", "main" if small else "")
        marked += plain[1:]
    if small:
        found[small[0]] = ("camera", "alt")
    if marked:
        found[marked[0]] = ("slides", "")
    return found


def _published(section: Section, codec: Codec, track: Track, offered: sdp.Codec) -> PublishedTrack:
    nack = codec.media == "video" and "nack" in offered.feedback
    layers, ssrcs = _layers(section, offered.payload_type)
    by_rid = len(layers) > 1 and not ssrcs
    extensions = section.extensions
    return PublishedTrack(
        mid=section.mid,
        track=track,
        codec=codec,
        payload_type=offered.payload_type,
        ssrcs=ssrcs,
        mid_extension=extensions.get(MID_URI),
        twcc_extension=extensions.get(TWCC_URI) if "transport-cc" in offered.feedback else None,
        nack=nack,
        level_extension=extensions.get(LEVEL_URI) if codec.media == "audio" else None,
        layers=layers,
        rid_extension=extensions.get(RID_URI) if by_rid else None,
        repaired_extension=extensions.get(REPAIRED_URI) if by_rid else None,
        rtx=offered.rtx if nack else None,
        repairs=section.repairs,
        # they are of one picture
        sets=offered_sets(offered) if codec is H264 and len(layers) == 1 else (),
    )


def _layers(section: Section, payload_type: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the layers, and the media's SSRCs: by rid (then packets tell theirs) if packets can
    carry it, else those of an ``ssrc-group:SIM``."""
    names = [
        one.name
        for one in section.rids
        if not one.payload_types or payload_type in one.payload_types
    ]
    if len(names) > 1 and RID_URI in section.extensions:
        return ranked(names), ()
    if len(section.simulcast) > 1:
        return tuple(str(index) for index in range(len(section.simulcast))), section.simulcast
    return ("",), section.ssrcs


def _publish_section(
    section: Section, track: PublishedTrack, codec_lines: Iterable[str]
) -> _Accepted:
    wanted = list(_PUBLISH_EXTENSIONS)
    if track.rid_extension is not None:
        wanted += _LAYER_EXTENSIONS
    lines = ["a=recvonly"]
    lines += [
        f"a=extmap:{section.extensions[uri]} {uri}" for uri in wanted if uri in section.extensions
    ]
    lines += codec_lines
    payload_types = str(track.payload_type)
    if track.rtx is not None:
        payload_types += f" {track.rtx}"
        lines += [
            f"a=rtpmap:{track.rtx} rtx/{track.codec.clock_rate}",
            f"a=fmtp:{track.rtx} apt={track.payload_type}",
        ]
    if track.rid_extension is not None:
        offered = [one.name for one in section.rids if one.name in track.layers]
        lines += [f"a=rid:{name} recv" for name in offered]
        lines.append(f"a=simulcast:recv {';'.join(offered)}")
    return _Accepted(payload_types, tuple(lines))


def answer_receive(
    offer: Offer,
    local: Local,
    slots: Sequence[SlotName],
    ssrcs: Iterator[int],
    video: Codec = VP8,
) -> tuple[str, list[ReceivedSlot]]:
    """Match the slots to the receive sections, in offer order for each kind of media.

    Further sections are answered inactive. `ssrcs` yields a fresh SSRC for each slot. Pictures are
    `video` alone.

    Raises:
        WireError: ``offer_without_media`` (nothing to be received), ``offer_no_codec``,
            ``offer_other_codec`` (a picture, but not in this codec), ``slots_invalid`` (none, or
            more slots of a kind of media than sections).
    """
    wanted: dict[Media, list[SlotName]] = {"audio": [], "video": []}
    for slot in slots:
        wanted[slot_media(slot)].append(slot)
    accepted: dict[str, _Accepted] = {}
    found = []
    taken = CodecChoice(video)
    for section, media, offered in taken.candidates(offer, lambda one: one.receives):
        if not wanted[media]:
            continue
        slot = wanted[media].pop(0)
        one = _received(section, taken.codecs[media], slot, offered, ssrcs)
        stream = "program" if list(slots) == ["stage:1", "mix:1"] else slot.replace(":", "-")
        codec_lines = taken.lines(media, offered, _RECEIVE_FEEDBACK[media])
        accepted[section.mid] = _slot_section(one, codec_lines, stream, local)
        found.append(one)
    missing = wanted["audio"] + wanted["video"]
    if missing or not found:
        raise WireError(
            "slots_invalid",
            f"no receive section for {', '.join(missing[:8])}" if missing else "no slots asked for",
        )
    return _write(offer, local, accepted, taken), found


def _received(
    section: Section, codec: Codec, slot: SlotName, offered: sdp.Codec, ssrcs: Iterator[int]
) -> ReceivedSlot:
    nack = codec.media == "video" and "nack" in offered.feedback
    extension = section.extensions.get(TWCC_URI, 0)
    # beyond 14 an id needs the long form of extensions (RFC 8285 §4.2)
    agreed = "transport-cc" in offered.feedback and 0 < extension < 15
    return ReceivedSlot(
        mid=section.mid,
        slot=slot,
        codec=codec,
        payload_type=offered.payload_type,
        ssrc=next(ssrcs),
        nack=nack,
        rtx=(offered.rtx, next(ssrcs)) if nack and offered.rtx is not None else None,
        twcc_extension=extension if agreed else None,
        levels=codec.media == "audio" and LEVELS_FEEDBACK in offered.feedback,
    )


def _slot_section(
    slot: ReceivedSlot, codec_lines: Iterable[str], stream: str, local: Local
) -> _Accepted:
    track = slot.slot.replace(":", "-")
    payload_types = str(slot.payload_type)
    lines = ["a=sendonly", f"a=msid:{stream} {track}", *codec_lines]
    if slot.twcc_extension is not None:
        lines.append(f"a=extmap:{slot.twcc_extension} {TWCC_URI}")
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


def _write(offer: Offer, local: Local, accepted: dict[str, _Accepted], taken: CodecChoice) -> str:
    """The whole answer: every section of the offer in its order (RFC 3264 §6)."""
    kept = [one.mid for one in offer.sections if _is_kept(one, accepted, taken)]
    lines = [
        "v=0",
        f"o=- {local.session} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {' '.join(kept)}"] if offer.bundled else []),
        "a=ice-lite",
        "a=msid-semantic:WMS *",
    ]
    for section in offer.sections:
        if section.mid not in kept:
            lines += [f"m={section.line}", "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=inactive"]
            continue
        media, _, rest = section.line.partition(" 0 ")
        profile = rest.partition(" ")[0]
        said = accepted.get(section.mid) or _inactive(section, taken)
        lines += [f"m={media} 9 {profile} {said.payload_types}", "c=IN IP4 0.0.0.0"]
        lines += [f"a=mid:{section.mid}", *said.lines, "a=rtcp-mux"]
        if section.reduced_size:
            lines.append("a=rtcp-rsize")
        lines += _transport(offer, local)
    return "\r\n".join(lines) + "\r\n"


def _is_kept(section: Section, accepted: dict[str, _Accepted], taken: CodecChoice) -> bool:
    """Also idle sections stay in the bundle, unless there is no codec to name for them."""
    return section.mid in accepted or (section.usable and taken.of(section) is not None)


def _inactive(section: Section, taken: CodecChoice) -> _Accepted:
    offered = taken.of(section)
    assert section.media is not None
    assert offered is not None
    lines = taken.lines(section.media, offered, ())
    return _Accepted(str(offered.payload_type), ("a=inactive", *lines))


def _transport(offer: Offer, local: Local) -> Iterator[str]:
    """Said in each section: some peers read the candidates of a bundle's last one alone."""
    yield f"a=ice-ufrag:{local.credentials.ufrag}"
    yield f"a=ice-pwd:{local.credentials.password}"
    yield f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}"
    # passive whenever the offer allows it: then we are the DTLS server (RFC 5763 §5)
    yield f"a=setup:{'active' if offer.setup == 'passive' else 'passive'}"
    yield from candidate_lines(local.candidates)
    yield "a=end-of-candidates"


def candidate_lines(candidates: Iterable[Candidate]) -> Iterator[str]:
    """``a=candidate:`` of each."""
    for index, candidate in enumerate(candidates):
        yield _candidate(index, candidate)


def _candidate(index: int, candidate: Candidate) -> str:
    """RFC 8839 §5.1 and RFC 6544 §4.5. Each has a foundation of its own, earlier ones are
    preferred, and all of TCP come after all of UDP (RFC 6544 §4.2)."""
    transport, host, port = candidate
    if transport == "udp":
        priority = 126 << 24 | (65535 - index) << 8 | 255
        return f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host"
    # direction preference 4: passive
    priority = 90 << 24 | (4 << 13 | 8191 - index) << 8 | 255
    return f"a=candidate:{index + 1} 1 tcp {priority} {host} {port} typ host tcptype passive"
