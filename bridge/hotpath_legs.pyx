# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Legs and outlets, compiled: `PlainLeg` and `PlainOutlet` of `hotpath_plain`, which read first.

What waits on them is sent by `hotpath_fast`.
"""

from cpython.mem cimport PyMem_Malloc, PyMem_Free
from cpython.ref cimport PyObject, Py_INCREF
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uintptr_t
from libc.string cimport memset

import cython

from bridge.hotpath_c cimport (
    AF_INET,
    AF_INET6,
    SOL_UDP,
    UDP_SEGMENT,
    getsockopt,
    htonl,
    htons,
    inet_pton,
    protect_t,
    sockaddr_in,
    sockaddr_in6,
    socklen_t,
)
from bridge.hotpath_queue cimport (
    AGAIN,
    MEDIA,
    PAD,
    RTX,
    Job,
    ring_clear,
    ring_first,
    ring_push,
)

from bridge import hotpath, pacer, packetcache

cdef int PACED_LIMIT = hotpath.PACED_LIMIT
cdef int URGENT_LIMIT = hotpath.URGENT_LIMIT
cdef int SENT_HISTORY = hotpath.SENT_HISTORY
cdef int HISTORY = packetcache.HISTORY
cdef double BURST_OCTETS = pacer.BURST_OCTETS
cdef double LINK_OCTETS_PER_S = pacer.LINK_OCTETS_PER_S
cdef double MAX_WAIT_S = pacer.MAX_WAIT_S


@cython.final
@cython.freelist(256)
cdef class Kept:
    """A packet of a source, as all its slots share it."""


@cython.final
cdef class Pending:
    """The legs on which something waits. `on_pending` is called for the first after a flush."""

    def __cinit__(self, on_pending):
        self.legs = []
        self.on_pending = on_pending

    cdef int add(self, FastLeg leg) except -1:
        """Something new waits there."""
        if not leg.listed:
            leg.listed = True
            self.legs.append(leg)
        if not self.told:
            self.told = True
            self.on_pending()
        return 0


@cython.final
cdef class FastOutlet:
    """See `hotpath.Outlet`."""

    def __cinit__(self, FastLeg leg, ssrc, payload_type, urgent, memory, rtx, rtx_sequence, extension):
        cdef int index
        self.leg = leg
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.urgent = urgent
        self.extension = extension
        self.memory = memory
        self.has_rtx = rtx is not None
        if self.has_rtx:
            self.rtx_payload_type, self.rtx_ssrc = rtx
        self.rtx_sequence = rtx_sequence
        self.last = -1
        if extension and memory is not None and not self.has_rtx:
            self.departed_as = <long long*>PyMem_Malloc(HISTORY * sizeof(long long))
            self.departed_number = <int*>PyMem_Malloc(HISTORY * sizeof(int))
            if self.departed_as == NULL or self.departed_number == NULL:
                raise MemoryError
            for index in range(HISTORY):
                self.departed_as[index] = -1

    def __dealloc__(self):
        PyMem_Free(self.departed_as)
        PyMem_Free(self.departed_number)

    def begin(
        self,
        double now,
        packet,
        long long sequence_offset,
        long long timestamp_offset,
        long long picture_offset,
        long long tl0_picture_offset,
    ):
        """See `hotpath.Outlet`."""
        self.first = packet.sequence
        self.sequence_offset = sequence_offset
        self.timestamp_offset = timestamp_offset
        self.picture_offset = picture_offset
        self.tl0_picture_offset = tl0_picture_offset
        if self.memory is not None:
            self.memory.begin(
                now,
                packetcache.Run(
                    packet.history,
                    packet.sequence + sequence_offset,
                    sequence_offset,
                    timestamp_offset,
                    picture_offset,
                    tl0_picture_offset,
                ),
            )

    def resend(self, double now, lost):
        """See `hotpath.Outlet`."""
        cdef int answered = 0
        cdef Job job
        cdef Kept kept
        cdef int index
        if self.memory is None:
            return 0
        for one in lost:
            found = self.memory.find(now, self.last, one)
            if found is None:
                continue
            sequence, kept, run = found
            job.sequence = sequence
            job.number = -1
            if self.departed_as != NULL:
                index = <int>(job.sequence & (HISTORY - 1))
                if self.departed_as[index] != job.sequence:
                    continue  # it has not left yet
                job.number = self.departed_number[index]
            job.outlet = <PyObject*>self
            job.kept = <PyObject*>kept
            job.at = now
            job.timestamp = <uint32_t>(kept.timestamp + <long long>run.timestamp_offset)
            job.picture = <uint16_t>(kept.picture + <long long>run.picture_offset)
            job.tl0_picture = <uint8_t>(kept.tl0_picture + <long long>run.tl0_picture_offset)
            job.kind = RTX if self.has_rtx else AGAIN
            job.burst = False
            answered += self.leg.push(&job)
        self.resent += answered
        return answered

    @property
    def pads(self):
        """See `hotpath.Outlet`."""
        return self.has_rtx and self.extension > 0

    def pad(self, double now, int count):
        """See `hotpath.Outlet`."""
        cdef int answered = 0, index
        cdef Job job
        cdef Kept kept
        if not self.has_rtx:
            return 0
        kept = padding()
        memset(&job, 0, sizeof(Job))
        job.outlet = <PyObject*>self
        job.kept = <PyObject*>kept
        job.at = now
        job.kind = PAD
        job.number = -1
        for index in range(count):
            answered += self.leg.push(&job)
        return answered

    def forget(self, double now):
        """See `hotpath.Outlet`."""
        if self.memory is not None:
            self.memory.forget(now, self.last_at)

    cdef int forward(self, double now, Kept kept) except -1:
        """Queue a packet of the run."""
        cdef Job job
        job.outlet = <PyObject*>self
        job.kept = <PyObject*>kept
        job.at = now
        job.sequence = kept.sequence + self.sequence_offset
        job.timestamp = <uint32_t>(kept.timestamp + self.timestamp_offset)
        job.picture = <uint16_t>(kept.picture + self.picture_offset)
        job.tl0_picture = <uint8_t>(kept.tl0_picture + self.tl0_picture_offset)
        job.kind = MEDIA
        job.burst = kept.burst or self.leg.held_up
        job.number = -1
        if job.sequence > self.last:
            self.last = job.sequence
        self.last_at = now
        self.leg.push(&job)
        return 0


@cython.final
cdef class FastLeg:
    """See `hotpath.Leg`."""

    def __cinit__(self, Pending pending, double now):
        self.pending = pending
        self.budget = packetcache.Budget(now)
        self.fd = -1
        self.octets_per_s = LINK_OCTETS_PER_S
        self.credit = BURST_OCTETS
        self.paced_at = now

    def __dealloc__(self):
        ring_clear(&self.urgent)
        ring_clear(&self.paced)
        PyMem_Free(self.sent_at)
        PyMem_Free(self.sent_octets)
        PyMem_Free(self.sent_number)

    def secure(self, protection):
        """See `hotpath.Leg`."""
        self.protection = protection
        self.function = <protect_t><uintptr_t>protection.function
        self.context = <void*><uintptr_t>protection.context

    def aim(self, wire, address):
        """See `hotpath.Leg`."""
        cdef sockaddr_in* four = <sockaddr_in*>&self.target
        cdef sockaddr_in6* six = <sockaddr_in6*>&self.target
        cdef int value
        cdef socklen_t size = sizeof(value)
        self.wire, self.address = wire, address
        self.fd = -1
        cdef int fd = wire.fileno()
        if fd < 0:
            return
        memset(&self.target, 0, sizeof(self.target))
        host = address[0].encode("ascii", "replace")
        if b":" in host:
            six.sin6_family = AF_INET6
            six.sin6_port = htons(address[1])
            if len(address) == 4:
                six.sin6_flowinfo = htonl(address[2])
                six.sin6_scope_id = address[3]
            host = host.partition(b"%")[0]
            self.target_size = sizeof(sockaddr_in6)
            if inet_pton(AF_INET6, host, &six.sin6_addr) != 1:
                return
        else:
            four.sin_family = AF_INET
            four.sin_port = htons(address[1])
            self.target_size = sizeof(sockaddr_in)
            if inet_pton(AF_INET, host, &four.sin_addr) != 1:
                return
        self.fd = fd
        self.segments = getsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, &size) == 0

    def halt(self):
        """See `hotpath.Leg`."""
        ring_clear(&self.urgent)
        ring_clear(&self.paced)
        self.waiting = 0
        self.paced_octets = 0
        self.wire = None
        self.fd = -1

    def pace(self, double bps):
        """See `hotpath.Leg`."""
        self.octets_per_s = bps / 8

    def outlet(
        self,
        ssrc,
        payload_type,
        *,
        urgent,
        nack,
        rtx=None,
        rtx_sequence=0,
        extension=0,
    ):
        """See `hotpath.Leg`."""
        if extension and self.sent_at == NULL:
            self.remember()
        memory = packetcache.Memory(self.budget) if nack else None
        return FastOutlet(self, ssrc, payload_type, urgent, memory, rtx, rtx_sequence, extension)

    cdef int remember(self) except -1:
        cdef int index
        self.sent_at = <double*>PyMem_Malloc(SENT_HISTORY * sizeof(double))
        self.sent_octets = <uint16_t*>PyMem_Malloc(SENT_HISTORY * sizeof(uint16_t))
        self.sent_number = <int32_t*>PyMem_Malloc(SENT_HISTORY * sizeof(int32_t))
        if self.sent_at == NULL or self.sent_octets == NULL or self.sent_number == NULL:
            raise MemoryError
        for index in range(SENT_HISTORY):
            self.sent_number[index] = -1
        return 0

    def sent(self, long long first, long long count):
        """See `hotpath.Leg`."""
        cdef int number, index
        cdef long long n
        found = []
        if self.sent_at == NULL:
            return found
        for n in range(min(count, <long long>SENT_HISTORY)):
            number = (first + n) & 0xFFFF
            index = number & (SENT_HISTORY - 1)
            if self.sent_number[index] == number:
                found.append((number, self.sent_at[index], self.sent_octets[index]))
        return found

    def close(self):
        """See `hotpath.Leg`."""
        self.halt()
        self.function = NULL
        self.context = NULL
        self.protection = None

    cdef bint push(self, Job* job) except -1:
        """Let it wait for the next flush; False if that cannot be. Takes its own references."""
        cdef FastOutlet outlet = <FastOutlet>job.outlet
        if self.protection is None:
            outlet.failures += 1
            return False
        if self.wire is None:
            self.dropped += 1
            return False
        if outlet.urgent or job.kind != MEDIA:
            if self.urgent.count >= URGENT_LIMIT:
                self.dropped += 1
                return False
            ring_push(&self.urgent, job)
        else:
            if self.paced.count >= PACED_LIMIT:
                self.dropped += 1
                return False
            ring_push(&self.paced, job)
            self.paced_octets += (<Kept>job.kept).size
        Py_INCREF(outlet)
        Py_INCREF(<object>job.kept)
        self.waiting += 1
        self.pending.add(self)
        return True

    cdef double allowance(self, double now) noexcept:
        """See `pacer.LinkPacer.allowance`."""
        cdef double passed = now - self.paced_at
        cdef double left = ring_first(&self.paced).at + MAX_WAIT_S - self.paced_at
        cdef double due
        if passed < 0:
            passed = 0
        self.paced_at = now
        self.credit += passed * self.octets_per_s
        if self.credit > BURST_OCTETS:
            self.credit = BURST_OCTETS
        due = self.paced_octets * passed / left if left > passed else <double>self.paced_octets
        return due if due > self.credit else self.credit


cdef Kept padding():
    """A packet that is nothing but padding."""
    cdef Kept kept = Kept()
    kept.timestamp = kept.sequence = kept.marker = 0
    kept.picture = kept.tl0_picture = -1
    kept.arrival = kept.at = 0
    kept.tail = bytes(hotpath.PAD_OCTETS - 1) + bytes((hotpath.PAD_OCTETS,))
    kept.tail_size = hotpath.PAD_OCTETS
    kept.size = 12 + kept.tail_size
    kept.burst = False
    return kept

