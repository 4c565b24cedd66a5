# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The packet path, compiled: `hotpath_plain` with its loops in C. Read that one first.

Headers are written into an arena, protected in place by the libsrtp that pylibsrtp carries (its
functions come in as addresses, no library is linked), and handed to the kernel by ``sendmmsg``
(sendmmsg(2)). Datagrams of one size to one receiver go as one message with ``UDP_SEGMENT``
(udp(7)), so that the kernel walks its path once for all of them.
"""

from cpython.list cimport PyList_GET_ITEM
from cpython.mem cimport PyMem_Malloc, PyMem_Realloc, PyMem_Free
from cpython.ref cimport PyObject, Py_INCREF, Py_DECREF
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport errno, EAGAIN, EINTR
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uintptr_t
from libc.string cimport memcpy, memset

import cython

from bridge import hotpath, pacer, packetcache

cdef extern from *:
    """
    #define diemcau_prefetch(address) __builtin_prefetch(address)
    """
    void diemcau_prefetch(const void* address) noexcept nogil

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        pass
    cdef struct sockaddr_storage:
        uint16_t ss_family
    cdef struct iovec:
        void* iov_base
        size_t iov_len
    cdef struct msghdr:
        void* msg_name
        socklen_t msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
        void* msg_control
        size_t msg_controllen
        int msg_flags
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    int AF_INET, AF_INET6, MSG_DONTWAIT
    int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
    int getsockopt(int fd, int level, int name, void* value, socklen_t* size)
    size_t CMSG_LEN(size_t size)
    size_t CMSG_SPACE(size_t size)
    unsigned char* CMSG_DATA(cmsghdr* message)

cdef extern from "<netinet/in.h>" nogil:
    cdef struct in_addr:
        pass
    cdef struct in6_addr:
        pass
    cdef struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        uint16_t sin6_family
        uint16_t sin6_port
        uint32_t sin6_flowinfo
        in6_addr sin6_addr
        uint32_t sin6_scope_id
    uint16_t htons(uint16_t value)
    uint32_t htonl(uint32_t value)

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char* text, void* address)

ctypedef int (*protect_t)(void* context, void* packet, int* size) noexcept nogil

cdef enum:
    MEDIA = 0
    RTX = 1
    AGAIN = 2
    PAD = 3
    SOL_UDP = 17
    UDP_SEGMENT = 103
    # one batch: few enough to stay in the cache, many enough to make a system call cheap
    SLOTS = 128
    STRIDE = 1600
    SEGMENTS = 60
    SEGMENTED_OCTETS = 64000
    CONTROL = 32
    ARRIVALS = 16

cdef int MAX_PACKET = hotpath.MAX_PACKET
cdef int PACED_LIMIT = hotpath.PACED_LIMIT
cdef int URGENT_LIMIT = hotpath.URGENT_LIMIT
cdef int SENT_HISTORY = hotpath.SENT_HISTORY
cdef int HISTORY = packetcache.HISTORY
cdef double BURST_OCTETS = pacer.BURST_OCTETS
cdef double LINK_OCTETS_PER_S = pacer.LINK_OCTETS_PER_S
cdef double MAX_WAIT_S = pacer.MAX_WAIT_S
cdef double ALL_BURST_OCTETS = pacer.ALL_BURST_OCTETS
cdef double ALL_OCTETS_PER_S = pacer.ALL_OCTETS_PER_S
cdef double STEP_S = pacer.STEP_S

assert MAX_PACKET + 144 <= STRIDE  # SRTP_MAX_TRAILER_LEN


cdef struct Job:
    # both references are owned
    PyObject* outlet
    PyObject* kept
    double at
    long long sequence
    uint32_t timestamp
    uint16_t picture
    uint8_t tl0_picture
    uint8_t kind
    bint burst
    int number


cdef struct Ring:
    Job* jobs
    int size
    int head
    int count


cdef int ring_push(Ring* ring, Job* job) except -1:
    cdef int size, index
    cdef Job* grown
    if ring.count == ring.size:
        size = 2 * ring.size if ring.size else 16
        grown = <Job*>PyMem_Malloc(size * sizeof(Job))
        if grown == NULL:
            raise MemoryError
        for index in range(ring.count):
            grown[index] = ring.jobs[(ring.head + index) & (ring.size - 1)]
        PyMem_Free(ring.jobs)
        ring.jobs, ring.size, ring.head = grown, size, 0
    ring.jobs[(ring.head + ring.count) & (ring.size - 1)] = job[0]
    ring.count += 1
    return 0


cdef inline Job* ring_first(Ring* ring) noexcept:
    return &ring.jobs[ring.head]


cdef inline void ring_pop(Ring* ring) noexcept:
    ring.count -= 1
    # an empty one begins at its first job again, which is in the cache
    ring.head = (ring.head + 1) & (ring.size - 1) if ring.count else 0


cdef void ring_clear(Ring* ring) noexcept:
    cdef Job* job
    while ring.count:
        job = ring_first(ring)
        ring_pop(ring)
        Py_DECREF(<object>job.outlet)
        Py_DECREF(<object>job.kept)
    PyMem_Free(ring.jobs)
    memset(ring, 0, sizeof(Ring))


@cython.final
@cython.freelist(256)
cdef class Kept:
    """A packet of a source, as all its slots share it."""

    cdef readonly long long sequence
    cdef readonly double at
    cdef double arrival
    cdef long long timestamp
    cdef long long picture
    cdef int marker
    cdef int descriptor
    cdef int tl0_picture
    cdef int tail_size
    cdef int size
    cdef bint burst
    cdef bytes tail


@cython.final
cdef class FastOutlet:
    """See `hotpath.Outlet`."""

    cdef readonly uint32_t ssrc
    cdef readonly int payload_type
    cdef readonly long long packets
    cdef readonly long long octets
    cdef readonly long long failures
    cdef readonly long long resent
    cdef readonly long long first
    cdef readonly FastLeg leg
    cdef bint urgent
    cdef int extension
    cdef object memory
    cdef bint has_rtx
    cdef int rtx_payload_type
    cdef uint32_t rtx_ssrc
    cdef long long rtx_sequence
    cdef long long sequence_offset
    cdef long long timestamp_offset
    cdef long long picture_offset
    cdef long long tl0_picture_offset
    cdef long long last
    cdef double last_at
    # what may have to be sent again as it was: extended number and transport-wide number
    cdef long long* departed_as
    cdef int* departed_number

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
                index = <int>(job.sequence % HISTORY)
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

    cdef readonly long long dropped
    cdef FastPath path
    cdef object budget
    cdef object protection
    cdef object wire
    cdef object address
    cdef protect_t function
    cdef void* context
    cdef int fd
    cdef bint segments
    cdef socklen_t target_size
    cdef bint held_up
    cdef bint listed
    cdef int waiting
    cdef Ring urgent
    cdef Ring paced
    cdef long long paced_octets
    # the pacer's: see `pacer.LinkPacer`
    cdef double octets_per_s
    cdef double credit
    cdef double paced_at
    # transport-wide numbers
    cdef int number
    cdef double* sent_at
    cdef uint16_t* sent_octets
    cdef int32_t* sent_number
    # the last, as most of it is never looked at
    cdef sockaddr_storage target

    def __cinit__(self, FastPath path, double now):
        self.path = path
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
        if not self.listed:
            self.listed = True
            self.path.busy.append(self)
        self.path.tell()
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


cdef inline void fetch_ahead(FastLeg leg) noexcept:
    """Have the memory of a leg come in while others are served: between two packets of a source
    everything else has passed through the cache."""
    diemcau_prefetch(leg.context)
    if leg.urgent.count:
        diemcau_prefetch(leg.urgent.jobs)
    if leg.paced.count:
        diemcau_prefetch(leg.paced.jobs)
    diemcau_prefetch(&leg.target)


@cython.final
cdef class FastPath:
    """See `hotpath.HotPath`; arguments as of `hotpath_plain.PlainPath`."""

    name = "compiled"

    cdef object counters
    cdef object latency
    cdef object clock
    cdef object on_pending
    cdef list busy
    cdef bint told
    cdef object checked
    cdef bint full
    # the pacer's: see `pacer.Spreader`
    cdef double credit
    cdef double paced_at
    # a batch on its way to the kernel
    cdef char* arena
    cdef iovec* pieces
    cdef mmsghdr* messages
    cdef char* controls
    cdef double* arrivals
    cdef bint* bursts
    cdef PyObject** legs
    cdef int count
    cdef int message_count
    cdef int batch_fd
    cdef int segment
    cdef int segmented_octets

    def __cinit__(self, counters, clock, on_pending):
        self.counters = counters
        self.latency = counters.latency
        self.clock = clock
        self.on_pending = on_pending
        self.busy = []
        self.credit = ALL_BURST_OCTETS
        self.batch_fd = -1
        self.arena = <char*>PyMem_Malloc(SLOTS * STRIDE)
        self.pieces = <iovec*>PyMem_Malloc(SLOTS * sizeof(iovec))
        self.messages = <mmsghdr*>PyMem_Malloc(SLOTS * sizeof(mmsghdr))
        self.controls = <char*>PyMem_Malloc(SLOTS * CONTROL)
        self.arrivals = <double*>PyMem_Malloc(SLOTS * sizeof(double))
        self.bursts = <bint*>PyMem_Malloc(SLOTS * sizeof(bint))
        self.legs = <PyObject**>PyMem_Malloc(SLOTS * sizeof(PyObject*))
        if (
            self.arena == NULL
            or self.pieces == NULL
            or self.messages == NULL
            or self.controls == NULL
            or self.arrivals == NULL
            or self.bursts == NULL
            or self.legs == NULL
        ):
            raise MemoryError
        memset(self.messages, 0, SLOTS * sizeof(mmsghdr))
        assert CMSG_SPACE(sizeof(uint16_t)) <= CONTROL

    def __dealloc__(self):
        PyMem_Free(self.arena)
        PyMem_Free(self.pieces)
        PyMem_Free(self.messages)
        PyMem_Free(self.controls)
        PyMem_Free(self.arrivals)
        PyMem_Free(self.bursts)
        PyMem_Free(self.legs)

    def leg(self, double now):
        """See `hotpath.HotPath`."""
        return FastLeg(self, now)

    cdef int tell(self) except -1:
        if not self.told:
            self.told = True
            self.on_pending()
        return 0

    def forward(self, double now, packet, slots, /):
        """See `hotpath.Fanout`."""
        cdef Kept kept = Kept()
        cdef FastOutlet outlet
        history = packet.history
        kept.sequence = packet.sequence
        kept.at = now
        kept.arrival = self.latency.arrival
        kept.timestamp = packet.timestamp
        kept.marker = packet.marker
        kept.picture = packet.picture
        kept.descriptor = packet.descriptor
        kept.tl0_picture = packet.tl0_picture
        kept.tail = packet.tail
        kept.tail_size = <int>PyBytes_GET_SIZE(kept.tail)
        kept.size = 12 + kept.tail_size
        if kept.picture >= 0:
            kept.size += 5 if kept.tl0_picture >= 0 else 4
        if packet.starts_keyframe:
            history.keyframe_timestamp = kept.timestamp
        kept.burst = kept.timestamp == <long long>history.keyframe_timestamp
        history.store(kept)
        if packet.late:
            for slot in slots:
                outlet = slot.outlet
                if kept.sequence >= outlet.first:
                    outlet.forward(now, kept)
        else:
            for slot in slots:
                outlet = slot.outlet
                outlet.forward(now, kept)

    def flush(self, double now):
        """See `hotpath.HotPath`."""
        cdef FastLeg leg
        cdef bint served
        cdef list busy = self.busy
        cdef list after = []
        cdef Py_ssize_t index, count = len(busy)
        self.told = False
        self.busy = []
        self.checked = None
        self.credit += (now - self.paced_at) * ALL_OCTETS_PER_S
        if self.credit > ALL_BURST_OCTETS:
            self.credit = ALL_BURST_OCTETS
        self.paced_at = now
        # who got nothing this time is first the next
        for index in range(count):
            if index + 2 < count:
                fetch_ahead(<FastLeg>PyList_GET_ITEM(busy, index + 2))
            leg = <FastLeg>PyList_GET_ITEM(busy, index)
            served = self.credit > 0
            self.drain(leg, now)
            leg.listed = leg.waiting > 0
            if leg.waiting:
                if served:
                    after.append(leg)
                else:
                    self.busy.append(leg)
        self.send_batch()
        self.busy.extend(after)
        return now + STEP_S if self.busy else None

    cdef int drain(self, FastLeg leg, double now) except -1:
        """Send what may leave of one leg."""
        cdef double allowance
        cdef bint overdue
        cdef long long octets = 0
        if leg.wire is None:
            return 0
        if leg.wire is not self.checked:
            self.checked = leg.wire
            self.full = leg.wire.full
        if self.full:
            return 0
        while leg.urgent.count and not self.full:
            self.depart(leg, &leg.urgent, now)
        if leg.paced.count == 0:
            return 0
        allowance = leg.allowance(now)
        overdue = ring_first(&leg.paced).at + MAX_WAIT_S <= now
        while (
            leg.paced.count
            and octets < allowance
            and (overdue or self.credit > 0)
            and not self.full
        ):
            octets += (<Kept>ring_first(&leg.paced).kept).size
            self.credit -= (<Kept>ring_first(&leg.paced).kept).size
            self.depart(leg, &leg.paced, now)
        leg.paced_octets -= octets
        leg.credit -= octets
        if leg.credit < 0:
            leg.credit = 0
        leg.held_up = leg.paced.count > 0
        return 0

    cdef int depart(self, FastLeg leg, Ring* ring, double now) except -1:
        """Take the first of a queue, and build, protect and enclose it."""
        cdef Job job = ring_first(ring)[0]
        ring_pop(ring)
        leg.waiting -= 1
        try:
            self.enclose(leg, &job, now)
        finally:
            Py_DECREF(<object>job.outlet)
            Py_DECREF(<object>job.kept)
        return 0

    cdef int enclose(self, FastLeg leg, Job* job, double now) except -1:
        cdef FastOutlet outlet = <FastOutlet>job.outlet
        cdef Kept kept = <Kept>job.kept
        cdef int number = leg.number if job.number < 0 else job.number
        cdef int size = kept.size + (8 if outlet.extension else 0) + (2 if job.kind == RTX else 0)
        cdef int index
        cdef char* packet
        if self.count == SLOTS or (self.count and self.batch_fd != leg.fd):
            self.send_batch()
        packet = self.arena + self.count * STRIDE
        if job.kind == RTX or job.kind == PAD:
            outlet.rtx_sequence += 1
        if size > MAX_PACKET:
            outlet.failures += 1
            return 0
        build(outlet, kept, job, number, <uint8_t*>packet)
        size = protect(leg, packet, size)
        if size < 0:
            outlet.failures += 1
            return 0
        if job.kind == MEDIA:
            outlet.packets += 1
            outlet.octets += kept.size - 12
            if outlet.departed_as != NULL:
                index = <int>(job.sequence % HISTORY)
                outlet.departed_as[index] = job.sequence
                outlet.departed_number[index] = number
        if outlet.extension and job.number < 0:
            leg.number = (number + 1) & 0xFFFF
            index = number & (SENT_HISTORY - 1)
            leg.sent_number[index] = number
            leg.sent_at[index] = now
            leg.sent_octets[index] = size
        if leg.fd < 0:
            leg.wire.send(PyBytes_FromStringAndSize(packet, size), leg.address)
            if job.kind == MEDIA and kept.arrival > 0:
                self.latency.took(self.clock() - kept.arrival, 1, job.burst)
            return 0
        self.arrivals[self.count] = kept.arrival if job.kind == MEDIA else 0
        self.bursts[self.count] = job.burst
        self.append(leg, packet, size)
        return 0

    cdef void append(self, FastLeg leg, char* packet, int size) noexcept:
        """One datagram more: behind the last one to this receiver if it fits there."""
        cdef iovec* piece = &self.pieces[self.count]
        cdef msghdr* message
        cdef cmsghdr* control
        cdef uint16_t segment
        piece.iov_base = packet
        piece.iov_len = size
        self.batch_fd = leg.fd
        if (
            self.message_count
            and self.legs[self.message_count - 1] == <PyObject*>leg
            and leg.segments
            and size <= self.segment
            and self.segmented_octets + size <= SEGMENTED_OCTETS
            and self.messages[self.message_count - 1].msg_hdr.msg_iovlen < SEGMENTS
        ):
            message = &self.messages[self.message_count - 1].msg_hdr
            if message.msg_iovlen == 1:
                control = <cmsghdr*>(self.controls + (self.message_count - 1) * CONTROL)
                segment = self.segment
                control.cmsg_level = SOL_UDP
                control.cmsg_type = UDP_SEGMENT
                control.cmsg_len = CMSG_LEN(sizeof(segment))
                memcpy(CMSG_DATA(control), &segment, sizeof(segment))
                message.msg_control = control
                message.msg_controllen = CMSG_SPACE(sizeof(segment))
            message.msg_iovlen += 1
            self.segmented_octets += size
            if size < self.segment:
                self.segment = 0  # a shorter one is the last
        else:
            message = &self.messages[self.message_count].msg_hdr
            message.msg_name = &leg.target
            message.msg_namelen = leg.target_size
            message.msg_iov = piece
            message.msg_iovlen = 1
            message.msg_control = NULL
            message.msg_controllen = 0
            self.legs[self.message_count] = <PyObject*>leg
            Py_INCREF(leg)
            self.message_count += 1
            self.segment = size
            self.segmented_octets = size
        self.count += 1

    cdef int send_batch(self) except -1:
        """Hand the batch to the kernel. What it has no room for waits on the wire, in order."""
        cdef int done = 0, sent, index, error
        cdef long long packets = 0, octets = 0, unreachable = 0
        cdef FastLeg leg
        cdef bint full = False
        if self.count == 0:
            return 0
        while done < self.message_count:
            if not full:
                with nogil:
                    sent = sendmmsg(
                        self.batch_fd,
                        self.messages + done,
                        self.message_count - done,
                        MSG_DONTWAIT,
                    )
                    error = errno
                if sent > 0:
                    for index in range(done, done + sent):
                        packets += self.messages[index].msg_hdr.msg_iovlen
                        octets += self.messages[index].msg_len
                    done += sent
                    continue
                if error == EINTR:
                    continue
                full = error == EAGAIN
            leg = <FastLeg>self.legs[done]
            if full:
                self.hand_over(leg, &self.messages[done].msg_hdr)
                self.full = self.full or leg.wire is self.checked
            elif self.messages[done].msg_hdr.msg_iovlen > 1:
                # the way there does not take segments; one by one it may
                leg.segments = False
                self.hand_over(leg, &self.messages[done].msg_hdr)
            else:
                unreachable += 1
            done += 1
        for index in range(self.message_count):
            Py_DECREF(<object>self.legs[index])
        counters = self.counters
        counters.packets_out += packets
        counters.bytes_out += octets
        if unreachable:
            counters.dropped["unreachable"] += unreachable
        self.took()
        self.count = self.message_count = 0
        return 0

    cdef int hand_over(self, FastLeg leg, msghdr* message) except -1:
        cdef size_t index
        for index in range(message.msg_iovlen):
            if leg.wire is not None:
                leg.wire.send(
                    PyBytes_FromStringAndSize(
                        <char*>message.msg_iov[index].iov_base, message.msg_iov[index].iov_len
                    ),
                    leg.address,
                )
        return 0

    cdef int took(self) except -1:
        """Say how long the packets of the batch were here."""
        cdef double[ARRIVALS] arrivals
        cdef int[ARRIVALS][2] counts
        cdef int known = 0, index, found
        cdef double at = self.clock()
        for index in range(self.count):
            if self.arrivals[index] <= 0:
                continue
            for found in range(known):
                if arrivals[found] == self.arrivals[index]:
                    break
            else:
                found = known
                if known == ARRIVALS:
                    self.report(at, arrivals, counts, known)
                    known = found = 0
                arrivals[found] = self.arrivals[index]
                counts[found][0] = counts[found][1] = 0
                known += 1
            counts[found][1 if self.bursts[index] else 0] += 1
        self.report(at, arrivals, counts, known)
        return 0

    cdef int report(self, double at, double* arrivals, int[2]* counts, int known) except -1:
        cdef int index
        for index in range(known):
            if counts[index][0]:
                self.latency.took(at - arrivals[index], counts[index][0], False)
            if counts[index][1]:
                self.latency.took(at - arrivals[index], counts[index][1], True)
        return 0


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


cdef int protect(FastLeg leg, char* packet, int size) except -2:
    """In place; the size of the datagram, -1 if it failed."""
    cdef int length = size
    if leg.function != NULL:
        return length if leg.function(leg.context, packet, &length) == 0 else -1
    try:
        datagram = leg.protection.protect(PyBytes_FromStringAndSize(packet, size))
    except Exception:
        return -1
    if len(datagram) > STRIDE:
        return -1
    memcpy(packet, PyBytes_AS_STRING(datagram), len(datagram))
    return len(datagram)


cdef void build(FastOutlet outlet, Kept kept, Job* job, int number, uint8_t* at) noexcept:
    """The plain packet of a job; see `hotpath_plain.PlainOutlet.build`."""
    cdef uint32_t timestamp = job.timestamp
    cdef long long sequence = job.sequence
    cdef uint32_t ssrc = outlet.ssrc
    cdef int payload_type = outlet.payload_type
    cdef uint16_t picture
    if job.kind == RTX or job.kind == PAD:
        sequence = outlet.rtx_sequence
        ssrc = outlet.rtx_ssrc
        payload_type = outlet.rtx_payload_type
    at[0] = (0x90 if outlet.extension else 0x80) | (0x20 if job.kind == PAD else 0)
    at[1] = <uint8_t>(kept.marker | payload_type)
    at[2] = <uint8_t>(sequence >> 8)
    at[3] = <uint8_t>sequence
    at[4] = <uint8_t>(timestamp >> 24)
    at[5] = <uint8_t>(timestamp >> 16)
    at[6] = <uint8_t>(timestamp >> 8)
    at[7] = <uint8_t>timestamp
    at[8] = <uint8_t>(ssrc >> 24)
    at[9] = <uint8_t>(ssrc >> 16)
    at[10] = <uint8_t>(ssrc >> 8)
    at[11] = <uint8_t>ssrc
    at += 12
    if outlet.extension:
        at[0], at[1], at[2], at[3] = 0xBE, 0xDE, 0, 1
        at[4] = <uint8_t>(outlet.extension << 4 | 1)
        at[5] = <uint8_t>(number >> 8)
        at[6] = <uint8_t>number
        at[7] = 0
        at += 8
    if job.kind == RTX:
        at[0] = <uint8_t>(job.sequence >> 8)
        at[1] = <uint8_t>job.sequence
        at += 2
    if kept.picture >= 0:
        picture = 0x8000 | job.picture
        at[0] = <uint8_t>(kept.descriptor >> 8)
        at[1] = <uint8_t>kept.descriptor
        at[2] = <uint8_t>(picture >> 8)
        at[3] = <uint8_t>picture
        at += 4
        if kept.tl0_picture >= 0:
            at[0] = job.tl0_picture
            at += 1
    memcpy(at, PyBytes_AS_STRING(kept.tail), kept.tail_size)
