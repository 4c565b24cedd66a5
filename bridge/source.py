"""One published RTP stream, made uniform before it is fanned out."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Hashable, Iterable
from enum import Enum

from bridge import rtp
from bridge.codecs import (
    H264,
    VP8,
    Codec,
    H264Payload,
    Vp8Payload,
    parse_h264,
    parse_vp8,
    vp8_size,
)
from bridge.cuts import Cuts
from bridge.estimator import MAX_MISORDER, Reception
from bridge.loudness import Loudness
from bridge.packetcache import History

MAX_GAP = 256
"""Lost packets in a row after which nothing can fill the hole: the stream starts anew."""
MAX_LEAP_S = 5.0
"""Seconds by which timestamps may run ahead of the clock before they count as restarted."""
MAX_PAUSE_S = 60.0
"""After a longer silence the stream starts anew, whatever its numbers say."""
RATE_STEP_S = 0.1
RATE_STEPS = 10
"""The bitrate is that of the last second."""

REMEMBERED = 1024
"""Numbers of packets by which a duplicate is known."""
assert REMEMBERED > MAX_MISORDER


class Verdict(Enum):
    """What became of a packet."""

    DROPPED = "dropped"
    """It is not forwarded; `Source.dropped` says why."""
    TAKEN = "taken"
    """`Source.packet` holds it."""
    RESTARTED = "restarted"
    """The stream jumped: end every slot's run of it first, then call `Source.restart`."""
    PRECEDED = "preceded"
    """`Source.packet` holds the parameter sets of a keyframe that came without: hand them on, then
    call `Source.proceed`, which puts in the keyframe's own."""


_DROPPED, _TAKEN = Verdict.DROPPED, Verdict.TAKEN
_RESTARTED, _PRECEDED = Verdict.RESTARTED, Verdict.PRECEDED


class Packet:
    """The packet in hand, as all slots share it. Reused by its `Source`: to keep one, copy it.

    `sequence` is extended and counts no packet that was dropped on purpose; `late` means that a
    higher one came before. `picture` is the extended VP8 picture id, -1 in other codecs, and
    `descriptor` the first two octets of a descriptor with a 15-bit picture id; `tl0_picture` is
    -1 when absent. `tail` is what follows in every slot alike. `marker` is 0x80 or 0. `history`
    is where the packet path keeps the source's packets for those who ask again.
    """

    __slots__ = (
        "descriptor",
        "history",
        "late",
        "marker",
        "picture",
        "sequence",
        "starts_keyframe",
        "tail",
        "timestamp",
        "tl0_picture",
    )

    def __init__(self, history: History) -> None:
        self.history = history
        self.sequence = 0
        self.timestamp = 0
        self.marker = 0
        self.late = False
        self.picture = -1
        self.tl0_picture = -1
        self.descriptor = 0
        self.tail = b""
        self.starts_keyframe = False

    def kept(self) -> Packet:
        """A copy that outlives the next packet."""
        copy = Packet(self.history)
        for name in Packet.__slots__:
            setattr(copy, name, getattr(self, name))
        return copy


class Source:
    """What one session publishes as one track, under one SSRC.

    Give it to `Crosspoint.add_source` once its SSRC is known, and every authentic RTP packet of
    that SSRC to `Crosspoint.forward`. A new SSRC (a new session, a restarted encoder) is a new
    `Source` under the same port and track.

    Header extensions, contributing sources and padding are stripped: they belong to the
    publisher's session. Padding-only packets are dropped and the hole closed. VP8 always leaves
    with a 15-bit picture id, counted here if the publisher sends none. A keyframe of H.264 starts
    with its parameter sets: a slot that began behind them, at the picture itself, could not be
    decoded. Where the publisher does not repeat them, those that came before, or stood in its offer
    (`sets`), are put in as a packet of their own.

    `reception` holds the figures for receiver reports, among them packets and octets. `keyframes`
    and `keyframe_requests` are totals; `dropped` counts what was not forwarded, by reason:
    ``malformed``, ``payload_type``, ``sequence``, ``duplicate``, ``late``, ``padding``.
    `loudness` is a microphone's, None of pictures; `level_extension` is the id under which its
    packets state it (RFC 6464), None where that was not agreed.
    `media_at` is when the last packet came (`now`'s clock), None before the first; `bitrate_bps`
    is over the last second in which any came. `width` and `height` of the picture are known from
    the first keyframe on that says them, 0 before.

    Sources of one `section` make their keyframes together (simulcast layers of one encoder);
    None is alone. `ignored_requests` in a row brought no keyframe, though pictures came;
    `ignores_requests` says that it goes by a clock of its own.
    """

    __slots__ = (
        "_cut",
        "_cuts",
        "_floor",
        "_frames",
        "_highest",
        "_in_hand",
        "_inserted",
        "_padding",
        "_picture_bits",
        "_picture_raw",
        "_rate_at",
        "_rates",
        "_removed",
        "_seen",
        "_started",
        "_vp8",
        "bitrate_bps",
        "codec",
        "dropped",
        "height",
        "ignored_requests",
        "ignores_requests",
        "keyframe_requests",
        "keyframes",
        "last_at",
        "last_picture",
        "last_sequence",
        "last_timestamp",
        "last_tl0_picture",
        "level_extension",
        "loudness",
        "media_at",
        "packet",
        "payload_type",
        "reception",
        "section",
        "ssrc",
        "width",
    )

    def __init__(
        self,
        codec: Codec,
        ssrc: int,
        payload_type: int,
        level_extension: int | None = None,
        section: Hashable | None = None,
        sets: Iterable[bytes] = (),
    ) -> None:
        self.loudness = Loudness() if codec.media == "audio" else None
        self.level_extension = level_extension
        self.codec = codec
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.packet = Packet(History())
        self.reception = Reception(codec.clock_rate)
        self.keyframes = 0
        self.keyframe_requests = 0
        self.ignored_requests = 0
        self.ignores_requests = False
        self.section = section
        self.bitrate_bps = 0.0
        self.width = self.height = 0
        self.dropped: dict[str, int] = {}
        self.media_at: float | None = None
        # the newest packet that slots were given, in the numbers of `Packet`; `last_at` is when
        # its timestamp was first seen
        self.last_sequence = 0
        self.last_timestamp = 0
        self.last_at = 0.0
        self.last_picture = 0
        self.last_tl0_picture = -1
        self._rate_at = 0.0
        self._rates: deque[tuple[float, int]] = deque(maxlen=RATE_STEPS)
        self._vp8 = codec is VP8
        self._cuts = Cuts(sets) if codec is H264 else None
        self._cut: H264Payload | None = None  # of the packet in hand
        self._started = False
        self._seen = [-1] * REMEMBERED
        self._floor = 0  # extended number of the first packet since the last restart
        self._highest = 0
        self._removed = 0  # padding-only packets taken out since then, less those put in …
        self._padding: list[int] = []  # … and the numbers of the former, ascending, the recent ones
        self._inserted: list[int] = []  # the same of packets before which one was put in
        self._picture_raw = 0
        self._picture_bits = 0
        self._frames: dict[int, int] = {}  # timestamp → picture, for publishers without ids
        self._in_hand: tuple[float, int, rtp.Header, bytes, Vp8Payload | None] | None = None

    def receive(self, now: float, data: bytes) -> Verdict:
        """Count an authentic packet and, if it can be forwarded, put it into `packet`."""
        header = rtp.parse(data)
        if header is None:
            return self._drop("malformed")
        payload_type, _, sequence, timestamp, _, start, end, _, _, _ = header
        if payload_type != self.payload_type:
            return self._drop("payload_type")
        self.media_at = now
        if now >= self._rate_at:
            self._measure(now)
        extended = self.reception.receive(now, sequence, timestamp, end - start)
        if extended is None:
            return self._drop("sequence")
        index = extended % REMEMBERED
        if self._seen[index] == extended:
            return self._drop("duplicate")
        self._seen[index] = extended
        number = extended - self._removed
        if extended > self._highest:
            self._highest = extended
        else:
            number += _behind(self._padding, extended) - _behind(self._inserted, extended)
        if start == end:
            return self._drop_padding(extended, number)
        if self.loudness is not None:
            wanted = self.level_extension
            level = None if wanted is None else rtp.audio_level(data, header, wanted)
            self.loudness.packet(now, level)
        payload = parse_vp8(data, start, end) if self._vp8 else None
        if self._vp8 and payload is None:
            return self._drop("malformed")
        if self._cuts is not None:
            self._cut = parse_h264(data, start, end)
            if self._cut is None:
                return self._drop("malformed")
        if not self._started:
            number = self._begin(now, extended, header, payload)
        elif number <= self.last_sequence:
            return self._take_late(extended, number, header, data, payload)
        elif self._jumped(now, number, timestamp, payload):
            self._in_hand = (now, extended, header, data, payload)
            return _RESTARTED
        if self._cut is not None and self._precede(now, number, extended, header, data):
            return _PRECEDED
        self._take(now, number, header, data, payload)
        return _TAKEN

    def restart(self) -> Verdict:
        """Take the packet that was judged `Verdict.RESTARTED` as the first of a new run."""
        assert self._in_hand is not None
        now, extended, header, data, payload = self._in_hand
        self._in_hand = None
        number = self._begin(now, extended, header, payload)
        if self._cut is not None and self._precede(now, number, extended, header, data):
            return _PRECEDED
        self._take(now, number, header, data, payload)
        return _TAKEN

    def proceed(self) -> None:
        """Take the packet that was judged `Verdict.PRECEDED`."""
        assert self._in_hand is not None
        now, extended, header, data, payload = self._in_hand
        self._in_hand = None
        self._removed -= 1
        insort(self._inserted, extended)
        del self._inserted[: -2 * REMEMBERED]
        self._take(now, self.last_sequence + 1, header, data, payload)

    @property
    def area(self) -> int:
        """Of the picture, in pixels; 0 while unknown."""
        return self.width * self.height

    @property
    def profile(self) -> str | None:
        """Profile and level of H.264, as ``profile-level-id`` has them; None while unknown."""
        return self._cuts.sets.profile_level if self._cuts is not None else None

    def _measure(self, now: float) -> None:
        """End a step of the bitrate's window."""
        rates, octets = self._rates, self.reception.octets
        while rates and now - rates[0][0] > 2 * RATE_STEPS * RATE_STEP_S:
            rates.popleft()
        if rates:
            at, before = rates[0]
            self.bitrate_bps = 8 * (octets - before) / (now - at)
        rates.append((now, octets))
        self._rate_at = now + RATE_STEP_S

    def _drop(self, reason: str) -> Verdict:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        return _DROPPED

    def _drop_padding(self, extended: int, number: int) -> Verdict:
        # closed only while nothing behind it has left: a number is never given twice
        if self._started and number > self.last_sequence:
            self._removed += 1
            insort(self._padding, extended)
            if len(self._padding) > 2 * REMEMBERED:
                del self._padding[:REMEMBERED]
        return self._drop("padding")

    def _begin(
        self, now: float, extended: int, header: rtp.Header, payload: Vp8Payload | None
    ) -> int:
        """Start a run of numbers with this packet; returns its own."""
        self._started = True
        self._floor = self._highest = extended
        self._removed = 0
        self._padding.clear()
        self._inserted.clear()
        self._frames.clear()
        if self._cuts is not None:
            self._cuts.restart()
        self.last_at = now
        self.last_timestamp = header.timestamp
        self.last_tl0_picture = -1
        if payload is not None:
            self._picture_bits = payload.picture_id_bits
            self._picture_raw = self.last_picture = payload.picture_id
        return extended

    def _jumped(self, now: float, number: int, timestamp: int, payload: Vp8Payload | None) -> bool:
        """Whether slots cannot simply go on counting from the packet before."""
        if number - self.last_sequence > MAX_GAP or now - self.last_at > MAX_PAUSE_S:
            return True
        step = (timestamp - self.last_timestamp) & 0xFFFFFFFF
        # half the circle and more is a step back
        if step > self.codec.clock_rate * (now - self.last_at + MAX_LEAP_S):
            return True
        if payload is None:
            return False
        bits = payload.picture_id_bits
        if bits != self._picture_bits:
            return True
        if bits == 0:
            return False
        pictures = (payload.picture_id - self._picture_raw) & ((1 << bits) - 1)
        return pictures >= 1 << bits - 1 or (pictures == 0 and step != 0)

    def _take(
        self,
        now: float,
        number: int,
        header: rtp.Header,
        data: bytes,
        payload: Vp8Payload | None,
    ) -> None:
        """Fill `packet` with one that is higher than all before, and remember it as the last."""
        timestamp = header.timestamp
        new_timestamp = timestamp != self.last_timestamp
        if new_timestamp:
            self.last_timestamp = timestamp
            self.last_at = now
        packet = self.packet
        packet.late = False
        packet.sequence = self.last_sequence = number
        packet.timestamp = timestamp
        packet.marker = 0x80 if header.marker else 0
        if payload is None:
            packet.tail = data[header.start : header.end]
            packet.starts_keyframe = self._starts(timestamp, header, data)
            return
        if payload.picture_id_bits:
            mask = (1 << self._picture_bits) - 1
            self.last_picture += (payload.picture_id - self._picture_raw) & mask
            self._picture_raw = payload.picture_id
        else:
            self._count_frame(timestamp, new_timestamp)
        self._fill_vp8(data, header, payload, self.last_picture)
        if payload.tl0_picture >= 0:
            self.last_tl0_picture = payload.tl0_picture
        packet.starts_keyframe = payload.starts_keyframe is True
        if packet.starts_keyframe:
            self.keyframes += 1
            self._note_size(vp8_size(data, payload))

    def _note_size(self, size: tuple[int, int] | None) -> None:
        if size is not None:
            self.width, self.height = size

    def _starts(self, timestamp: int, header: rtp.Header, data: bytes) -> bool:
        """Whether this packet of H.264 is the first that a decoder needs."""
        cuts, cut = self._cuts, self._cut
        if cuts is None or cut is None:
            return False
        self._note_size(cuts.read(data, header.start, header.end))
        if not cuts.begins(timestamp, cut):
            return False
        self.keyframes += 1
        return cuts.starts(cut)

    def _precede(
        self, now: float, number: int, extended: int, header: rtp.Header, data: bytes
    ) -> bool:
        """If this packet of H.264 begins a keyframe that lacks its parameter sets, fill `packet`
        with them: there it starts."""
        cuts, cut, timestamp = self._cuts, self._cut, header.timestamp
        assert cuts is not None
        assert cut is not None
        if not cuts.lacks(timestamp, cut, number == self.last_sequence + 1):
            return False
        self._in_hand = (now, extended, header, data, None)
        self._note_size(cuts.sets.size)
        cuts.keyframe_at = timestamp
        self.keyframes += 1
        self.last_timestamp = timestamp
        self.last_at = now
        packet = self.packet
        packet.late = False
        packet.sequence = self.last_sequence = number
        packet.timestamp = timestamp
        packet.marker = 0
        packet.tail = cuts.sets.payload or b""
        packet.starts_keyframe = True
        return True

    def _take_late(
        self,
        extended: int,
        number: int,
        header: rtp.Header,
        data: bytes,
        payload: Vp8Payload | None,
    ) -> Verdict:
        """Fill `packet` with one that a higher one overtook, if its place is known."""
        picture = -1 if payload is None else self._late_picture(header.timestamp, payload)
        if extended < self._floor or (payload is not None and picture < 0):
            return self._drop("late")
        packet = self.packet
        packet.late = True
        packet.sequence = number
        packet.timestamp = header.timestamp
        packet.marker = 0x80 if header.marker else 0
        packet.starts_keyframe = False
        if payload is None:
            packet.tail = data[header.start : header.end]
            cuts, cut = self._cuts, self._cut
            if cuts is not None and cut is not None and header.timestamp == cuts.keyframe_at:
                packet.starts_keyframe = cut.has_parameters
                self._note_size(cuts.read(data, header.start, header.end))
        else:
            self._fill_vp8(data, header, payload, picture)
            packet.starts_keyframe = payload.starts_keyframe is True
            if packet.starts_keyframe:
                self.keyframes += 1
                self._note_size(vp8_size(data, payload))
        return _TAKEN

    def _late_picture(self, timestamp: int, payload: Vp8Payload) -> int:
        """The extended picture id of a late packet, -1 if it cannot be told."""
        bits = payload.picture_id_bits
        if bits != self._picture_bits:
            return -1
        if bits == 0:
            return self._frames.get(timestamp, -1)
        behind = (self._picture_raw - payload.picture_id) & ((1 << bits) - 1)
        return self.last_picture - behind if behind < 1 << bits - 1 else -1

    def _fill_vp8(self, data: bytes, header: rtp.Header, payload: Vp8Payload, picture: int) -> None:
        packet = self.packet
        packet.picture = picture
        packet.descriptor = payload.flags | 0x8080
        packet.tl0_picture = payload.tl0_picture
        packet.tail = data[payload.rest : header.end]

    def _count_frame(self, timestamp: int, new_timestamp: bool) -> None:
        if new_timestamp:
            self.last_picture += 1
        self._frames[timestamp] = self.last_picture
        if len(self._frames) > 32:
            del self._frames[next(iter(self._frames))]


def _behind(numbers: list[int], number: int) -> int:
    """How many of these, ascending, are higher."""
    return len(numbers) - bisect_right(numbers, number)
