"""SDP offers of WHIP and WHEP, read line by line and judged (RFC 8866, RFC 9429, RFC 9725).

Reads what the bridge needs and passes over the rest. Every fault is a `WireError` with a documented
code; sizes and counts are bounded before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from bridge.fingerprint import Fingerprint, is_fingerprint
from bridge.ice import Credentials
from bridge.simulcast import MAX_LAYERS, Rid, read_content, read_rids
from signaling.wire.codec import MAX_OFFER
from signaling.wire.errors import WireError
from signaling.wire.ids import Direction, Media

Setup = Literal["actpass", "active", "passive"]

MAX_SECTIONS: dict[Direction, int] = {"publish": 4, "receive": 160}
MAX_LINES = 40_000
MAX_LINES_OF_SECTION = 500
MAX_SSRCS_OF_SECTION = 16

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TWCC_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_M_LINE = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Z/]{1,32})((?: [!-~]{1,64})+)"
)
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9.-]{1,32})/([0-9]{1,9})(?:/([0-9]{1,2}))?")
_APT = re.compile(r"([0-9]{1,3}) apt=([0-9]{1,3})(?:;.*)?")
_EXTMAP = re.compile(r"([0-9]{1,4})(?:/[a-z]+)? ([!-~]{1,255})(?: .*)?")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_RTP_PROFILES = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"})


@dataclass(frozen=True)
class Codec:
    """One payload type of a section. `name` in lower case; `feedback` as in ``a=rtcp-fb``; `rtx`
    is the payload type of its retransmissions (RFC 4588 §8.6); `parameters` are those of its
    ``a=fmtp``, names in lower case."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int
    feedback: frozenset[str]
    rtx: int | None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One ``m=`` section of an offer.

    `media` is None for what the bridge never forwards (data channels, text). `usable` is false
    for such and for rejected sections (port 0 without ``bundle-only``). `line` is the m-line
    without ``m=``, for rejecting it in the answer.

    `ssrcs` are the media's, without RTX; `repairs` maps the SSRC of retransmissions to that of
    their media (RFC 5576 §4.2). `rids` are the layers that ``a=simulcast:send`` names, in its
    order (RFC 8853 §5.1), `simulcast` the SSRCs of an ``ssrc-group:SIM``, likewise. `content` are
    the words of RFC 4796.
    """

    line: str
    media: Media | None
    mid: str
    usable: bool
    sends: bool
    receives: bool
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]
    ssrcs: tuple[int, ...]
    reduced_size: bool
    repairs: dict[int, int]
    rids: tuple[Rid, ...]
    simulcast: tuple[int, ...]
    content: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """A readable offer of one transport. `bundled` is false if it is a single section without a
    BUNDLE group: then the answer must not have one either (RFC 9143 §7.3)."""

    sections: tuple[Section, ...]
    bundled: bool
    remote: Credentials
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup


class _Attributes:
    """``a=`` lines of the session or of a section, by name, in order."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        self._values.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        return self._values.get(name, [None])[0]

    def __contains__(self, name: str) -> bool:
        return name in self._values


@dataclass
class _Draft:
    line: str
    attributes: _Attributes
    lines: int = 0


def read_offer(text: str, direction: Direction) -> Offer:
    """Read and judge an offer for a session of this direction.

    Raises:
        WireError: ``too_large``, ``offer_malformed``, ``offer_too_many_sections``,
            ``offer_without_media`` (no audio or video section at all) or ``offer_unusable``
            (no bundle, rtcp-mux, fingerprint or ICE credentials, or ICE-lite on both sides).
    """
    session, drafts = _split(text, MAX_SECTIONS[direction])
    sections = tuple(_section(draft, index) for index, draft in enumerate(drafts))
    media = [
        (draft.attributes, section)
        for draft, section in zip(drafts, sections, strict=True)
        if section.usable
    ]
    if not media:
        raise WireError("offer_without_media")
    _check_mids(sections)
    bundled = _is_bundled(session, [section.mid for _, section in media])
    if any("rtcp-mux" not in attributes for attributes, _ in media):
        _unusable("rtcp-mux is missing")
    if "ice-lite" in session:
        _unusable("both sides are ICE-lite, so nobody would check")
    scopes = [attributes for attributes, _ in media] + [session]
    return Offer(sections, bundled, _credentials(scopes), _fingerprints(scopes), _setup(scopes))


def _split(text: str, max_sections: int) -> tuple[_Attributes, list[_Draft]]:
    if len(text) > MAX_OFFER:
        raise WireError("too_large", f"offer of {len(text)} characters, {MAX_OFFER} are allowed")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        _malformed(f"more than {MAX_LINES} lines")
    if lines[0].strip() != "v=0":
        _malformed(f"it begins with {lines[0][:20]!r}, not with 'v=0'")
    session = attributes = _Attributes()
    drafts: list[_Draft] = []
    for number, line in enumerate(lines, 1):
        if line[1:2] != "=" or not "a" <= line[0] <= "z" or not line.isprintable():
            _malformed(f"line {number} {line[:40]!r} is not <type>=<value>")
        if line[0] == "m":
            if len(drafts) == max_sections:
                raise WireError(
                    "offer_too_many_sections", f"at most {max_sections} media sections are allowed"
                )
            attributes = _Attributes()
            drafts.append(_Draft(line[2:], attributes))
        elif line[0] == "a":
            attributes.add(line[2:])
        if drafts:
            drafts[-1].lines += 1
            if drafts[-1].lines > MAX_LINES_OF_SECTION:
                _malformed(f"a section of more than {MAX_LINES_OF_SECTION} lines")
    return session, drafts


def _section(draft: _Draft, index: int) -> Section:
    match = _M_LINE.fullmatch(draft.line)
    if match is None:
        _malformed(f"media line {draft.line[:60]!r}")
    kind, port, profile, formats = match.groups()
    attributes = draft.attributes
    media: Media | None = None
    if profile in _RTP_PROFILES:
        media = "audio" if kind == "audio" else "video" if kind == "video" else None
    mid = attributes.first("mid")
    if mid is None:
        mid = str(index)
    elif not _TOKEN.fullmatch(mid):
        _malformed(f"mid {mid[:40]!r}")
    direction = next((one for one in _DIRECTIONS if one in attributes), "sendrecv")
    return Section(
        line=f"{kind} 0 {profile}{formats}",
        media=media,
        mid=mid,
        usable=media is not None and (port != "0" or "bundle-only" in attributes),
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly"),
        codecs=_codecs(attributes, formats.split()) if media is not None else (),
        extensions=_extensions(attributes),
        ssrcs=_ssrcs(attributes),
        reduced_size="rtcp-rsize" in attributes,
        repairs=_repairing(attributes),
        rids=read_rids(attributes.all("rid"), attributes.all("simulcast")),
        simulcast=_simulcast_ssrcs(attributes),
        content=read_content(attributes.first("content")),
    )


def _codecs(attributes: _Attributes, formats: list[str]) -> tuple[Codec, ...]:
    """Codecs with an rtpmap, in the offer's order of preference (the m-line's)."""
    feedback: dict[str, set[str]] = {}
    for value in attributes.all("rtcp-fb"):
        payload_type, _, kind = value.partition(" ")
        feedback.setdefault(payload_type, set()).add(kind)
    repairs = _repairs(attributes, formats)
    parameters = _parameters(attributes)
    known: dict[str, Codec] = {}
    for value in attributes.all("rtpmap"):
        match = _RTPMAP.fullmatch(value)
        if match is None or int(match[1]) > 127:
            _malformed(f"rtpmap {value[:60]!r}")
        kinds = feedback.get(match[1], set()) | feedback.get("*", set())
        known[match[1]] = Codec(
            payload_type=int(match[1]),
            name=match[2].lower(),
            clock_rate=int(match[3]),
            channels=int(match[4] or 1),
            feedback=frozenset(kinds),
            rtx=repairs.get(match[1]),
            parameters=parameters.get(match[1], {}),
        )
    return tuple(known[one] for one in dict.fromkeys(formats) if one in known)


def _repairs(attributes: _Attributes, formats: list[str]) -> dict[str, int]:
    """Payload type → that of its retransmissions, from ``a=fmtp:97 apt=96``."""
    found = {}
    for value in attributes.all("fmtp"):
        match = _APT.fullmatch(value)
        if match is not None and match[1] in formats and int(match[1]) <= 127:
            found[match[2]] = int(match[1])
    return found


def _parameters(attributes: _Attributes) -> dict[str, dict[str, str]]:
    """Payload type → its format parameters, the first 32 of the first line."""
    found: dict[str, dict[str, str]] = {}
    for value in attributes.all("fmtp"):
        payload_type, _, text = value.partition(" ")
        pairs = (pair.partition("=") for pair in text.split(";", 32)[:32])
        found.setdefault(
            payload_type, {name.strip().lower(): value.strip() for name, _, value in pairs}
        )
    return found


def _extensions(attributes: _Attributes) -> dict[str, int]:
    """URI → id of the extensions that fit a one-byte header (RFC 8285 §4.2)."""
    found: dict[str, int] = {}
    for value in attributes.all("extmap"):
        match = _EXTMAP.fullmatch(value)
        if match is None:
            _malformed(f"extmap {value[:60]!r}")
        if 1 <= int(match[1]) <= 14:
            found.setdefault(match[2], int(match[1]))
    return found


def _ssrcs(attributes: _Attributes) -> tuple[int, ...]:
    repairs = _repairing(attributes)
    found = dict.fromkeys(_ssrc(value.partition(" ")[0]) for value in attributes.all("ssrc"))
    media = [one for one in found if one not in repairs]
    if len(media) > MAX_SSRCS_OF_SECTION:
        _malformed(f"{len(media)} SSRCs in one section, at most {MAX_SSRCS_OF_SECTION} are allowed")
    return tuple(media)


def _repairing(attributes: _Attributes) -> dict[int, int]:
    """SSRC of retransmissions → SSRC of their media, from ``a=ssrc-group:FID``."""
    found = {}
    for group in attributes.all("ssrc-group"):
        kind, *members = group.split()[:3] or [""]
        if kind == "FID" and len(members) == 2:
            found[_ssrc(members[1])] = _ssrc(members[0])
    if len(found) > MAX_SSRCS_OF_SECTION:
        _malformed(f"{len(found)} FID groups, at most {MAX_SSRCS_OF_SECTION} are allowed")
    return found


def _simulcast_ssrcs(attributes: _Attributes) -> tuple[int, ...]:
    """The members of the section's ``a=ssrc-group:SIM``, lowest layer first; () without one."""
    for group in attributes.all("ssrc-group"):
        kind, *members = group.split() or [""]
        if kind == "SIM":
            if not 1 <= len(members) <= MAX_LAYERS or len(set(members)) != len(members):
                _malformed(f"ssrc-group {group[:60]!r}: 1 to {MAX_LAYERS} different SSRCs")
            return tuple(map(_ssrc, members))
    return ()


def _ssrc(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) >= 2**32:
        _malformed(f"SSRC {text[:20]!r}")
    return int(text)


def _check_mids(sections: Iterable[Section]) -> None:
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids):
        _malformed("two sections have the same mid")


def _is_bundled(session: _Attributes, mids: list[str]) -> bool:
    """Whether one BUNDLE group has all usable sections, which must share one transport; a single
    section needs no group (RFC 9143)."""
    groups = [value.split() for value in session.all("group")]
    bundled = any(group[:1] == ["BUNDLE"] and set(mids) <= set(group[1:]) for group in groups)
    if len(mids) > 1 and not bundled:
        _unusable("the media sections are not all in one BUNDLE group")
    return bundled


def _credentials(scopes: list[_Attributes]) -> Credentials:
    ufrag = next((one.first("ice-ufrag") for one in scopes if "ice-ufrag" in one), None)
    password = next((one.first("ice-pwd") for one in scopes if "ice-pwd" in one), None)
    if ufrag is None or password is None:
        _unusable("no ICE credentials")
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        _malformed("ice-ufrag or ice-pwd has a wrong length or character (RFC 8839 §5.4)")
    return Credentials(ufrag, password)


def _fingerprints(scopes: list[_Attributes]) -> tuple[Fingerprint, ...]:
    values = next((one.all("fingerprint") for one in scopes if "fingerprint" in one), [])
    pairs = [value.partition(" ") for value in values[:8]]
    prints = tuple(
        Fingerprint(algorithm.lower(), digest.strip().upper())
        for algorithm, _, digest in pairs
        if is_fingerprint(algorithm, digest.strip())
    )
    if not prints:
        _unusable("no DTLS fingerprint by sha-256, sha-384 or sha-512")
    return prints


def _setup(scopes: list[_Attributes]) -> Setup:
    value = next((one.first("setup") for one in scopes if "setup" in one), "actpass")
    allowed: tuple[Setup, ...] = ("actpass", "active", "passive")
    for setup in allowed:
        if value == setup:
            return setup
    raise WireError("offer_unusable", f"setup {str(value)[:20]!r} is none of {', '.join(allowed)}")


def _malformed(detail: str) -> NoReturn:
    raise WireError("offer_malformed", detail)


def _unusable(detail: str) -> NoReturn:
    raise WireError("offer_unusable", detail)
