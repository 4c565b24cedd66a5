"""One published RTP stream, made uniform before it is fanned out."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

from bridge import rtp
from bridge.codecs import Codec
from bridge.edits import Edits
from bridge.estimator import MAX_MISORDER, RATE_STEP_S, Reception, RollingMeter
from bridge.loudness import Loudness
from bridge.packetcache import History

MAX_GAP = 256
"""Lost packets in a row after which nothing can fill the hole: the stream starts anew."""
MAX_LEAP_S = 5.0
"""Seconds by which timestamps may run ahead of the clock before they count as restarted."""
MAX_PAUSE_S = 60.0
"""After a longer silence the stream starts anew, whatever its numbers say."""

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

    This is one of sound, and what all have in common; pictures are `Vp8Source` and `H264Source`.
    Header extensions, contributing sources and padding are stripped: they belong to the
    publisher's session. Padding-only packets are dropped and the hole closed.

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
        "_edits",
        "_floor",
        "_highest",
        "_in_hand",
        "_meter",
        "_rate_at",
        "_removed",
        "_seen",
        "_started",
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
        self._meter = RollingMeter()
        self._rate_at = 0.0
        self._started = False
        self._seen = [-1] * REMEMBERED
        self._floor = 0  # extended number of the first packet since the last restart
        self._highest = 0
        self._removed = 0  # packets taken out since then, less those put in …
        self._edits = Edits()  # … and where
        self._in_hand: tuple[float, int, rtp.Header, bytes] | None = None

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
            number += self._edits.behind(extended)
        if start == end:
            return self._drop_padding(extended, number)
        if not self._read(now, data, header):
            return self._drop("malformed")
        if not self._started:
            number = self._begin(now, extended, timestamp)
        elif number <= self.last_sequence:
            return self._take_late(extended, number, header, data)
        elif self._jumped(now, number, timestamp):
            self._in_hand = (now, extended, header, data)
            return _RESTARTED
        return self._take(now, number, extended, header, data)

    def restart(self) -> Verdict:
        """Take the packet that was judged `Verdict.RESTARTED` as the first of a new run."""
        now, extended, header, data = self._let_go()
        number = self._begin(now, extended, header.timestamp)
        return self._take(now, number, extended, header, data)

    def proceed(self) -> None:
        """Take the packet that was judged `Verdict.PRECEDED`."""
        now, extended, header, data = self._let_go()
        self._removed -= 1
        self._edits.put_in(extended)
        newer = self._advance(now, self.last_sequence + 1, header)
        self._fill_payload(data, header, newer)

    @property
    def area(self) -> int:
        """Of the picture, in pixels; 0 while unknown."""
        return self.width * self.height

    @property
    def profile(self) -> str | None:
        """Profile and level of H.264, as ``profile-level-id`` has them; None while unknown."""
        return None

    # --- what a codec has of its own ---------------------------------------------------------

    def _read(self, now: float, data: bytes, header: rtp.Header) -> bool:
        """Look at the packet's payload, which what follows is about; False if it is malformed."""
        if self.loudness is not None:
            wanted = self.level_extension
            level = None if wanted is None else rtp.audio_level(data, header, wanted)
            self.loudness.packet(now, level)
        return True

    def _needs(self, timestamp: int, follows: bool) -> bytes | None:
        """A payload that must go out before this packet, None if there is none. `follows`: nothing
        is missing before it."""
        return None

    def _fill_payload(self, data: bytes, header: rtp.Header, newer: bool) -> None:
        """Fill in what of `packet` is the codec's, of one that is higher than all before. `newer`:
        so is its timestamp."""
        self.packet.tail = data[header.start : header.end]

    def _fill_late_payload(self, data: bytes, header: rtp.Header) -> bool:
        """The same of one that a higher one overtook; False, and nothing is changed, if its place
        is unknown."""
        self.packet.tail = data[header.start : header.end]
        return True

    def _note_size(self, size: tuple[int, int] | None) -> None:
        if size is not None:
            self.width, self.height = size

    # --- numbers and times -------------------------------------------------------------------

    def _measure(self, now: float) -> None:
        """End a step of the bitrate's window."""
        self.bitrate_bps = self._meter.bitrate_bps(now, self.reception.octets)
        self._rate_at = now + RATE_STEP_S

    def _drop(self, reason: str) -> Verdict:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        return _DROPPED

    def _drop_padding(self, extended: int, number: int) -> Verdict:
        # closed only while nothing behind it has left: a number is never given twice
        if self._started and number > self.last_sequence:
            self._removed += 1
            self._edits.took_out(extended)
        return self._drop("padding")

    def _begin(self, now: float, extended: int, timestamp: int) -> int:
        """Start a run of numbers with this packet; returns its own."""
        self._started = True
        self._floor = self._highest = extended
        self._removed = 0
        self._edits.clear()
        self.last_at = now
        self.last_timestamp = timestamp
        self.last_tl0_picture = -1
        return extended

    def _jumped(self, now: float, number: int, timestamp: int) -> bool:
        """Whether slots cannot simply go on counting from the packet before."""
        if number - self.last_sequence > MAX_GAP or now - self.last_at > MAX_PAUSE_S:
            return True
        step = (timestamp - self.last_timestamp) & 0xFFFFFFFF
        # half the circle and more is a step back
        return step > self.codec.clock_rate * (now - self.last_at + MAX_LEAP_S)

    def _let_go(self) -> tuple[float, int, rtp.Header, bytes]:
        """The packet that was judged, and waits."""
        assert self._in_hand is not None
        held, self._in_hand = self._in_hand, None
        return held

    def _take(
        self, now: float, number: int, extended: int, header: rtp.Header, data: bytes
    ) -> Verdict:
        """Fill `packet` with one that is higher than all before, or with what it needs first."""
        payload = self._needs(header.timestamp, number == self.last_sequence + 1)
        newer = self._advance(now, number, header)
        if payload is None:
            self._fill_payload(data, header, newer)
            return _TAKEN
        self._in_hand = (now, extended, header, data)
        packet = self.packet
        packet.marker = 0
        packet.tail = payload
        packet.starts_keyframe = True
        return _PRECEDED

    def _advance(self, now: float, number: int, header: rtp.Header) -> bool:
        """`packet` is the last from now on; whether its timestamp is a new one."""
        timestamp = header.timestamp
        packet = self.packet
        packet.late = False
        packet.sequence = self.last_sequence = number
        packet.timestamp = timestamp
        packet.marker = 0x80 if header.marker else 0
        if timestamp == self.last_timestamp:
            return False
        self.last_timestamp = timestamp
        self.last_at = now
        return True

    def _take_late(self, extended: int, number: int, header: rtp.Header, data: bytes) -> Verdict:
        """Fill `packet` with one that a higher one overtook, if its place is known."""
        if extended < self._floor or not self._fill_late_payload(data, header):
            return self._drop("late")
        packet = self.packet
        packet.late = True
        packet.sequence = number
        packet.timestamp = header.timestamp
        packet.marker = 0x80 if header.marker else 0
        return _TAKEN
