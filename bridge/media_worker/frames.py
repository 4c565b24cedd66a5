"""Whole frames from RTP payloads: VP8 (RFC 7741), H.264 (RFC 6184), Opus (RFC 7587).

A frame of which a packet is missing is never given out, nor what refers to it: a picture goes on at
the next keyframe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bridge import rtp
from bridge.codecs import parse_vp8
from bridge.media_worker import h264
from bridge.receiveoffer import CodecName

MAX_FRAME = 8 * 1024 * 1024
"""Bytes; a larger one is nonsense, and dropped."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One coded picture, or one packet of sound, as a file stores it.

    `timestamp` is RTP's. `size` is width and height, of keyframes only. `config` is what a decoder
    must know beforehand (H.264: its AVCDecoderConfigurationRecord), of keyframes only.
    """

    timestamp: int
    keyframe: bool
    data: bytes
    size: tuple[int, int] | None = None
    config: bytes | None = None


class Assembler(Protocol):
    """Puts frames of one stream together. `starved`: it waits for a keyframe; `skipped` counts
    frames that were left out."""

    starved: bool
    skipped: int

    def put(self, packet: bytes, header: rtp.Header) -> Frame | None:
        """The frame that this packet completes, if it does. Packets come in order."""

    def gap(self) -> None:
        """Packets are missing here."""


def assembler(codec: CodecName) -> Assembler:
    """The one for a stream of this codec."""
    return Sound() if codec == "opus" else Pictures(codec)


class Sound:
    """Each packet is a frame, and none needs another."""

    def __init__(self) -> None:
        self.starved = False
        self.skipped = 0

    def put(self, packet: bytes, header: rtp.Header) -> Frame | None:
        """See `Assembler`. Padding alone is no frame."""
        data = packet[header.start : header.end]
        return Frame(header.timestamp, True, data) if data else None

    def gap(self) -> None:
        """See `Assembler`."""


class Pictures:
    """VP8 or H.264."""

    def __init__(self, codec: CodecName) -> None:
        self.starved = True
        self.skipped = 0
        self._vp8 = codec == "VP8"
        self._nals = h264.Unpacker()
        self._parts: list[bytes] = []
        self._octets = 0
        self._timestamp: int | None = None
        self._broken = False

    def put(self, packet: bytes, header: rtp.Header) -> Frame | None:
        """See `Assembler`. A frame ends with the marker; one that ends otherwise is incomplete."""
        if header.start == header.end:
            return None
        if header.timestamp != self._timestamp:
            if self._parts:
                self._drop()
            self._begin(header.timestamp)
        # of all payloads, so that neither empty parts nor a unit that never ends can pile up
        self._octets += header.end - header.start
        parts = self._payload(packet, header) if self._octets <= MAX_FRAME else None
        if parts is None:
            self._broken = True
        elif not self._broken:
            self._parts += parts
        if not header.marker:
            return None
        frame = None if self._broken else self._finish(header.timestamp)
        if self._broken:
            self._drop()
        self._begin(None)
        return frame

    def gap(self) -> None:
        """See `Assembler`."""
        self._begin(None)
        self.starved = True

    def _begin(self, timestamp: int | None) -> None:
        self._broken = False
        self._timestamp = timestamp
        self._parts, self._octets = [], 0
        self._nals.reset()

    def _drop(self) -> None:
        self.skipped += 1
        self.starved = True

    def _payload(self, packet: bytes, header: rtp.Header) -> list[bytes] | None:
        if not self._vp8:
            data = packet[header.start : header.end]
            if not self._parts and not self._nals.incomplete and not h264.may_begin(data):
                return None
            return self._nals.put(data)
        payload = parse_vp8(packet, header.start, header.end)
        if payload is None:
            return None
        starts = payload.flags >> 8 & 0x17 == 0x10
        if starts == bool(self._parts):
            # a second beginning, or a middle without a beginning
            return None
        # `rest` points behind picture id and TL0PICIDX; TID and KEYIDX share one more octet
        return [packet[payload.rest + (1 if payload.flags & 0x30 else 0) : header.end]]

    def _finish(self, timestamp: int) -> Frame | None:
        frame = self._vp8_frame(timestamp) if self._vp8 else self._h264_frame(timestamp)
        if frame is None:
            self._drop()
            return None
        if frame.keyframe:
            self.starved = False
        elif self.starved:
            self.skipped += 1
            return None
        return frame

    def _vp8_frame(self, timestamp: int) -> Frame | None:
        data = b"".join(self._parts)
        if not data:
            return None
        # RFC 6386 §9.1: the first bit is 0 in a keyframe; start code and size follow its tag
        if data[0] & 1:
            return Frame(timestamp, False, data)
        if data[3:6] != b"\x9d\x01\x2a" or len(data) < 10:
            return None
        width = int.from_bytes(data[6:8], "little") & 0x3FFF
        height = int.from_bytes(data[8:10], "little") & 0x3FFF
        return Frame(timestamp, True, data, (width, height))

    def _h264_frame(self, timestamp: int) -> Frame | None:
        nals = [nal for nal in self._parts if nal and nal[0] & 0x1F != h264.DELIMITER]
        if not nals or self._nals.incomplete:
            return None
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
        kinds = {nal[0] & 0x1F for nal in nals}
        if h264.IDR not in kinds:
            return Frame(timestamp, False, data)
        sets = self._nals.sets
        config = sets.config
        return None if config is None else Frame(timestamp, True, data, sets.size, config)
