"""H.264 as it comes in RTP (RFC 6184 §5)."""

from __future__ import annotations

from bridge.parametersets import STAP_A, ParameterSets

IDR, DELIMITER = 5, 9
"""Kinds of NAL unit (ITU-T H.264 table 7-1)."""
_FU_A = 28


class Unpacker:
    """NAL units from payloads in order, and the parameter sets among them."""

    def __init__(self) -> None:
        self.sets = ParameterSets()
        self._fragment: bytearray | None = None

    @property
    def incomplete(self) -> bool:
        """Whether a fragmented unit has not ended."""
        return self._fragment is not None

    def reset(self) -> None:
        """A new frame begins."""
        self._fragment = None

    def put(self, payload: bytes) -> list[bytes] | None:
        """The units that this payload completes; None if it cannot be read."""
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            return self._put_fragment(payload)
        if self._fragment is not None:
            return None
        if kind == STAP_A:
            return self._noted(_aggregated(payload))
        return self._noted([payload]) if 1 <= kind <= 23 else None

    def _put_fragment(self, payload: bytes) -> list[bytes] | None:
        if len(payload) < 3:
            return None
        starts, ends = payload[1] & 0x80, payload[1] & 0x40
        if starts:
            if self._fragment is not None:
                return None
            self._fragment = bytearray((payload[0] & 0xE0 | payload[1] & 0x1F,))
        if self._fragment is None:
            return None
        self._fragment += payload[2:]
        if not ends:
            return []
        whole, self._fragment = bytes(self._fragment), None
        return self._noted([whole])

    def _noted(self, nals: list[bytes] | None) -> list[bytes] | None:
        for nal in nals or ():
            self.sets.put(nal)
        return nals


def may_begin(payload: bytes) -> bool:
    """Whether a frame may begin with this payload: no later fragment, no later slice."""
    kind = payload[0] & 0x1F
    at = 1
    if kind == _FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return False
        kind, at = payload[1] & 0x1F, 2
    # a slice header begins with first_mb_in_slice (§7.3.3), whose zero is a single set bit
    return not 1 <= kind <= IDR or (len(payload) > at and payload[at] & 0x80 != 0)


def _aggregated(payload: bytes) -> list[bytes] | None:
    nals, at = [], 1
    while at + 2 <= len(payload):
        size = payload[at] << 8 | payload[at + 1]
        nal = payload[at + 2 : at + 2 + size]
        if not nal or len(nal) < size:
            return None
        nals.append(nal)
        at += 2 + size
    return nals or None
