"""The per-packet fan-out, alone: one packet in, one rewritten packet to each slot's leg.

Chosen at start behind the `Fanout` protocol; every implementation passes the same tests.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from bridge.slot import Slot
    from bridge.source import Packet


class Leg(Protocol):
    """One receiver's transport: protects and sends what its slots are given."""

    def send_rtp(self, packet: bytes, /) -> None:
        """Protect a plain RTP packet and send it without waiting.

        Called from inside `Crosspoint.forward`, so it must not call back into the crosspoint:
        note the failure and close the session later. Whatever it raises is counted in
        `Slot.failures`, and the other legs still get theirs.
        """


class Fanout(Protocol):
    """Hands one packet to many slots."""

    def forward(self, packet: Packet, slots: Sequence[Slot]) -> None:
        """Rewrite `packet` for each slot that carries its source, and send it on the slot's leg.

        Never raises. A late packet from before a slot's switch is not for that slot.
        """


_HEADER: Final = struct.Struct("!BBHII")
_VP8: Final = struct.Struct("!BBHIIHH")
_VP8_TL0: Final = struct.Struct("!BBHIIHHB")


class PythonFanout:
    """The plain twin: correct everywhere, about a microsecond for each packet and slot."""

    def forward(self, packet: Packet, slots: Sequence[Slot]) -> None:
        """See `Fanout.forward`."""
        if packet.late:
            number = packet.sequence
            slots = [slot for slot in slots if number >= slot.first]
        if packet.picture < 0:
            self._forward_plain(packet, slots)
        elif packet.tl0_picture < 0:
            self._forward_vp8(packet, slots)
        else:
            self._forward_vp8_tl0(packet, slots)

    # Three loops instead of one with branches: this is the only code that runs per packet and
    # slot. Version 2, no padding, no extension, no CSRC: the first octet is always 0x80.

    def _forward_plain(self, packet: Packet, slots: Sequence[Slot]) -> None:
        pack, tail = _HEADER.pack, packet.tail
        marker, sequence, timestamp = packet.marker, packet.sequence, packet.timestamp
        octets = len(tail)
        for slot in slots:
            slot.packets += 1
            slot.octets += octets
            try:
                slot.send(
                    pack(
                        0x80,
                        marker | slot.payload_type,
                        sequence + slot.sequence_offset & 0xFFFF,
                        timestamp + slot.timestamp_offset & 0xFFFFFFFF,
                        slot.ssrc,
                    )
                    + tail
                )
            except Exception:
                slot.failures += 1

    def _forward_vp8(self, packet: Packet, slots: Sequence[Slot]) -> None:
        pack, tail = _VP8.pack, packet.tail
        marker, sequence, timestamp = packet.marker, packet.sequence, packet.timestamp
        descriptor, picture = packet.descriptor, packet.picture
        octets = 4 + len(tail)
        for slot in slots:
            slot.packets += 1
            slot.octets += octets
            try:
                slot.send(
                    pack(
                        0x80,
                        marker | slot.payload_type,
                        sequence + slot.sequence_offset & 0xFFFF,
                        timestamp + slot.timestamp_offset & 0xFFFFFFFF,
                        slot.ssrc,
                        descriptor,
                        0x8000 | picture + slot.picture_offset & 0x7FFF,
                    )
                    + tail
                )
            except Exception:
                slot.failures += 1

    def _forward_vp8_tl0(self, packet: Packet, slots: Sequence[Slot]) -> None:
        pack, tail = _VP8_TL0.pack, packet.tail
        marker, sequence, timestamp = packet.marker, packet.sequence, packet.timestamp
        descriptor, picture = packet.descriptor, packet.picture
        tl0_picture = packet.tl0_picture
        octets = 5 + len(tail)
        for slot in slots:
            slot.packets += 1
            slot.octets += octets
            try:
                slot.send(
                    pack(
                        0x80,
                        marker | slot.payload_type,
                        sequence + slot.sequence_offset & 0xFFFF,
                        timestamp + slot.timestamp_offset & 0xFFFFFFFF,
                        slot.ssrc,
                        descriptor,
                        0x8000 | picture + slot.picture_offset & 0x7FFF,
                        tl0_picture + slot.tl0_picture_offset & 0xFF,
                    )
                    + tail
                )
            except Exception:
                slot.failures += 1
