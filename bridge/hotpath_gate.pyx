# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The way in, compiled: what becomes of a publisher's packet that is as usual.

As usual is one of sound or VP8 whose SSRC is known, that follows the one before, begins no keyframe
and for which no slot waits. All else, some in a hundred, is left as it came to `Publisher`, and is
done there in Python, which is also what this is held equal to. The state is one: what is written
here are the attributes of `Ceiling`, `Losses`, `Reception` and `Source`, in the order of
`Publisher.receive_rtp`, `Crosspoint.forward` and `Source.receive`.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.list cimport PyList_GET_ITEM
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uintptr_t

import cython

from bridge.hotpath_c cimport protect_t
from bridge.hotpath_fanout cimport FastFanout
from bridge.hotpath_legs cimport Kept

from bridge import codecs, hotpath
from bridge import source as source_module

cdef enum:
    MIN_PACKET = 12
    ONE_BYTE_PROFILE = 0xBEDE
    # libsrtp's `srtp_err_status_t`
    AUTH_FAIL = 7
    REPLAY_FAIL = 9
    REPLAY_OLD = 10

cdef int MAX_DATAGRAM = hotpath.MAX_DATAGRAM
cdef int MAX_GAP = source_module.MAX_GAP
cdef int REMEMBERED = source_module.REMEMBERED
cdef double MAX_LEAP_S = source_module.MAX_LEAP_S
cdef double MAX_PAUSE_S = source_module.MAX_PAUSE_S


cdef struct Descriptor:
    int flags
    int picture
    int bits
    int tl0_picture
    int rest


@cython.final
cdef class Stream:
    """One SSRC of a session: where its state lies, and what of it never changes."""

    def __cinit__(self, source, losses, feed):
        self.ssrc = source.ssrc
        self.payload_type = source.payload_type
        self.pictures = source.codec.media == "video"
        self.clock_rate = source.codec.clock_rate
        self.source = source
        self.reception = source.reception
        self.loudness = source.loudness
        self.level_extension = source.level_extension or 0
        self.history = source.packet.history
        self.losses = losses
        self.feed = feed


@cython.final
cdef class FastGate:
    """See `hotpath.Gate`."""

    def __cinit__(self, FastFanout path, flow, dropped, ceiling, arrivals, number_extension):
        self.path = path
        self.dropped = dropped
        self.flow = flow
        self.ceiling = ceiling
        self.arrivals = arrivals
        self.number_extension = number_extension
        self.streams = []

    def secure(self, protection):
        """See `hotpath.Gate`."""
        self.protection = protection
        self.function = <protect_t><uintptr_t>protection.function
        self.context = <void*><uintptr_t>protection.context

    def add(self, source, losses, feed):
        """See `hotpath.Gate`."""
        if source.codec in (codecs.OPUS, codecs.VP8):
            self.streams.append(Stream(source, losses, feed))

    def remove(self, source):
        """See `hotpath.Gate`."""
        self.streams = [one for one in self.streams if (<Stream>one).source is not source]

    def close(self):
        """See `hotpath.Gate`."""
        self.function = NULL
        self.context = NULL
        self.protection = self.flow = None
        self.streams = []

    def receive(self, double now, double arrival, bytes datagram):
        """See `hotpath.Gate`."""
        cdef bytearray copy
        if not self.knows(<uint8_t*><char*>datagram, <int>len(datagram)):
            return False
        # it is decrypted in place
        copy = bytearray(datagram)
        return self.take(now, arrival, <uint8_t*><char*>copy, <int>len(datagram))

    cdef bint take(self, double now, double arrival, uint8_t* datagram, int size) except -1:
        """Whether an SRTP datagram was dealt with; if not, it is as it was."""
        cdef Stream one = self.knows(datagram, size)
        cdef int status
        if one is None:
            return False
        status = self.function(self.context, datagram, &size)
        if status:
            self.refuse(status)
            return True
        self.heard_at = now
        if not self.usual(one, now, arrival, datagram, size):
            self.path.latency.arrival = arrival
            self.flow.receive_rtp(now, arrival, PyBytes_FromStringAndSize(<char*>datagram, size))
        return True

    cdef int refuse(self, int status) except -1:
        """See `transport.srtp_error`."""
        if status == AUTH_FAIL:
            self.dropped["srtp_auth"] += 1
        elif status == REPLAY_FAIL or status == REPLAY_OLD:
            self.dropped["srtp_replay"] += 1
        else:
            self.dropped["malformed"] += 1
        return 0

    cdef Stream knows(self, const uint8_t* datagram, int size):
        """Whose RTP packet it says that it is; None if that is nobody's here."""
        cdef uint32_t ssrc
        cdef Py_ssize_t index
        if self.function == NULL or not MIN_PACKET <= size <= MAX_DATAGRAM:
            return None
        if 191 < datagram[1] < 224:
            return None
        ssrc = read_four(datagram + 8)
        for index in range(len(self.streams)):
            if (<Stream>PyList_GET_ITEM(self.streams, index)).ssrc == ssrc:
                return <Stream>PyList_GET_ITEM(self.streams, index)
        return None

    cdef bint usual(
        self, Stream one, double now, double arrival, const uint8_t* packet, int size
    ) except -1:
        """Take a packet that is as usual; False, and nothing is changed, if it is not."""
        cdef int first = packet[0]
        cdef int start = MIN_PACKET + 4 * (first & 0x0F)
        cdef int profile = 0, extensions = 0
        cdef uint16_t sequence = <uint16_t>(packet[2] << 8 | packet[3])
        cdef uint32_t timestamp = read_four(packet + 4)
        if first & 0xE0 != 0x80 or packet[1] & 0x7F != one.payload_type:
            return False
        if first & 0x10:
            extensions = start + 4
            if extensions > size:
                return False
            profile = packet[start] << 8 | packet[start + 1]
            start = extensions + 4 * (packet[start + 2] << 8 | packet[start + 3])
        if start >= size:
            return False
        if one.level_extension and profile and profile != ONE_BYTE_PROFILE:
            return False

        feed, source, reception, losses = one.feed, one.source, one.reception, one.losses
        cdef tuple slots = feed.slots
        if PyTuple_GET_SIZE(feed.waiting) or not source._started:
            return False
        highest = reception._highest
        if highest is None:
            return False
        cdef long long extended = highest
        if <uint16_t>(sequence - extended) != 1:
            return False
        extended += 1
        if losses is not None:
            highest = losses._highest
            if highest is None or losses._missing or <uint16_t>(sequence - <int>highest) != 1:
                return False
        cdef long long number = extended - <long long>source._removed
        cdef long long last = source.last_sequence
        cdef double last_at = source.last_at
        cdef uint32_t step = timestamp - <uint32_t>source.last_timestamp
        if number <= last or number - last > MAX_GAP or now - last_at > MAX_PAUSE_S:
            return False
        if step > one.clock_rate * (now - last_at + MAX_LEAP_S):
            return False
        cdef Descriptor vp8 = Descriptor(0, 0, 0, -1, 0)
        cdef int behind = 0
        cdef int mask
        if one.pictures:
            if not read_descriptor(&vp8, packet, start, size):
                return False
            if vp8.bits != <int>source._picture_bits:
                return False
            mask = (1 << vp8.bits) - 1
            behind = (vp8.picture - <int>source._picture_raw) & mask
            if behind > mask >> 1 or (behind == 0 and step):
                return False
        ceiling = self.ceiling
        cdef double room = ceiling._room, at = ceiling._at
        if now > at:
            room += (now - at) * <double>ceiling._bytes_per_s
            if room > <double>ceiling._bucket:
                room = ceiling._bucket
            at = now
        if size > room:
            return False

        # it is; from here on nothing is refused
        ceiling._room = room - size
        ceiling._at = at
        cdef int level
        if self.number_extension:
            level = transport_number(packet, size, self.number_extension)
            if level >= 0:
                self.arrivals.received(arrival, level)
        if losses is not None:
            losses._highest = sequence
        source.media_at = now
        if now >= <double>source._rate_at:
            source._measure(now)
        count(reception, one.clock_rate, now, extended, timestamp, size - start)
        source._seen[extended % REMEMBERED] = extended
        source._highest = extended
        if one.loudness is not None:
            level = -1
            if one.level_extension and profile:
                level = audio_level(packet, extensions, start, one.level_extension)
            one.loudness.packet(now, None if level < 0 else level)
        if step:
            source.last_timestamp = timestamp
            source.last_at = now
        source.last_sequence = number
        if one.pictures:
            source.last_picture = <long long>source.last_picture + behind
            source._picture_raw = vp8.picture
            if vp8.tl0_picture >= 0:
                source.last_tl0_picture = vp8.tl0_picture
        if not PyTuple_GET_SIZE(slots):
            return True

        cdef Kept kept = Kept()
        kept.sequence = number
        kept.at = now
        kept.arrival = arrival
        kept.timestamp = timestamp
        kept.marker = packet[1] & 0x80
        kept.picture = -1
        kept.tl0_picture = -1
        if one.pictures:
            kept.picture = source.last_picture
            kept.descriptor = vp8.flags | 0x8080
            kept.tl0_picture = vp8.tl0_picture
            start = vp8.rest
        kept.tail = PyBytes_FromStringAndSize(<char*>packet + start, size - start)
        self.path.carry(now, kept, one.history, slots, False)
        return True


cdef int count(
    reception, double clock_rate, double now, long long extended, uint32_t timestamp, int octets
) except -1:
    """`Reception.receive` of a packet in order."""
    cdef double jitter
    cdef double difference = (now - <double>reception._arrival) * clock_rate
    difference -= <int>(timestamp - <uint32_t>reception._timestamp)
    if difference < 0:
        difference = -difference
    reception._highest = extended
    reception._received += 1
    reception.packets += 1
    reception.octets += octets
    if difference < 5 * clock_rate:
        jitter = reception._jitter
        reception._jitter = jitter + (difference - jitter) / 16
    reception._arrival = now
    reception._timestamp = timestamp
    return 0


cdef bint read_descriptor(Descriptor* vp8, const uint8_t* packet, int at, int end) noexcept:
    """`codecs.parse_vp8`; False where that would say None, no picture id, or a first packet of a
    keyframe or of what cannot be told."""
    cdef int first = packet[at], second
    if not first & 0x80 or at + 3 > end:
        return False
    second = packet[at + 1]
    if not second & 0x80:
        return False
    vp8.flags = first << 8 | second
    vp8.picture = packet[at + 2]
    vp8.bits = 7
    at += 3
    if vp8.picture & 0x80:
        if at >= end:
            return False
        vp8.picture = (vp8.picture & 0x7F) << 8 | packet[at]
        vp8.bits = 15
        at += 1
    vp8.tl0_picture = -1
    if second & 0x40:
        if at >= end:
            return False
        vp8.tl0_picture = packet[at]
        at += 1
    vp8.rest = at
    if second & 0x30:
        at += 1
    if first & 0x17 == 0x10:
        return at < end and packet[at] & 0x01
    return True


cdef int audio_level(const uint8_t* packet, int at, int end, int identifier) noexcept:
    """`rtp.audio_level` of one-byte elements; -1 if there is none."""
    cdef int head
    while at < end - 1:
        head = packet[at]
        if head == identifier << 4:
            return packet[at + 1] & 0x7F
        if head >= 0xF0:
            return -1
        at += (head & 0x0F) + 2 if head > 0x0F else 1
    return -1


cdef int transport_number(const uint8_t* packet, int size, int identifier) noexcept:
    """`rtp.transport_sequence`; -1 if there is none."""
    cdef int at = MIN_PACKET + 4 * (packet[0] & 0x0F)
    cdef int limit, head
    if not packet[0] & 0x10 or size < at + 4 or packet[at] != 0xBE or packet[at + 1] != 0xDE:
        return -1
    limit = min(at + 4 + 4 * (packet[at + 2] << 8 | packet[at + 3]), size) - 2
    at += 4
    while at < limit:
        head = packet[at]
        if head == identifier << 4 | 1:
            return packet[at + 1] << 8 | packet[at + 2]
        if head >= 0xF0:
            return -1
        at += (head & 0x0F) + 2 if head > 0x0F else 1
    return -1


cdef inline uint32_t read_four(const uint8_t* at) noexcept:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]
