"""Whose packet it is: SSRCs of a publisher are latched to the tracks and layers of its answer.

An SSRC is known from the offer (``a=ssrc``, ``ssrc-group:FID`` and ``SIM``), else by the header
extensions mid, rtp-stream-id and repaired-rtp-stream-id (RFC 9143 §15, RFC 8852), else by its
payload type. Publishers leave the extensions out once they have heard a receiver report, so what
they said of an SSRC holds for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge import rtp
from bridge.agreed import PublishedTrack

Unknown = Literal["unknown_ssrc", "unknown_payload", "unknown_rid"]
"""Why an SSRC cannot be latched; packets of it are dropped, and counted by these words."""


@dataclass(frozen=True, slots=True)
class Latched:
    """An SSRC carries this layer of this section, or `repairs` what was lost of it (RFC 4588)."""

    track: PublishedTrack
    layer: str
    repairs: bool


def latch(tracks: Sequence[PublishedTrack], packet: bytes, header: rtp.Header) -> Latched | Unknown:
    """What the SSRC of this packet carries. The first packet of a layer or of its retransmissions
    is enough; which of the two comes first does not matter."""
    for track in tracks:
        if header.ssrc in track.ssrcs:
            return _declared(track, header, header.ssrc, repairs=False)
        if header.ssrc in track.repairs:
            return _declared(track, header, track.repairs[header.ssrc], repairs=True)
    named = _by_mid(tracks, packet, header)
    sections = list(tracks) if named is None else [named]
    fitting = [one for one in sections if header.payload_type in (one.payload_type, one.rtx)]
    if not fitting:
        return "unknown_ssrc" if named is None else "unknown_payload"
    repairs = header.payload_type == fitting[0].rtx
    if len(fitting) > 1:
        fitting = [one for one in fitting if _layer(one, packet, header, repairs)]
    if len(fitting) != 1:
        return "unknown_ssrc"
    track = fitting[0]
    if len(track.layers) == 1:
        return Latched(track, track.layers[0], repairs)
    layer = _layer(track, packet, header, repairs)
    return "unknown_rid" if layer is None else Latched(track, layer, repairs)


def _declared(
    track: PublishedTrack, header: rtp.Header, media: int, *, repairs: bool
) -> Latched | Unknown:
    if header.payload_type != (track.rtx if repairs else track.payload_type):
        return "unknown_payload"
    if len(track.layers) == 1:
        return Latched(track, track.layers[0], repairs)
    if media not in track.ssrcs:
        return "unknown_ssrc"
    return Latched(track, track.layers[track.ssrcs.index(media)], repairs)


def _by_mid(
    tracks: Iterable[PublishedTrack], packet: bytes, header: rtp.Header
) -> PublishedTrack | None:
    """The section that the packet names, if it names one of ours."""
    for track in tracks:
        if track.mid_extension is not None:
            mid = rtp.extension(packet, header, track.mid_extension)
            if mid is not None and mid == track.mid.encode():
                return track
    return None


def _layer(track: PublishedTrack, packet: bytes, header: rtp.Header, repairs: bool) -> str | None:
    """The layer of this section that the packet names."""
    identifier = track.repaired_extension if repairs else track.rid_extension
    if identifier is None:
        return None
    value = rtp.extension(packet, header, identifier)
    return next((one for one in track.layers if value == one.encode()), None)
