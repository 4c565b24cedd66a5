"""Where a stream of H.264 may be cut: at a keyframe, before its parameter sets."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.codecs import H264Payload
from bridge.parametersets import PPS, SPS, STAP_A, ParameterSets

_MAY_HOLD_SETS = frozenset((SPS, PPS, STAP_A))


class Cuts:
    """Of one stream. Ask `lacks` of each packet that is higher than all before, then `begins`; all
    packets of a picture share a timestamp.

    `sets` are the newest parameter sets, at first those that stood in the offer. `keyframe_at` is
    the RTP timestamp of the newest keyframe, -1 while there is none.
    """

    __slots__ = ("_repeated", "_torn_at", "keyframe_at", "sets")

    def __init__(self, offered: Iterable[bytes]) -> None:
        self.sets = ParameterSets(offered)
        self.keyframe_at = -1
        self._repeated = False  # the newest keyframe before which nothing was lost had its sets
        self._torn_at = -1  # the newest picture that lacks a packet

    def restart(self) -> None:
        """The stream begins anew."""
        self.keyframe_at = -1

    def lacks(self, timestamp: int, cut: H264Payload, follows: bool) -> bool:
        """Whether this packet begins a keyframe without parameter sets, and those that are known
        must be put in.

        `follows`: nothing is missing before it. Where something is, and the publisher repeats its
        sets, they are among that, and may be others than the known.
        """
        if not follows:
            self._torn_at = timestamp
        if not cut.starts_keyframe or timestamp == self.keyframe_at:
            return False
        if cut.has_parameters or timestamp != self._torn_at:
            self._repeated = cut.has_parameters
        return not self._repeated and self.sets.payload is not None

    def begins(self, timestamp: int, cut: H264Payload) -> bool:
        """Whether this packet is the first of a keyframe."""
        if not cut.starts_keyframe or timestamp == self.keyframe_at:
            return False
        self.keyframe_at = timestamp
        return True

    def starts(self, cut: H264Payload) -> bool:
        """Whether a decoder can start at this first packet of a keyframe: it has parameter sets, or
        no keyframe of this publisher has."""
        return cut.has_parameters or not self._repeated

    def read(self, packet: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Note parameter sets in a payload; returns the picture's size if they say another."""
        if packet[start] & 0x1F not in _MAY_HOLD_SETS:
            return None
        return self.sets.size if self.sets.read(packet, start, end) else None
