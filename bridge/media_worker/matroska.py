"""Matroska (RFC 9559) as a recording needs it: every byte written is final, or a fixed field.

A file is a head, then whole clusters of known size, then an index. While it grows its Segment has
an unknown size (RFC 9559 §5.1), so a file that was cut off anywhere can be played up to its last
whole cluster; when it is closed, size, duration and the place of the index are written into fields
that were kept free.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from bridge.receiveoffer import CodecName

_EBML, _SEGMENT, _SEEK_HEAD, _INFO, _TRACKS = (
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x11\x4d\x9b\x74"),
    *(b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b"),
)
_CLUSTER, _CUES, _VOID = b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b", b"\xec"
_SEEK, _SEEK_ID, _SEEK_POSITION = b"\x4d\xbb", b"\x53\xab", b"\x53\xac"
_DURATION, _DATE, _TITLE, _SCALE = b"\x44\x89", b"\x44\x61", b"\x7b\xa9", b"\x2a\xd7\xb1"
_MUXING_APP, _WRITING_APP = b"\x4d\x80", b"\x57\x41"
_TIMESTAMP, _SIMPLE_BLOCK = b"\xe7", b"\xa3"
_CUE_POINT, _CUE_TIME, _CUE_PLACES, _CUE_TRACK, _CUE_CLUSTER = (
    *(b"\xbb", b"\xb3", b"\xb7", b"\xf7", b"\xf1"),
)
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_SEEK_ROOM = 80
_EPOCH_2001_S = 978_307_200
_CODEC_ID: dict[CodecName, str] = {"opus": "A_OPUS", "VP8": "V_VP8", "H264": "V_MPEG4/ISO/AVC"}
# version, channels, pre-skip, rate, gain, mapping (RFC 7845 §5.1)
_OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIHB", 1, 2, 0, 48_000, 0, 0)
_DEFAULT_SIZE = (1280, 720)
MAX_RELATIVE_MS = 32_000
"""A block's time lies at most so far from its cluster's (16 bits, signed)."""


@dataclass(frozen=True)
class TrackInfo:
    """One track of a file; numbers follow from the order. `config` is a decoder's, for H.264."""

    name: str
    codec: CodecName
    size: tuple[int, int] | None = None
    config: bytes | None = None


class Block(NamedTuple):
    """One frame: milliseconds since the file's begin, track number from 1, key, coded data."""

    at_ms: int
    track: int
    keyframe: bool
    data: bytes


class Cue(NamedTuple):
    """Where a player may jump to: time, track, and the offset of the cluster in the file."""

    at_ms: int
    track: int
    offset: int


@dataclass(frozen=True)
class Head:
    """The first bytes of a file, and where its fields lie in it."""

    data: bytes
    segment_size_at: int
    segment_data_at: int
    seek_at: int
    duration_at: int
    info_at: int
    tracks_at: int


def head(tracks: Sequence[TrackInfo], started_at: float, title: str, program: str) -> Head:
    """What a file begins with. `started_at` (Unix seconds) is the zero of its times."""
    ebml = _element(
        _EBML,
        _uint(b"\x42\x86", 1)
        + _uint(b"\x42\xf7", 1)
        + _uint(b"\x42\xf2", 4)
        + _uint(b"\x42\xf3", 8)
        + _element(b"\x42\x82", b"matroska")
        + _uint(b"\x42\x87", 4)
        + _uint(b"\x42\x85", 2),
    )
    segment_data_at = len(ebml) + len(_SEGMENT) + 8
    seek_at = segment_data_at
    date = struct.pack(">q", round((started_at - _EPOCH_2001_S) * 1e9))
    info = (
        _uint(_SCALE, 1_000_000)
        + _element(_DATE, date)
        + _element(_TITLE, title.encode())
        + _element(_MUXING_APP, program.encode())
        + _element(_WRITING_APP, program.encode())
    )
    duration = _element(_DURATION, struct.pack(">d", 0.0))
    info_element = _element(_INFO, info + duration)
    info_at = seek_at + _SEEK_ROOM
    duration_at = info_at + len(info_element) - 8
    tracks_at = info_at + len(info_element)
    entries = b"".join(_track(number, track) for number, track in enumerate(tracks, start=1))
    data = (
        *(ebml, _SEGMENT, _UNKNOWN_SIZE, void(_SEEK_ROOM)),
        *(info_element, _element(_TRACKS, entries)),
    )
    return Head(
        b"".join(data),
        *(len(ebml) + len(_SEGMENT), segment_data_at, seek_at, duration_at, info_at, tracks_at),
    )


def cluster(at_ms: int, blocks: Sequence[Block]) -> bytes:
    """A whole cluster; each block lies within `MAX_RELATIVE_MS` of `at_ms`."""
    parts = [_uint(_TIMESTAMP, at_ms)]
    for block in blocks:
        relative = block.at_ms - at_ms
        assert abs(relative) <= MAX_RELATIVE_MS, relative
        flags = 0x80 if block.keyframe else 0
        start = struct.pack(">BhB", 0x80 | block.track, relative, flags)
        parts += [_SIMPLE_BLOCK, _size(len(start) + len(block.data)), start, block.data]
    return _element(_CLUSTER, b"".join(parts))


def cues(found: Sequence[Cue], segment_data_at: int) -> bytes:
    """The index, which follows the last cluster."""
    points = (
        _element(
            _CUE_POINT,
            _uint(_CUE_TIME, cue.at_ms)
            + _element(
                _CUE_PLACES,
                _uint(_CUE_TRACK, cue.track) + _uint(_CUE_CLUSTER, cue.offset - segment_data_at),
            ),
        )
        for cue in found
    )
    return _element(_CUES, b"".join(points))


def duration_field(duration_ms: int) -> bytes:
    """What lies at `Head.duration_at`."""
    return struct.pack(">d", float(duration_ms))


def segment_size_field(octets: int) -> bytes:
    """What lies at `Head.segment_size_at`, of a file with so many bytes behind that field."""
    return struct.pack(">Q", 1 << 56 | octets)


def seek_field(begin: Head, cues_at: int | None) -> bytes:
    """What lies at `Head.seek_at`: where everything is."""
    places = [(_INFO, begin.info_at), (_TRACKS, begin.tracks_at)]
    if cues_at is not None:
        places.append((_CUES, cues_at))
    seeks = b"".join(
        _element(
            _SEEK,
            _element(_SEEK_ID, name)
            + _element(_SEEK_POSITION, struct.pack(">Q", at - begin.segment_data_at)),
        )
        for name, at in places
    )
    written = _element(_SEEK_HEAD, seeks)
    return written + void(_SEEK_ROOM - len(written))


def void(octets: int) -> bytes:
    """An element that says nothing, of 2 to 120 bytes."""
    assert 2 <= octets <= 120, octets
    return _VOID + bytes((0x80 | octets - 2,)) + bytes(octets - 2)


# --- reading what we wrote ----------------------------------------------------------------------


@dataclass(frozen=True)
class Scan:
    """What is whole in a file of ours: up to `end`, lasting `duration_ms`."""

    begin: Head
    end: int
    duration_ms: int
    cues: list[Cue]
    closed: bool


def scan(file: BinaryIO, octets: int) -> Scan | None:
    """Read a file of `octets` bytes again, whose writer may have died anywhere; None if not even
    its head is whole. Work and memory are bounded by its clusters, not by their data."""
    begin = _read_head(file)
    if begin is None:
        return None
    file.seek(begin.segment_size_at)
    closed = file.read(8) != _UNKNOWN_SIZE
    at = len(begin.data)
    last_ms, found = 0, list[Cue]()
    while True:
        file.seek(at)
        start = file.read(4 + 8)
        size, width = _read_size(start[4:])
        if start[:4] != _CLUSTER or size is None or at + 4 + width + size > octets:
            return Scan(begin, at, last_ms, found, closed)
        file.seek(at + 4 + width)
        blocks = _read_cluster(file.read(size))
        if blocks is None:
            return Scan(begin, at, last_ms, found, closed)
        last_ms = max(last_ms, *(one.at_ms for one in blocks), 0)
        cue = next((one for one in blocks if one.keyframe), None)
        if cue is not None:
            found.append(Cue(cue.at_ms, cue.track, at))
        at += 4 + width + size


def _read_head(file: BinaryIO) -> Head | None:
    file.seek(0)
    data = file.read(64 * 1024)
    segment = data.find(_SEGMENT)
    if not data.startswith(_EBML) or segment < 0:
        return None
    segment_data_at = segment + len(_SEGMENT) + 8
    info_at = segment_data_at + _SEEK_ROOM
    size, width = _read_size(data[info_at + 4 : info_at + 12])
    if data[info_at : info_at + 4] != _INFO or size is None:
        return None
    tracks_at = info_at + 4 + width + size
    size, width = _read_size(data[tracks_at + 4 : tracks_at + 12])
    end = tracks_at + 4 + width + (size or 0)
    if data[tracks_at : tracks_at + 4] != _TRACKS or size is None or end > len(data):
        return None
    return Head(
        *(data[:end], segment + len(_SEGMENT), segment_data_at, segment_data_at),
        *(tracks_at - 8, info_at, tracks_at),
    )


def _read_cluster(data: bytes) -> list[Block] | None:
    """Its blocks, without their data."""
    begin_ms, at, blocks = 0, 0, []
    while at < len(data):
        name = data[at : at + 1]
        size, width = _read_size(data[at + 1 : at + 9])
        start = at + 1 + width
        if size is None or start + size > len(data):
            return None
        if name == _TIMESTAMP:
            begin_ms = int.from_bytes(data[start : start + size], "big")
        elif name == _SIMPLE_BLOCK and size >= 4:
            track, relative, flags = struct.unpack_from(">BhB", data, start)
            blocks.append(Block(begin_ms + relative, track & 0x7F, bool(flags & 0x80), b""))
        at = start + size
    return blocks


def _read_size(data: bytes) -> tuple[int | None, int]:
    """An element's size and how many bytes tell it; None if they are cut off, or unknown."""
    if not data or not data[0]:
        return None, 1
    width = 9 - data[0].bit_length()
    if len(data) < width:
        return None, width
    value = int.from_bytes(data[:width], "big") & (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), width


# --- elements -----------------------------------------------------------------------------------


def _track(number: int, track: TrackInfo) -> bytes:
    audio = track.codec == "opus"
    entry = (
        _uint(b"\xd7", number)
        + _uint(b"\x73\xc5", number)
        + _uint(b"\x83", 2 if audio else 1)
        + _uint(b"\x9c", 0)
        + _element(b"\x22\xb5\x9c", b"und")
        + _element(b"\x53\x6e", track.name.encode())
        + _element(b"\x86", _CODEC_ID[track.codec].encode())
    )
    if audio:
        sound = _element(b"\xb5", struct.pack(">d", 48_000.0)) + _uint(b"\x9f", 2)
        # RFC 9559 §5.1.4.1.26: what a decoder must hear before it is right, 80 ms for Opus
        seek = _uint(b"\x56\xaa", 0) + _uint(b"\x56\xbb", 80_000_000)
        entry += seek + _element(b"\x63\xa2", _OPUS_HEAD) + _element(b"\xe1", sound)
    else:
        width, height = track.size or _DEFAULT_SIZE
        if track.config is not None:
            entry += _element(b"\x63\xa2", track.config)
        entry += _element(b"\xe0", _uint(b"\xb0", width) + _uint(b"\xba", height))
    return _element(b"\xae", entry)


def _element(name: bytes, body: bytes) -> bytes:
    return name + _size(len(body)) + body


def _uint(name: bytes, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, -(-value.bit_length() // 8)), "big"))


def _size(octets: int) -> bytes:
    """A size in as few bytes as it takes (RFC 8794 §4)."""
    width = 1
    while octets >= (1 << 7 * width) - 1:
        width += 1
    return (1 << 7 * width | octets).to_bytes(width, "big")
