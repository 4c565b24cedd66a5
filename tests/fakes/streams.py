"""Publishers and receivers of RTP: every packet says which source, frame and part it is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bridge import rtp
from bridge.codecs import OPUS, parse_h264, parse_vp8
from bridge.h264source import H264Source
from bridge.hotpath import Protection
from bridge.hotpath_choice import HotPathMaker, choose
from bridge.metrics import Counters
from bridge.source import Source
from bridge.vp8source import Vp8Source

PictureIds = Literal["none", "short", "long"]


class Label(NamedTuple):
    """What a packet's payload says of itself."""

    source: int
    frame: int
    part: int


_LABEL = struct.Struct("!BIB")


@dataclass
class Camera:
    """A VP8 publisher at 10 frames a second; the numbers it starts from are the test's choice."""

    number: int
    sequence: int = 1000
    timestamp: int = 90_000
    picture: int = 100
    tl0_picture: int = 50
    picture_ids: PictureIds = "long"
    tl0: bool = True
    payload_type: int = 96
    frames: int = 0
    size: tuple[int, int] | None = None

    @property
    def ssrc(self) -> int:
        return 0x1000 + self.number

    def source(self, section: str | None = None) -> Source:
        return Vp8Source(self.ssrc, self.payload_type, section)

    def frame(self, *, keyframe: bool = False, parts: int = 2) -> list[bytes]:
        self.timestamp += 9000
        self.picture += 1
        self.tl0_picture += 1
        self.frames += 1
        packets = []
        for part in range(parts):
            tag = b"\x10\x02\x00\x9d\x01\x2a" if keyframe else b"\x11\x02\x00"
            if keyframe and self.size is not None:
                tag += struct.pack("<HH", *self.size)
            label = _LABEL.pack(self.number, self.frames, part)
            start = 0x10 if part == 0 else 0
            body = self._descriptor(start) + (tag if part == 0 else b"") + label
            packets.append(self._packet(body, marker=part == parts - 1))
        return packets

    def padding(self) -> bytes:
        """A padding-only packet, as a publisher probes the path with."""
        return self._packet(b"", padding=20)

    def _packet(self, payload: bytes, *, marker: bool = False, padding: int = 0) -> bytes:
        self.sequence += 1
        return rtp.build(
            self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
            payload,
            marker=marker,
            extensions=[(4, b"a"), (3, b"\x00\x07")],
            padding=padding,
        )

    def _descriptor(self, start: int) -> bytes:
        flags = (0x80 if self.picture_ids != "none" else 0) | (0x60 if self.tl0 else 0)
        if not flags:
            return bytes((start,))
        ids = b""
        if self.picture_ids == "long":
            ids = struct.pack("!H", 0x8000 | self.picture & 0x7FFF)
        elif self.picture_ids == "short":
            ids = bytes((self.picture & 0x7F,))
        layer = bytes((self.tl0_picture & 0xFF, 0x20)) if self.tl0 else b""
        return bytes((0x80 | start, flags)) + ids + layer


@dataclass
class Encoder:
    """An H.264 publisher at 10 frames a second, in packetization mode 1.

    A keyframe is four packets: both parameter sets, each in its own, and the picture in two
    fragments; `sets` false leaves the former out.
    """

    number: int
    sequence: int = 1000
    timestamp: int = 90_000
    payload_type: int = 108
    frames: int = 0

    @property
    def ssrc(self) -> int:
        return 0x3000 + self.number

    def source(self) -> Source:
        return H264Source(self.ssrc, self.payload_type)

    def frame(self, *, keyframe: bool = False, sets: bool = True) -> list[bytes]:
        self.timestamp += 9000
        self.frames += 1
        units = [b"\x7c\x85\x88", b"\x7c\x45\x88"] if keyframe else [b"\x41\x9a"]
        if keyframe and sets:
            units = [b"\x67\x42\xe0\x1f", b"\x68\xce", *units]
        packets = []
        for part, unit in enumerate(units):
            self.sequence += 1
            label = _LABEL.pack(self.number, self.frames, part)
            packets.append(
                rtp.build(
                    self.payload_type,
                    self.sequence,
                    self.timestamp,
                    self.ssrc,
                    unit + label,
                    marker=part == len(units) - 1,
                )
            )
        return packets


@dataclass
class Microphone:
    """An Opus publisher of 20 ms frames."""

    number: int
    sequence: int = 2000
    timestamp: int = 48_000
    payload_type: int = 111
    frames: int = 0
    level_extension: int = 1

    @property
    def ssrc(self) -> int:
        return 0x2000 + self.number

    def source(self) -> Source:
        return Source(OPUS, self.ssrc, self.payload_type, self.level_extension)

    def frame(self, dbov: int | None = None, *, after: int = 1) -> bytes:
        """The next packet, `after` frame times later, which states its level or does not."""
        self.timestamp += 960 * after
        self.sequence += 1
        self.frames += 1
        label = _LABEL.pack(self.number, self.frames, 0)
        stated = [] if dbov is None else [(self.level_extension, bytes((-dbov,)))]
        return rtp.build(
            self.payload_type, self.sequence, self.timestamp, self.ssrc, label, extensions=stated
        )

    def padding(self) -> bytes:
        self.sequence += 1
        return rtp.build(
            self.payload_type, self.sequence, self.timestamp, self.ssrc, b"", padding=4
        )


class Received(NamedTuple):
    """One packet at a receiver, unwrapped against those before it."""

    label: Label
    sequence: int
    timestamp: int
    picture: int
    tl0_picture: int
    marker: bool
    starts_keyframe: bool


class ReceivingLeg:
    """A leg of a packet path of its own, and the wire behind it, which keeps what it is sent.

    Nothing is encrypted. While `broken`, protecting fails.
    """

    full = False

    def __init__(self, make: HotPathMaker | None = None, *, broken: bool = False) -> None:
        self.counters = Counters()
        self.path = (make or choose())(self.counters, lambda: 0.0, lambda: None)
        self.broken = broken
        self.leg = self.path.leg(0.0)
        self.leg.secure(Protection(self._protect))
        self.leg.aim(self, ("192.0.2.1", 9))
        self._packets: list[bytes] = []

    @property
    def packets(self) -> list[bytes]:
        """All that was sent, the pacer's queue included."""
        self.path.flush(1e9)
        return self._packets

    def fileno(self) -> int:
        return -1

    def send(self, datagram: bytes, address: object, /) -> None:
        self._packets.append(datagram)

    def _protect(self, packet: bytes) -> bytes:
        if self.broken:
            raise OSError("no key")
        return packet

    def received(self) -> list[Received]:
        """All packets in their order of arrival; -1 where a number is absent."""
        found: list[Received] = []
        highest = None
        for packet in self.packets:
            header = rtp.parse(packet)
            assert header is not None
            picture = tl0_picture = -1
            starts = False
            if header.payload_type == 108:
                cut = parse_h264(packet, header.start, header.end)
                assert cut is not None
                starts = cut.starts_keyframe is True
            elif header.payload_type != 111:
                payload = parse_vp8(packet, header.start, header.end)
                assert payload is not None
                assert payload.picture_id_bits == 15
                picture, tl0_picture = payload.picture_id, payload.tl0_picture
                starts = payload.starts_keyframe is True
            label = Label(*_LABEL.unpack(packet[header.end - _LABEL.size : header.end]))
            sequence, timestamp = header.sequence, header.timestamp
            if highest is not None:
                sequence = _near(sequence, highest.sequence, 16)
                timestamp = _near(timestamp, highest.timestamp, 32)
                picture = _near(picture, highest.picture, 15) if picture >= 0 else -1
                if tl0_picture >= 0 and highest.tl0_picture >= 0:
                    tl0_picture = _near(tl0_picture, highest.tl0_picture, 8)
            one = Received(label, sequence, timestamp, picture, tl0_picture, header.marker, starts)
            if highest is None or sequence > highest.sequence:
                highest = one
            found.append(one)
        return found


def _near(value: int, reference: int, bits: int) -> int:
    """The number of these low bits that is nearest to the reference."""
    half = 1 << bits - 1
    return reference + ((value - reference + half) & ((1 << bits) - 1)) - half
