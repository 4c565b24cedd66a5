"""Which of the codecs that a section offers is taken, and what the answer says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from bridge import sdp
from bridge.codecs import H264, OPUS, Codec
from bridge.parametersets import read_offered
from bridge.sdp import Offer, Section
from signaling.wire.errors import WireError
from signaling.wire.ids import Media

_FORMAT = {
    # the receiver's wishes (RFC 7587 §6.1): mono, silence not sent, errors corrected forward
    "opus": "minptime=10;useinbandfec=1;usedtx=1;stereo=0",
}
_PROFILE_LEVEL = re.compile(r"[0-9A-Fa-f]{6}")


class CodecChoice:
    """What is taken of an offer's codecs: one for sound, one for pictures."""

    def __init__(self, video: Codec) -> None:
        self.codecs: dict[Media, Codec] = {"audio": OPUS, "video": video}

    def candidates(
        self, offer: Offer, wanted: Callable[[Section], bool]
    ) -> Iterable[tuple[Section, Media, sdp.Codec]]:
        """Sections in the wanted direction that have our codec, with what they say of it."""
        sections = [one for one in offer.sections if one.usable and wanted(one)]
        if not sections:
            raise WireError("offer_without_media", "no section has the direction of this door")
        found = []
        for section in sections:
            offered = self.of(section)
            if section.media is not None and offered is not None:
                found.append((section, section.media, offered))
        names = ", ".join(sorted({codec.name for one in sections for codec in one.codecs}))[:200]
        ours = self.codecs["video"].name
        pictures = [one for one in sections if one.media == "video"]
        if pictures and not any(media == "video" for _, media, _ in found):
            detail = f"offered {names}; the pictures of this conference are {ours}"
            raise WireError("offer_other_codec", detail, offered=names, codec=ours)
        if not found:
            raise WireError("offer_no_codec", f"offered {names}; taken: opus, {ours}")
        return found

    def of(self, section: Section) -> sdp.Codec | None:
        """The offered codec that is taken, None if there is none."""
        if section.media is None:
            return None
        ours = self.codecs[section.media]
        fitting = [
            one
            for one in section.codecs
            if one.name == ours.name.lower() and one.clock_rate == ours.clock_rate
        ]
        return min(fitting, key=_rank) if ours is H264 and fitting else next(iter(fitting), None)

    def lines(
        self, media: Media, offered: sdp.Codec, feedback: Iterable[str], more: str | None = None
    ) -> Iterator[str]:
        """What the answer says of the codec; `more` are further format parameters."""
        codec, payload_type = self.codecs[media], offered.payload_type
        channels = "/2" if codec is OPUS else ""
        yield f"a=rtpmap:{payload_type} {codec.name}/{codec.clock_rate}{channels}"
        parameters = _h264_format(offered) if codec is H264 else _FORMAT.get(codec.name)
        both = [one for one in (parameters, more) if one]
        if both:
            yield f"a=fmtp:{payload_type} {';'.join(both)}"
        for kind in feedback:
            if kind in offered.feedback:
                yield f"a=rtcp-fb:{payload_type} {kind}"


def offered_sets(offered: sdp.Codec) -> tuple[bytes, ...]:
    """H.264's parameter sets, as far as the offer says them (RFC 6184 §8.1)."""
    return read_offered(offered.parameters.get("sprop-parameter-sets", ""))


def _rank(offered: sdp.Codec) -> tuple[bool, int]:
    """Fragments first, since pictures are larger than packets; then the profile that most receivers
    decode: Constrained Baseline, however it is said (RFC 6184 §8.1), Baseline, Main, High."""
    said = offered.parameters.get("profile-level-id", "")
    level_id = int(said, 16) if _PROFILE_LEVEL.fullmatch(said) else 0x42000A
    profile, constraints = level_id >> 16, level_id >> 8 & 0xFF
    if (profile == 0x42 and constraints & 0x40) or (profile == 0x4D and constraints & 0x80):
        order = 0
    else:
        order = {0x42: 1, 0x4D: 2, 0x64: 3}.get(profile, 4)
    return offered.parameters.get("packetization-mode") != "1", order


def _h264_format(offered: sdp.Codec) -> str:
    """The offered configuration again, as RFC 6184 §8.2.2 wants: profile and packetization mode
    must be the same. The level is the offered one too, which is right whether or not the two
    directions may differ; that they may is confirmed if it was offered."""
    said = offered.parameters
    parts = []
    if said.get("level-asymmetry-allowed") == "1":
        parts.append("level-asymmetry-allowed=1")
    if said.get("packetization-mode") == "1":
        parts.append("packetization-mode=1")
    if _PROFILE_LEVEL.fullmatch(said.get("profile-level-id", "")):
        parts.append(f"profile-level-id={said['profile-level-id'].lower()}")
    return ";".join(parts)
