"""What an answer agreed: the tracks that a publisher sends, the slots a receiver is fed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.codecs import Codec
from signaling.wire.ids import SlotName, Track


@dataclass(frozen=True)
class PublishedTrack:
    """A section that will send to us, as one track or as some layers of it.

    `layers` are the names of the section's layers, lowest first; a picture without layers has one,
    whose name is empty. Of a publisher with a small picture in a section of its own
    (``a=content:alt``, RFC 4796) that section is the lowest layer of the camera.

    `ssrcs` are the media's where the offer names them: one, or those of the layers in their
    order; `repairs` maps the SSRC of retransmissions to that of their media. Extension ids are
    None where not agreed. `nack`: it resends what we ask for, as payload type `rtx` (RFC 4588),
    or under the same SSRC where that is None. `level_extension`: its packets state how loud they
    are (RFC 6464). `sets` are H.264's parameter sets, where the offer has them.
    """

    mid: str
    track: Track
    codec: Codec
    payload_type: int
    ssrcs: tuple[int, ...]
    mid_extension: int | None
    twcc_extension: int | None
    nack: bool
    level_extension: int | None = None
    layers: tuple[str, ...] = ("",)
    rid_extension: int | None = None
    repaired_extension: int | None = None
    rtx: int | None = None
    repairs: Mapping[int, int] = field(default_factory=dict)
    sets: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class ReceivedSlot:
    """A section that a slot feeds, under the SSRC that the answer states.

    `nack`: the receiver asks for lost packets. `rtx` is (payload type, SSRC) of retransmissions;
    None sends them again as they were. `twcc_extension` is the id of the transport-wide number,
    which the receiver reports on; None where it does not. `levels`: it wants to be told how loud
    the sound is (`rtcp.Levels`).
    """

    mid: str
    slot: SlotName
    codec: Codec
    payload_type: int
    ssrc: int
    nack: bool
    rtx: tuple[int, int] | None
    twcc_extension: int | None
    levels: bool = False
